{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Who reported a year: rows, values and the edition of the Harmonized System, by direction.
select
    d.year,
    a.mirror_id as reporter_iso3,
    case when d.flow_code = 'X' then 'export' else 'import' end as flow,
    max(d.edition_code) as edition_code,
    cast(sum(d.rows_reported) as bigint) as rows_reported,
    -- Where both are filled and equal in every row, the country values imports as exports.
    cast(sum(d.rows_valued_twice) as bigint) as rows_valued_twice,
    cast(sum(d.rows_valued_alike) as bigint) as rows_valued_alike,
    -- Mean difference of the two columns, in logarithms, over the rows that fill both.
    sum(d.sum_ln_cif) / nullif(sum(d.rows_valued_twice), 0) as mean_ln_cif
from {{ of_year(ref("int_mirror__datasets")) }} as d
inner join
    {{ of_year(ref("int_mirror__datasets_chosen")) }} as c
    on d.year = c.year
    and d.reporter_area_code = c.reporter_area_code
    and d.snapshot_sha256 = c.snapshot_sha256
    and d.digits = c.digits
inner join
    {{ ref("int_mirror__areas") }} as a
    on d.reporter_area_code = a.area_code
    and a.area_kind = 'country'
where d.flow_code <> 'RX'
group by d.year, a.mirror_id, case when d.flow_code = 'X' then 'export' else 'import' end
