{{ config(tags=["question"]) }}

-- The names of the bases of figures, and each reporter's order of preference. A named basis is
-- identified by its two series, available or not; a pair without a name is named by its parts.
with
    pairs as (

        select distinct reporter_iso3, partner_code, trade_kind, reporter_id, partner_id
        from {{ ref("int_figures__cells") }}

    ),

    series as (select * from {{ ref("int_trade__series_listed") }} where measure = 'trade_value'),

    conventional as (

        select
            p.reporter_iso3,
            p.partner_code,
            p.trade_kind,
            p.reporter_id,
            p.partner_id,
            r.basis_id,
            r.reported_by,
            case
                when r.reported_by = 'reporter' then p.reporter_iso3 else p.partner_code
            end as compiler_iso3,
            r.export_concept,
            r.export_valuation,
            r.import_concept,
            r.import_valuation,
            r.account_basis,
            r.used_by,
            r.description
        from pairs as p
        inner join {{ ref("bases_named") }} as r on p.trade_kind = r.trade_kind

    ),

    named as (

        select
            c.reporter_iso3,
            c.partner_code,
            c.trade_kind,
            c.reporter_id,
            c.partner_id,
            c.basis_id,
            true as is_named,
            c.reported_by,
            {{
                series_code(
                    "c.compiler_iso3",
                    "'export'",
                    "c.export_concept",
                    "c.export_valuation",
                    "c.account_basis",
                    "'nsa'",
                )
            }} as export_series_code,
            {{
                series_code(
                    "c.compiler_iso3",
                    "'import'",
                    "c.import_concept",
                    "c.import_valuation",
                    "c.account_basis",
                    "'nsa'",
                )
            }} as import_series_code,
            x.series_id as export_series_id,
            m.series_id as import_series_id,
            c.export_concept,
            c.export_valuation,
            c.import_concept,
            c.import_valuation,
            c.used_by,
            c.description
        from conventional as c
        left join
            series as x
            on x.flow = 'export'
            and c.compiler_iso3 = x.compiler_iso3
            and c.trade_kind = x.trade_kind
            and c.export_concept = x.concept
            and c.export_valuation = x.valuation
            and c.account_basis = x.account_basis
            and x.seasonal_adjustment = 'nsa'
        left join
            series as m
            on m.flow = 'import'
            and c.compiler_iso3 = m.compiler_iso3
            and c.trade_kind = m.trade_kind
            and c.import_concept = m.concept
            and c.import_valuation = m.valuation
            and c.account_basis = m.account_basis
            and m.seasonal_adjustment = 'nsa'

    ),

    available as (

        select distinct
            c.reporter_iso3,
            c.partner_code,
            c.trade_kind,
            c.reporter_id,
            c.partner_id,
            b.reported_by,
            b.export_series_id,
            b.import_series_id
        from {{ ref("int_figures__balances") }} as b
        inner join {{ ref("int_figures__cells") }} as c on b.cell_id = c.cell_id

    ),

    composed as (

        select
            v.reporter_iso3,
            v.partner_code,
            v.trade_kind,
            v.reporter_id,
            v.partner_id,
            case when v.reported_by = 'partner' then 'mirror:' else '' end
            || x.concept
            || '.'
            || x.valuation
            || '+'
            || m.concept
            || '.'
            || m.valuation
            || case when x.seasonal_adjustment = 'nsa' then '' else '.sa' end as basis_id,
            false as is_named,
            v.reported_by,
            x.series_code as export_series_code,
            m.series_code as import_series_code,
            v.export_series_id,
            v.import_series_id,
            x.concept as export_concept,
            x.valuation as export_valuation,
            m.concept as import_concept,
            m.valuation as import_valuation,
            cast(null as varchar) as used_by,
            cast(null as varchar) as description
        from available as v
        inner join series as x on v.export_series_id = x.series_id
        inner join series as m on v.import_series_id = m.series_id
        left join
            named as n
            on v.reporter_iso3 = n.reporter_iso3
            and v.partner_code = n.partner_code
            and v.trade_kind = n.trade_kind
            and v.export_series_id = n.export_series_id
            and v.import_series_id = n.import_series_id
        where n.basis_id is null

    ),

    together as (

        select *
        from named
        union all
        select *
        from composed

    ),

    policies as (

        select t.reporter_iso3, t.basis_id, t.trade_kind, min(p.policy_rank) as policy_rank
        from (select distinct reporter_iso3, basis_id, trade_kind from together) as t
        inner join
            {{ ref("basis_policy") }} as p
            on t.basis_id = p.basis_id
            and t.trade_kind = p.trade_kind
            and p.reporter_iso3 in (t.reporter_iso3, '*')
        group by t.reporter_iso3, t.basis_id, t.trade_kind

    )

select
    t.reporter_iso3,
    t.partner_code,
    t.trade_kind,
    t.reporter_id,
    t.partner_id,
    t.basis_id,
    t.is_named,
    t.reported_by,
    t.export_series_code,
    t.import_series_code,
    t.export_series_code || ' + ' || t.import_series_code as basis_key,
    t.export_series_id,
    t.import_series_id,
    t.export_concept,
    t.export_valuation,
    t.import_concept,
    t.import_valuation,
    t.used_by,
    t.description,
    coalesce(p.policy_rank, 99) as policy_rank
from together as t
left join
    policies as p
    on t.reporter_iso3 = p.reporter_iso3
    and t.basis_id = p.basis_id
    and t.trade_kind = p.trade_kind
