-- How far a publisher's own revisions have moved a series: the largest share of a year's value.
with
    revisions as (

        select * from {{ ref("revisions") }} where release_order > 1 and measure = 'trade_value'

    ),

    years as (

        select
            reporter_iso3,
            partner_code,
            leg_id,
            product_system,
            year(period_start) as reference_year,
            sum(value_usd) as value_usd,
            sum(previous_value_usd) as previous_value_usd
        from revisions
        group by
            reporter_iso3,
            partner_code,
            leg_id,
            product_system,
            source_id,
            period_kind,
            release_id,
            previous_release_id,
            year(period_start)

    )

select
    reporter_iso3,
    partner_code,
    leg_id,
    product_system,
    max(abs(value_usd - previous_value_usd) / nullif(abs(previous_value_usd), 0)) as revision_share
from years
group by reporter_iso3, partner_code, leg_id, product_system
