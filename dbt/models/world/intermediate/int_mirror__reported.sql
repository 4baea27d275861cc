{{ config(materialized="ephemeral") }}

-- Figures that can be compared with a mirror: goods by product in a year, between two countries or
-- with an area not elsewhere specified, named `nes`.
select
    f.year,
    case when f.flow_code = 'M' then p.mirror_id else a.mirror_id end as exporter_iso3,
    case when f.flow_code = 'M' then a.mirror_id else p.mirror_id end as importer_iso3,
    coalesce(c.product_code, f.cmd_code) as product_code,
    f.flow_code,
    f.cmd_code,
    f.partner_area_code,
    f.is_aggregate,
    cast(f.value_usd as double) as value_usd,
    -- The weight; where there is none, a quantity in kilograms.
    coalesce(
        case when f.net_weight_kg > 0 then f.net_weight_kg end,
        case when f.qty_unit_code = '8' and f.quantity > 0 then f.quantity end
    ) as quantity_kg
from {{ of_year(ref("stg_un_comtrade__bulk")) }} as f
inner join
    {{ of_year(ref("int_mirror__datasets_chosen")) }} as d
    on f.year = d.year
    and f.reporter_area_code = d.reporter_area_code
    and f.snapshot_sha256 = d.snapshot_sha256
    and length(f.cmd_code) = d.digits
inner join
    {{ ref("int_mirror__areas") }} as a
    on f.reporter_area_code = a.area_code
    and a.area_kind = 'country'
inner join
    {{ ref("int_mirror__areas") }} as p
    on f.partner_area_code = p.area_code
    and p.area_kind in ('country', 'area_nes')
left join
    {{ ref("int_mirror__products") }} as c
    on f.classification_code = c.edition_code
    and f.cmd_code = c.reported_code
left join
    {{ of_year(ref("int_mirror__rows_replaced")) }} as o
    on f.year = o.year
    and f.reporter_area_code = o.reporter_area_code
    and f.snapshot_sha256 = o.snapshot_sha256
    and f.flow_code = o.flow_code
    and f.partner_area_code = o.partner_area_code
    and coalesce(c.product_code, f.cmd_code) = o.product_code
where {{ is_mirrored_row("f") }} and a.mirror_id <> p.mirror_id and o.year is null
