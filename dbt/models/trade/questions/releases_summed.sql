{{ config(tags=["question"], materialized="view") }}

-- Changes between two releases, counted and summed where figures may be added: one measure of one
-- series at one level, over periods of one kind. Groups of countries overlap, and figures cumulated
-- within a year include their months, so these are only counted.
with
    compared as (

        select
            *,
            case
                when partner_code = 'WLD'
                then 'world'
                when is_aggregate
                then 'groups'
                else 'countries'
            end as partners
        from {{ ref("releases_compared") }}

    )

select
    source_id,
    a_release_id,
    b_release_id,
    flow,
    measure,
    series_code,
    product_system,
    period_kind,
    partners,
    change,
    count(*) as cells,
    case
        when partners <> 'groups' and period_kind in ('year', 'month')
        then cast(sum(coalesce(a_value_usd, 0)) as decimal(38, 3))
    end as a_value_usd,
    case
        when partners <> 'groups' and period_kind in ('year', 'month')
        then cast(sum(coalesce(b_value_usd, 0)) as decimal(38, 3))
    end as b_value_usd,
    case
        when partners <> 'groups' and period_kind in ('year', 'month')
        then cast(sum(change_usd) as decimal(38, 3))
    end as change_usd
from compared
group by
    source_id,
    a_release_id,
    b_release_id,
    flow,
    measure,
    series_code,
    product_system,
    period_kind,
    partners,
    change
