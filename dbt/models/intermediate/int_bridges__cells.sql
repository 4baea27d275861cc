{{ config(tags=["question"]) }}

-- A bridge that changes products and period passes through cells that neither end names.
with requested as (

    select * from {{ ref('int_bridges__requested') }}

),

definitions as (

    select bridge_id, a_definition_id as definition_id from requested
    union
    select bridge_id, b_definition_id as definition_id from requested

),

periods as (

    select bridge_id, a_period_start as period_start, a_period_end as period_end from requested
    union
    select bridge_id, b_period_start as period_start, b_period_end as period_end from requested

)

select distinct
    r.reporter_iso3,
    r.partner_code,
    r.trade_kind,
    d.definition_id,
    p.period_start,
    p.period_end
from requested as r
inner join definitions as d on r.bridge_id = d.bridge_id
inner join periods as p on r.bridge_id = p.bridge_id
