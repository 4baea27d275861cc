{{ config(tags=["question", "question_input"]) }}

-- The bridges between a sector's definitions that every build walks; those between readings,
-- releases and claims follow from what is held. Others are asked for in the same columns, where
-- an end is a reading or a claim, and a direction left out is the sign of the figure itself.
with
    cells as (select * from {{ ref("figures_requested") }}),

    definitions as (

        select definition_id, sector_id, definition_rank from {{ ref("sector_definitions") }}

    ),

    readings as (

        select trade_kind, reading_id, import_concept, import_valuation
        from {{ ref("readings_named") }}
        where reported_by = 'reporter'

    )

select distinct
    'definition: '
    || r.reading_id
    || ' imports '
    || a.reporter_iso3
    || '>'
    || a.partner_code
    || ' '
    || a.definition_id
    || ' to '
    || b.definition_id
    || ' '
    || {{ period_text("a.period_start", "a.period_end") }} as bridge_id,
    a.reporter_iso3,
    a.partner_code,
    a.trade_kind,
    'imports' as quantity,
    1 as direction,
    cast(null as varchar) as a_claim_id,
    r.reading_id as a_reading_id,
    cast(null as date) as a_as_of,
    a.definition_id as a_definition_id,
    a.period_start as a_period_start,
    a.period_end as a_period_end,
    cast(null as varchar) as b_claim_id,
    r.reading_id as b_reading_id,
    cast(null as date) as b_as_of,
    b.definition_id as b_definition_id,
    b.period_start as b_period_start,
    b.period_end as b_period_end
from cells as a
inner join definitions as da on a.definition_id = da.definition_id
inner join
    definitions as db on da.sector_id = db.sector_id and da.definition_rank < db.definition_rank
inner join
    cells as b
    on db.definition_id = b.definition_id
    and a.reporter_iso3 = b.reporter_iso3
    and a.partner_code = b.partner_code
    and a.trade_kind = b.trade_kind
    and a.period_start = b.period_start
    and a.period_end = b.period_end
inner join readings as r on a.trade_kind = r.trade_kind
