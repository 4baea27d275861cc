{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Who reported a year: rows, values and the edition of the Harmonized System, by direction.
with
    replaced as (

        select
            year,
            reporter_area_code,
            snapshot_sha256,
            flow_code,
            digits,
            sum(rows_reported) as rows_reported,
            sum(rows_valued_twice) as rows_valued_twice,
            sum(rows_valued_alike) as rows_valued_alike,
            sum(sum_ln_cif) as sum_ln_cif
        from {{ of_year(ref("int_mirror__rows_replaced")) }}
        group by year, reporter_area_code, snapshot_sha256, flow_code, digits

    ),

    -- A row that a later file of the same report gives again is not counted twice.
    datasets as (

        select
            d.year,
            d.reporter_area_code,
            d.flow_code,
            d.edition_code,
            d.rows_reported - coalesce(r.rows_reported, 0) as rows_reported,
            d.rows_valued_twice - coalesce(r.rows_valued_twice, 0) as rows_valued_twice,
            d.rows_valued_alike - coalesce(r.rows_valued_alike, 0) as rows_valued_alike,
            d.sum_ln_cif - coalesce(r.sum_ln_cif, 0) as sum_ln_cif
        from {{ of_year(ref("int_mirror__datasets")) }} as d
        inner join
            {{ of_year(ref("int_mirror__datasets_chosen")) }} as c
            on d.year = c.year
            and d.reporter_area_code = c.reporter_area_code
            and d.snapshot_sha256 = c.snapshot_sha256
            and d.digits = c.digits
        left join
            replaced as r
            on d.year = r.year
            and d.reporter_area_code = r.reporter_area_code
            and d.snapshot_sha256 = r.snapshot_sha256
            and d.flow_code = r.flow_code
            and d.digits = r.digits
        where d.flow_code <> 'RX'

    )

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
from datasets as d
inner join
    {{ ref("int_mirror__areas") }} as a
    on d.reporter_area_code = a.area_code
    and a.area_kind = 'country'
where d.rows_reported > 0
group by d.year, a.mirror_id, case when d.flow_code = 'X' then 'export' else 'import' end
