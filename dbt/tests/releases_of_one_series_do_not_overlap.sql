with
    figures as (

        select distinct
            source_id,
            series_key,
            period_start,
            period_end,
            known_from,
            known_to,
            withdrawn_by_release_id is not null as is_withdrawn
        from {{ ref("observations") }}

    ),

    ordered as (

        select
            *,
            lead(known_from) over (
                partition by source_id, series_key, period_start, period_end
                order by known_from, known_to nulls last
            ) as next_known_from
        from figures

    )

select *
from ordered
where
    case
        when is_withdrawn
        then known_to is null or known_to > next_known_from
        else known_to is distinct from next_known_from
    end
