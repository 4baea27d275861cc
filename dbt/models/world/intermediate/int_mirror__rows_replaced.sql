{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Of reports in several files, the flows of a product that a later file gives again: its rows count
-- and these do not. Codes of two editions are compared by the code of the common one.
with
    several as (select * from {{ of_year(ref("int_mirror__datasets_chosen")) }} where files > 1),

    given as (

        select
            f.year,
            f.reporter_area_code,
            f.snapshot_sha256,
            f.flow_code,
            f.partner_area_code,
            coalesce(c.product_code, f.cmd_code) as product_code,
            d.digits,
            d.recency,
            {{ rows_of_dataset("f") }}
        from {{ of_year(ref("stg_un_comtrade__bulk")) }} as f
        inner join
            several as d
            on f.year = d.year
            and f.reporter_area_code = d.reporter_area_code
            and f.snapshot_sha256 = d.snapshot_sha256
            and length(f.cmd_code) = d.digits
        left join
            {{ ref("int_mirror__products") }} as c
            on f.classification_code = c.edition_code
            and f.cmd_code = c.reported_code
        where {{ is_mirrored_row("f") }}
        group by
            f.year,
            f.reporter_area_code,
            f.snapshot_sha256,
            f.flow_code,
            f.partner_area_code,
            coalesce(c.product_code, f.cmd_code),
            d.digits,
            d.recency

    ),

    ordered as (

        select
            *,
            min(recency) over (
                partition by year, reporter_area_code, flow_code, partner_area_code, product_code
            ) as latest
        from given

    )

select * exclude (recency, latest)
from ordered
where recency > latest
