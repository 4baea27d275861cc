{{ config(tags=["question"], materialized="view") }}

-- The rows a figure is made of, at each day on which something about the pair became known:
-- the row of the very period, or the rows of its months.
with
    cells as (select * from {{ ref("int_figures__cells") }}),

    observations as (

        select *
        from {{ ref("observations") }}
        where
            measure = 'trade_value'
            and flow in ('export', 'import')
            and known_from <= {{ as_of_day() }}

    ),

    -- A withdrawal is news as well, and no row is there to date it.
    days as (

        select reporter_iso3, partner_code, known_from as vintage
        from observations

        union

        select reporter_iso3, partner_code, known_to as vintage
        from observations
        where known_to <= {{ as_of_day() }}

    ),

    -- A pair is known through its reporter's rows and through its partner's.
    sides as (

        select *, 'reporter' as reported_by, reporter_iso3 as compiler, partner_code as counterpart
        from cells

        union all

        select *, 'partner' as reported_by, partner_code as compiler, reporter_iso3 as counterpart
        from cells

    ),

    vintages as (

        select distinct s.cell_id, d.vintage
        from sides as s
        inner join days as d on s.compiler = d.reporter_iso3 and s.counterpart = d.partner_code

    ),

    members as (

        select
            s.cell_id,
            s.reported_by,
            s.compiler,
            s.counterpart,
            s.trade_kind,
            s.period_start,
            s.period_end,
            s.months,
            m.product_system,
            m.product_code,
            m.members
        from sides as s
        inner join
            {{ ref("int_sectors__members_listed") }} as m on s.definition_id = m.definition_id

    ),

    candidates as (

        select m.cell_id, m.reported_by, m.months, m.members, 'period' as route, o.observation_id
        from members as m
        inner join
            observations as o
            on m.compiler = o.reporter_iso3
            and m.counterpart = o.partner_code
            and m.trade_kind = o.trade_kind
            and m.product_system = o.product_system
            and m.product_code = o.product_code
            and m.period_start = o.period_start
            and m.period_end = o.period_end

        union all

        select m.cell_id, m.reported_by, m.months, m.members, 'months' as route, o.observation_id
        from members as m
        inner join
            observations as o
            on m.compiler = o.reporter_iso3
            and m.counterpart = o.partner_code
            and m.trade_kind = o.trade_kind
            and m.product_system = o.product_system
            and m.product_code = o.product_code
            and o.period_kind = 'month'
            and m.period_start <= o.period_start
            and m.period_end >= o.period_end
        where m.months > 1

    ),

    known as (

        select
            c.cell_id,
            v.vintage,
            c.reported_by,
            c.months,
            c.members,
            c.route,
            o.flow,
            coalesce(o.export_leg_id, o.import_leg_id) as leg_id,
            o.source_id,
            o.source_rank,
            o.evidence_kind,
            o.raw_table,
            o.release_id,
            o.known_from,
            o.known_to,
            o.known_from_earliest,
            o.product_code,
            o.period_start,
            o.value_usd,
            o.half_width_usd,
            o.observation_id,
            row_number() over (
                partition by
                    c.cell_id,
                    v.vintage,
                    coalesce(o.export_leg_id, o.import_leg_id),
                    o.source_id,
                    o.raw_table,
                    c.route,
                    o.product_code,
                    o.period_start
                order by o.known_from desc, o.half_width_usd, o.observation_id
            ) as preference
        from candidates as c
        inner join observations as o on c.observation_id = o.observation_id
        inner join
            vintages as v
            on c.cell_id = v.cell_id
            and o.known_from <= v.vintage
            and (o.known_to is null or o.known_to > v.vintage)

    )

-- Two tables of one publisher may say the same figure on the same day; it counts once.
select
    cell_id,
    vintage,
    reported_by,
    months,
    members,
    route,
    flow,
    leg_id,
    source_id,
    source_rank,
    evidence_kind,
    raw_table,
    release_id,
    known_from,
    known_to,
    known_from_earliest,
    product_code,
    period_start,
    value_usd,
    half_width_usd,
    observation_id
from known
where preference = 1
