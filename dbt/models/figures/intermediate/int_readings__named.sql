{{ config(tags=["question"]) }}

-- The names of the bases figures stand on, and each reporter's order of preference. A named
-- reading is known by its two series, held or not; a pair without a name is called by its parts.
with
    pairs as (

        select distinct reporter_iso3, partner_code, trade_kind from {{ ref("int_figures__cells") }}

    ),

    conventional as (

        select
            p.reporter_iso3,
            p.partner_code,
            p.trade_kind,
            r.reading_id,
            r.reported_by,
            case
                when r.reported_by = 'reporter' then p.reporter_iso3 else p.partner_code
            end as compiler,
            r.export_concept,
            r.export_valuation,
            r.import_concept,
            r.import_valuation,
            r.account_basis
        from pairs as p
        inner join {{ ref("readings_named") }} as r on p.trade_kind = r.trade_kind

    ),

    named as (

        select
            reporter_iso3,
            partner_code,
            trade_kind,
            reading_id,
            reported_by,
            {{
                leg_id(
                    "compiler",
                    "'export'",
                    "export_concept",
                    "export_valuation",
                    "account_basis",
                    "'nsa'",
                )
            }} as export_leg_id,
            {{
                leg_id(
                    "compiler",
                    "'import'",
                    "import_concept",
                    "import_valuation",
                    "account_basis",
                    "'nsa'",
                )
            }} as import_leg_id
        from conventional

    ),

    held as (

        select distinct
            c.reporter_iso3,
            c.partner_code,
            c.trade_kind,
            q.reported_by,
            q.export_leg_id,
            q.import_leg_id
        from {{ ref("int_figures__quantities") }} as q
        inner join {{ ref("int_figures__cells") }} as c on q.cell_id = c.cell_id
        where q.export_leg_id is not null and q.import_leg_id is not null

    ),

    composed as (

        select
            h.reporter_iso3,
            h.partner_code,
            h.trade_kind,
            case when h.reported_by = 'partner' then 'mirror:' else '' end
            || split_part(h.export_leg_id, '.', 3)
            || '.'
            || split_part(h.export_leg_id, '.', 4)
            || '+'
            || split_part(h.import_leg_id, '.', 3)
            || '.'
            || split_part(h.import_leg_id, '.', 4)
            || case
                when split_part(h.export_leg_id, '.', 6) = 'nsa' then '' else '.sa'
            end as reading_id,
            h.reported_by,
            h.export_leg_id,
            h.import_leg_id
        from held as h
        left join
            named as n
            on h.reporter_iso3 = n.reporter_iso3
            and h.partner_code = n.partner_code
            and h.trade_kind = n.trade_kind
            and h.export_leg_id = n.export_leg_id
            and h.import_leg_id = n.import_leg_id
        where n.reading_id is null

    ),

    together as (

        select *, true as is_named
        from named
        union all
        select *, false as is_named
        from composed

    )

select
    t.reporter_iso3,
    t.partner_code,
    t.trade_kind,
    t.reading_id,
    t.is_named,
    t.reported_by,
    t.export_leg_id,
    t.import_leg_id,
    t.export_leg_id || ' + ' || t.import_leg_id as basis_key,
    coalesce(min(p.policy_rank), 99) as policy_rank
from together as t
left join
    {{ ref("reading_policy") }} as p
    on t.reading_id = p.reading_id
    and t.trade_kind = p.trade_kind
    and p.reporter_iso3 in (t.reporter_iso3, '*')
group by
    t.reporter_iso3,
    t.partner_code,
    t.trade_kind,
    t.reading_id,
    t.is_named,
    t.reported_by,
    t.export_leg_id,
    t.import_leg_id
