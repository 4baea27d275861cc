{{ config(tags=["question"]) }}

-- One direction of a cell's trade as one country compiled it, as known on a day.
with
    summed as (

        select
            cell_id,
            vintage,
            reported_by,
            flow,
            leg_id,
            source_id,
            source_rank,
            evidence_kind,
            raw_table,
            route,
            months,
            members,
            count(distinct period_start) as periods_found,
            count(distinct product_code) as members_found,
            sum(value_usd) as value_usd,
            sum(half_width_usd) as half_width_usd,
            max(known_from) as known_from,
            min(known_to) as known_to,
            max(known_from_earliest) as known_from_earliest,
            max(source_id || ' ' || release_id) as release_key
        from {{ ref("int_figures__pieces") }}
        group by
            cell_id,
            vintage,
            reported_by,
            flow,
            leg_id,
            source_id,
            source_rank,
            evidence_kind,
            raw_table,
            route,
            months,
            members

    ),

    -- A sum of months stands only with every month; a code without a row in a system that is
    -- held for the month is a code without trade.
    complete as (select * from summed where route = 'period' or periods_found = months),

    ranked as (

        select
            *,
            row_number() over (
                partition by cell_id, vintage, leg_id
                order by
                    source_rank,
                    known_from desc,
                    case when route = 'period' then 1 else 2 end,
                    half_width_usd,
                    raw_table,
                    source_id
            ) as preference
        from complete

    )

select
    cell_id,
    vintage,
    reported_by,
    -- Goods leave the reporter as its exports or as its partner's imports.
    case
        when (reported_by = 'reporter') = (flow = 'export') then 'outbound' else 'inbound'
    end as direction,
    flow,
    leg_id,
    source_id,
    source_rank,
    evidence_kind,
    raw_table,
    route,
    members,
    members_found,
    cast(value_usd as decimal(24, 3)) as value_usd,
    cast(half_width_usd as decimal(24, 3)) as half_width_usd,
    known_from,
    known_to,
    known_from_earliest,
    release_key
from ranked
where preference = 1
