-- A figure as one source gave it over a run of releases with the same value.
with
    figures as (select * from {{ ref("int_trade__figures") }}),

    runs as (

        select
            observation_id,
            max(release_no) as last_release_no,
            count(distinct release_no) as releases,
            max(known_from) as last_known_from,
            max(copy_no) as copy_no,
            -- Only the value of a run's last release may still be current.
            case when count(known_to) = count(*) then max(known_to) end as known_to,
            max(withdrawn_by_release_id) as withdrawn_by_release_id
        from figures
        group by observation_id

    )

select
    f.observation_id,
    f.source_id,
    f.raw_table,
    f.release_no as first_release_no,
    r.last_release_no,
    cast(r.releases as integer) as releases,
    f.flow,
    f.series_id,
    f.export_series_id,
    f.import_series_id,
    f.partner_id,
    f.is_aggregate,
    f.product_id,
    f.product_edition,
    f.period_start,
    f.period_end,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    f.rounding_margin_usd,
    f.known_from,
    r.last_known_from,
    r.copy_no,
    r.known_to,
    r.withdrawn_by_release_id
from figures as f
inner join runs as r on f.observation_id = r.observation_id
where f.figure_id = f.observation_id
order by f.observation_id
