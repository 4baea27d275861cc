{{ config(tags=["question"]) }}

-- The rows under each chosen candidate and each slip, the base's rows with the period's.
with
    wanted as (

        select candidate_id
        from {{ ref("int_claims__judged") }}
        union
        select slip_candidate_id
        from {{ ref("int_claims__judged") }}

    ),

    chosen as (

        select c.*
        from {{ ref("claim_candidates") }} as c
        inner join wanted as w on c.candidate_id = w.candidate_id

    ),

    cells as (

        select candidate_id, cell_id, token, vintage, evidence_kind, export_leg_id, import_leg_id
        from chosen
        union
        select
            candidate_id,
            base_cell_id as cell_id,
            token,
            vintage,
            evidence_kind,
            export_leg_id,
            import_leg_id
        from chosen
        where base_cell_id is not null

    ),

    from_rows as (

        select distinct c.candidate_id, p.observation_id
        from cells as c
        inner join
            {{ ref("int_figures__legs") }} as l
            on c.cell_id = l.cell_id
            and c.token = cast(l.vintage as varchar)
            and l.leg_id in (c.export_leg_id, c.import_leg_id)
        inner join
            {{ ref("int_figures__pieces") }} as p
            on l.cell_id = p.cell_id
            and l.vintage = p.vintage
            and l.leg_id = p.leg_id
            and l.source_id = p.source_id
            and l.raw_table = p.raw_table
            and l.route = p.route

    ),

    from_pages as (

        select distinct c.candidate_id, q.observation_id
        from cells as c
        inner join
            {{ ref("int_figures__quantities") }} as q
            on c.cell_id = q.cell_id
            and c.token = q.token
            and coalesce(q.export_leg_id, c.export_leg_id, '') = coalesce(c.export_leg_id, '')
            and coalesce(q.import_leg_id, c.import_leg_id, '') = coalesce(c.import_leg_id, '')
        where q.observation_id is not null

    ),

    from_ranks as (

        select
            c.candidate_id,
            unnest([r.export_observation_id, r.import_observation_id]) as observation_id
        from chosen as c
        inner join {{ ref("partner_ranks") }} as r on c.cell_id = r.rank_id

    ),

    from_streaks as (

        select distinct c.candidate_id, p.observation_id
        from chosen as c
        inner join {{ ref("claims") }} as k on c.claim_id = k.claim_id and k.transform = 'streak'
        inner join
            {{ ref("int_figures__cells") }} as y
            on k.reporter_iso3 = y.reporter_iso3
            and k.partner_code = y.partner_code
            and k.trade_kind = y.trade_kind
            and y.definition_id = 'total:total'
            and y.period_kind = 'year'
            and year(y.period_start)
            between year(k.period_start) - cast(c.value as integer) and year(k.period_start)
        inner join
            {{ ref("int_figures__legs") }} as l
            on y.cell_id = l.cell_id
            and l.leg_id in (c.export_leg_id, c.import_leg_id)
            and l.known_from <= c.vintage
        inner join
            {{ ref("int_figures__pieces") }} as p
            on l.cell_id = p.cell_id
            and l.vintage = p.vintage
            and l.leg_id = p.leg_id
            and l.source_id = p.source_id
            and l.raw_table = p.raw_table
            and l.route = p.route

    )

select *
from from_rows
union
select *
from from_pages
union
select *
from from_ranks
union
select *
from from_streaks
