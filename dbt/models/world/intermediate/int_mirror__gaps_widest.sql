{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The thousand flows of a product in a year whose importer and exporter figures differ most in
-- dollars.
{%- set width %} abs(coalesce(importer_reported_usd, 0) - coalesce(exporter_reported_usd, 0)) {%- endset %}
with
    -- First by size only: the engine then keeps a thousand numbers in memory instead of all flows.
    ranked as (

        select
            year,
            {{ width }} as width_usd,
            row_number() over (partition by year order by {{ width }} desc) as width_rank
        from {{ of_year(ref("int_mirror__cells")) }}

    ),

    limits as (

        select year, min(width_usd) as least_usd from ranked where width_rank <= 1000 group by year

    ),

    wide as (

        select
            c.*,
            row_number() over (
                partition by c.year
                order by {{ width }} desc, c.exporter_iso3, c.importer_iso3, c.product_code
            ) as width_rank
        from {{ of_year(ref("int_mirror__cells")) }} as c
        inner join limits as n on c.year = n.year and {{ width }} >= n.least_usd

    ),

    passed_on as (

        select c.year, c.importer_iso3, c.product_code, {{ share_through_hubs() }} as hub_share
        from {{ of_year(ref("int_mirror__cells")) }} as c
        inner join
            (select distinct year, importer_iso3, product_code from wide) as w
            on c.year = w.year
            and c.importer_iso3 = w.importer_iso3
            and c.product_code = w.product_code
        group by c.year, c.importer_iso3, c.product_code

    )

select
    r.year,
    r.exporter_iso3,
    r.importer_iso3,
    r.product_code,
    r.exporter_reported_usd,
    r.importer_reported_usd,
    r.importer_fob_usd,
    r.re_exported_usd,
    r.nes_allocated_usd,
    p.hub_share
from wide as r
inner join
    passed_on as p
    on r.year = p.year
    and r.importer_iso3 = p.importer_iso3
    and r.product_code = p.product_code
where r.width_rank <= 1000
