{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- The level of an importer's figures relative to its partners' in a year: for each partner the sums
-- from which a typical logarithm of their ratio is computed. Freight never exceeds a half: a larger
-- deviation has another cause and counts as a half, with its sign.
{%- set far = 0.5 %}
with
    flows as (

        select
            year,
            exporter_iso3,
            importer_iso3,
            importer_reported_usd,
            -- Flows that both weighed alike differ only in value; quantities remove most of the
            -- rest.
            case
                when exporter_reported_usd is null or exporter_reported_usd <= 0
                then null
                when importer_reported_usd is null or importer_reported_usd <= 0
                then null
                when exporter_kg > 0 and importer_kg > 0
                then
                    ln(
                        (importer_reported_usd / importer_kg)
                        / (exporter_reported_usd / exporter_kg)
                    )
                else ln(importer_reported_usd / exporter_reported_usd)
            end as ln_ratio
        from {{ ref("int_mirror__pairs") }}
        where exporter_iso3 <> 'nes' and importer_iso3 <> 'nes'

    ),

    bounded as (

        select
            *,
            -- greatest() of a number and null is the number.
            case
                when ln_ratio is not null then least(greatest(ln_ratio, -{{ far }}), {{ far }})
            end as bounded_ratio,
            case when abs(ln_ratio) < {{ far }} then 1 else 0 end as is_near
        from flows

    )

select
    year,
    exporter_iso3,
    importer_iso3,
    cast(count(ln_ratio) as bigint) as flows_mirrored,
    cast(sum(is_near) as bigint) as flows_near,
    sum(bounded_ratio) as sum_ln_ratio,
    sum(bounded_ratio * bounded_ratio) as sum_squares,
    sum(importer_reported_usd) as importer_reported_usd
from bounded
group by year, exporter_iso3, importer_iso3
