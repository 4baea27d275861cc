-- CEPII's reconciled value of each flow, a basis beside the reports of both sides.
select
    f.reference_year as year,
    e.area_id as exporter_iso3,
    e.area_name as exporter_name,
    i.area_id as importer_iso3,
    i.area_name as importer_name,
    'hs6' as product_system,
    y.product_edition,
    f.cmd_code as product_code,
    f.value_usd,
    f.quantity_tonnes as quantity_t,
    y.is_latest and r.year is null as is_latest,
    y.version,
    y.source_id,
    y.release_id,
    y.snapshot_file,
    f.row_number
from {{ ref("stg_cepii_baci__trade") }} as f
inner join
    {{ ref("baci_years") }} as y
    on f.reference_year = y.year
    and f.snapshot_sha256 = y.snapshot_sha256
left join {{ ref("int_mirror__areas") }} as e on f.exporter_area_code = e.area_code
left join {{ ref("int_mirror__areas") }} as i on f.importer_area_code = i.area_code
left join
    {{ ref("int_baci__rows_replaced") }} as r
    on f.reference_year = r.year
    and f.snapshot_sha256 = r.snapshot_sha256
    and f.exporter_area_code = r.exporter_area_code
    and f.importer_area_code = r.importer_area_code
    and f.cmd_code = r.cmd_code
