{{ config(tags=["question", "question_input"]) }}

-- The bridges between a sector's product groups that every build computes; those between bases,
-- releases and claims follow from the available figures. Other bridges are requested in the same
-- columns, where an end is a basis or a claim; without a direction, the figure's own sign is used.
with
    cells as (select * from {{ ref("figures_requested") }}),

    definitions as (

        select product_group, sector_id, definition_rank from {{ ref("sector_definitions") }}

    ),

    bases as (

        select trade_kind, basis_id, import_concept, import_valuation
        from {{ ref("bases_named") }}
        where reported_by = 'reporter'

    )

select distinct
    'definition: '
    || r.basis_id
    || ' imports '
    || a.reporter_iso3
    || '>'
    || a.partner_code
    || ' '
    || a.product_group
    || ' to '
    || b.product_group
    || ' '
    || {{ period_text("a.period_start", "a.period_end") }} as bridge_id,
    a.reporter_iso3,
    a.partner_code,
    a.trade_kind,
    'imports' as quantity,
    1 as direction,
    cast(null as varchar) as a_claim_id,
    r.basis_id as a_basis_id,
    cast(null as date) as a_as_of,
    a.product_group as a_product_group,
    a.period_start as a_period_start,
    a.period_end as a_period_end,
    cast(null as varchar) as b_claim_id,
    r.basis_id as b_basis_id,
    cast(null as date) as b_as_of,
    b.product_group as b_product_group,
    b.period_start as b_period_start,
    b.period_end as b_period_end
from cells as a
inner join definitions as da on a.product_group = da.product_group
inner join
    definitions as db on da.sector_id = db.sector_id and da.definition_rank < db.definition_rank
inner join
    cells as b
    on db.product_group = b.product_group
    and a.reporter_iso3 = b.reporter_iso3
    and a.partner_code = b.partner_code
    and a.trade_kind = b.trade_kind
    and a.period_start = b.period_start
    and a.period_end = b.period_end
inner join bases as r on a.trade_kind = r.trade_kind
