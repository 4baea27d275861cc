{{ config(tags=["question"]) }}

-- Every reading of every cell: what both directions come to on one basis, and when it was known.
with
    cells as (select * from {{ ref("int_figures__cells") }}),

    quantities as (select * from {{ ref("int_figures__quantities") }}),

    printed as (select * from quantities where observation_id is not null),

    -- A page prints what it prints: a balance alone, or both directions, or all of them.
    page_bases as (

        select cell_id, token, reported_by, export_leg_id, import_leg_id
        from printed
        where export_leg_id is not null and import_leg_id is not null

        union

        select x.cell_id, x.token, x.reported_by, x.export_leg_id, m.import_leg_id
        from printed as x
        inner join
            printed as m
            on x.cell_id = m.cell_id
            and x.token = m.token
            and x.reported_by = m.reported_by
            and split_part(x.export_leg_id, '.', 5) = split_part(m.import_leg_id, '.', 5)
        where x.import_leg_id is null and m.export_leg_id is null

    ),

    pages as (

        select
            b.cell_id,
            b.token,
            b.reported_by,
            b.export_leg_id,
            b.import_leg_id,
            min(p.vintage) as vintage,
            min(p.evidence_kind) as evidence_kind,
            min(p.release_key) as release_key,
            max(case when p.quantity = 'exports' then p.value_usd end) as exports_usd,
            max(case when p.quantity = 'imports' then p.value_usd end) as imports_usd,
            max(case when p.quantity = 'balance' then p.value_usd end) as balance_usd,
            max(case when p.quantity = 'two_way' then p.value_usd end) as two_way_usd,
            max(p.half_width_usd) as half_width_usd
        from page_bases as b
        inner join
            printed as p
            on b.cell_id = p.cell_id
            and b.token = p.token
            and b.reported_by = p.reported_by
            and coalesce(p.export_leg_id, b.export_leg_id) = b.export_leg_id
            and coalesce(p.import_leg_id, b.import_leg_id) = b.import_leg_id
        group by b.cell_id, b.token, b.reported_by, b.export_leg_id, b.import_leg_id

    ),

    pairs as (

        select
            b.cell_id,
            b.token,
            b.vintage,
            b.reported_by,
            b.evidence_kind,
            b.release_key,
            b.known_from,
            b.known_to,
            b.export_leg_id,
            b.import_leg_id,
            o.value_usd as exports_usd,
            i.value_usd as imports_usd,
            b.value_usd as balance_usd,
            t.value_usd as two_way_usd,
            b.half_width_usd
        from quantities as b
        inner join
            quantities as t
            on b.cell_id = t.cell_id
            and b.token = t.token
            and b.basis_key = t.basis_key
            and t.quantity = 'two_way'
            and t.observation_id is null
        inner join
            quantities as o
            on b.cell_id = o.cell_id
            and b.token = o.token
            and o.quantity = 'exports'
            and o.observation_id is null
            and o.basis_key
            = case when b.reported_by = 'reporter' then b.export_leg_id else b.import_leg_id end
        inner join
            quantities as i
            on b.cell_id = i.cell_id
            and b.token = i.token
            and i.quantity = 'imports'
            and i.observation_id is null
            and i.basis_key
            = case when b.reported_by = 'reporter' then b.import_leg_id else b.export_leg_id end
        where b.quantity = 'balance' and b.observation_id is null

    ),

    -- The days on which the cell was looked at. Rows that are known no longer and that nothing
    -- follows, since their publisher withdrew them, end the figure there.
    looked_at as (

        select
            *,
            lag(release_key) over (
                partition by cell_id, export_leg_id, import_leg_id order by vintage
            ) as previous_release_key,
            lag(balance_usd) over (
                partition by cell_id, export_leg_id, import_leg_id order by vintage
            ) as previous_balance_usd,
            lag(known_to) over (partition by cell_id, export_leg_id, import_leg_id order by vintage)
            < vintage as is_back,
            case
                when
                    known_to < coalesce(
                        lead(vintage) over (
                            partition by cell_id, export_leg_id, import_leg_id order by vintage
                        ),
                        cast('9999-12-31' as date)
                    )
                then known_to
            end as withdrawn_on
        from pairs

    ),

    compared as (

        select
            *,
            previous_release_key is null
            or previous_release_key <> release_key
            or previous_balance_usd <> balance_usd
            or coalesce(is_back, false) as is_changed
        from looked_at

    ),

    -- What did not change between two days is one reading.
    numbered as (

        select
            *,
            sum(case when is_changed then 1 else 0 end) over (
                partition by cell_id, export_leg_id, import_leg_id
                order by vintage
                rows between unbounded preceding and current row
            ) as stretch
        from compared

    ),

    stretched as (

        select
            *,
            max(withdrawn_on) over (
                partition by cell_id, export_leg_id, import_leg_id, stretch
            ) as ends_on
        from numbered

    ),

    dated as (

        select
            *,
            coalesce(
                ends_on,
                lead(vintage) over (
                    partition by cell_id, export_leg_id, import_leg_id order by vintage
                )
            ) as superseded_on
        from stretched
        where is_changed

    ),

    together as (

        select
            cell_id,
            evidence_kind,
            reported_by,
            export_leg_id,
            import_leg_id,
            exports_usd,
            imports_usd,
            balance_usd,
            two_way_usd,
            half_width_usd,
            release_key,
            vintage as known_from,
            superseded_on as known_to,
            false as is_page
        from dated

        union all

        select
            cell_id,
            evidence_kind,
            reported_by,
            export_leg_id,
            import_leg_id,
            exports_usd,
            imports_usd,
            balance_usd,
            two_way_usd,
            half_width_usd,
            release_key,
            vintage as known_from,
            cast(null as date) as known_to,
            true as is_page
        from pages

    )

select
    t.cell_id
    || ' | '
    || coalesce(n.reading_id, coalesce(t.export_leg_id, '') || coalesce(t.import_leg_id, ''))
    || ' | '
    || t.release_key
    || ' | '
    || cast(t.known_from as varchar)
    || case when t.is_page then ' | printed' else '' end as figure_id,
    t.cell_id,
    c.reporter_iso3,
    c.partner_code,
    c.trade_kind,
    c.definition_id,
    c.period_kind,
    c.period_start,
    c.period_end,
    c.period,
    n.reading_id,
    n.is_named,
    n.policy_rank,
    t.reported_by,
    t.export_leg_id,
    t.import_leg_id,
    t.exports_usd,
    t.imports_usd,
    t.balance_usd,
    t.two_way_usd,
    t.half_width_usd,
    t.evidence_kind,
    t.is_page,
    t.release_key,
    t.known_from,
    t.known_to
from together as t
inner join cells as c on t.cell_id = c.cell_id
left join
    {{ ref("int_readings__named") }} as n
    on c.reporter_iso3 = n.reporter_iso3
    and c.partner_code = n.partner_code
    and c.trade_kind = n.trade_kind
    and t.reported_by = n.reported_by
    and t.export_leg_id = n.export_leg_id
    and t.import_leg_id = n.import_leg_id
