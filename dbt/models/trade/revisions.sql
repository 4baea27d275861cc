-- Every figure that one publisher gave more than once, in the order it became known.
with
    observations as (

        select
            observation_id,
            source_id,
            series_key,
            reporter_iso3,
            partner_code,
            product_system,
            measure,
            coalesce(export_leg_id, import_leg_id) as leg_id,
            period_kind,
            period_start,
            period_end,
            period,
            release_id,
            known_from,
            known_to,
            value_usd,
            half_width_usd
        from {{ ref("observations") }}
        where flow in ('export', 'import')

    ),

    ordered as (

        select
            *,
            lag(release_id) over (
                partition by source_id, series_key, period_start, period_end
                order by known_from, known_to nulls last, half_width_usd desc, observation_id
            ) as previous_release_id,
            lag(value_usd) over (
                partition by source_id, series_key, period_start, period_end
                order by known_from, known_to nulls last, half_width_usd desc, observation_id
            ) as previous_value_usd,
            lag(half_width_usd) over (
                partition by source_id, series_key, period_start, period_end
                order by known_from, known_to nulls last, half_width_usd desc, observation_id
            ) as previous_half_width_usd,
            row_number() over (
                partition by source_id, series_key, period_start, period_end
                order by known_from, known_to nulls last, half_width_usd desc, observation_id
            ) as release_order,
            count(*) over (partition by source_id, series_key, period_start, period_end) as releases
        from observations

    )

select
    observation_id,
    source_id,
    series_key,
    reporter_iso3,
    partner_code,
    leg_id,
    product_system,
    measure,
    period_kind,
    period_start,
    period_end,
    period,
    release_order,
    release_id,
    known_from,
    value_usd,
    previous_release_id,
    previous_value_usd,
    cast(value_usd - previous_value_usd as decimal(24, 3)) as change_usd,
    case
        when previous_value_usd <> 0
        then cast((value_usd - previous_value_usd) * 100 / previous_value_usd as decimal(18, 6))
    end as change_pct,
    -- Printed to other units, the same figure is not a revised one.
    coalesce(
        case
            when half_width_usd = previous_half_width_usd
            then value_usd <> previous_value_usd
            else abs(value_usd - previous_value_usd) > half_width_usd + previous_half_width_usd
        end,
        false
    ) as is_revised
from ordered
where releases > 1
