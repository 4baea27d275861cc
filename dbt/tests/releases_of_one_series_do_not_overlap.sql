with
    figures as (

        select distinct source_id, series_key, period_start, period_end, known_from, known_to
        from {{ ref("observations") }}

    ),

    ordered as (

        select
            *,
            lead(known_from) over (
                partition by source_id, series_key, period_start, period_end order by known_from
            ) as next_known_from
        from figures

    )

select *
from ordered
where known_to is distinct from next_known_from
