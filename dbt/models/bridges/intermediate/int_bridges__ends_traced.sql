{{ config(tags=["question"]) }}

-- What each end of a bridge is made of: its two directions, with the rows under them.
with
    ends as (

        select
            *,
            {{
                cell_id(
                    "reporter_iso3",
                    "partner_code",
                    "trade_kind",
                    "definition_id",
                    "period_start",
                    "period_end",
                )
            }} as cell_id
        from {{ ref("int_bridges__ends") }}

    ),

    series as (

        select
            bridge_id,
            side,
            cell_id,
            token,
            case when reported_by = 'reporter' then 'exports' else 'imports' end as direction,
            export_leg_id as leg_id
        from ends
        where export_leg_id is not null

        union all

        select
            bridge_id,
            side,
            cell_id,
            token,
            case when reported_by = 'reporter' then 'imports' else 'exports' end as direction,
            import_leg_id as leg_id
        from ends
        where import_leg_id is not null

    ),

    from_rows as (

        select
            s.bridge_id,
            s.side,
            s.direction,
            s.leg_id,
            l.value_usd,
            l.release_key,
            l.known_from,
            list(distinct p.observation_id order by p.observation_id) as evidence
        from series as s
        inner join
            {{ ref("int_figures__legs") }} as l
            on s.cell_id = l.cell_id
            and s.token = cast(l.vintage as varchar)
            and s.leg_id = l.leg_id
        inner join
            {{ ref("int_figures__pieces") }} as p
            on l.cell_id = p.cell_id
            and l.vintage = p.vintage
            and l.leg_id = p.leg_id
            and l.source_id = p.source_id
            and l.raw_table = p.raw_table
            and l.route = p.route
        group by
            s.bridge_id, s.side, s.direction, s.leg_id, l.value_usd, l.release_key, l.known_from

    ),

    -- A page may print the figure whole, without its two directions.
    from_pages as (

        select
            e.bridge_id,
            e.side,
            e.quantity as direction,
            q.basis_key as leg_id,
            q.value_usd,
            q.release_key,
            q.known_from,
            list(distinct q.observation_id order by q.observation_id) as evidence
        from ends as e
        inner join
            {{ ref("int_figures__quantities") }} as q
            on e.cell_id = q.cell_id
            and e.token = q.token
            and e.quantity = q.quantity
            and coalesce(e.export_leg_id, '') = coalesce(q.export_leg_id, '')
            and coalesce(e.import_leg_id, '') = coalesce(q.import_leg_id, '')
        where q.observation_id is not null
        group by
            e.bridge_id, e.side, e.quantity, q.basis_key, q.value_usd, q.release_key, q.known_from

    )

select bridge_id, side, direction, leg_id, value_usd, release_key, known_from, evidence
from from_rows

union all

select bridge_id, side, direction, leg_id, value_usd, release_key, known_from, evidence
from from_pages
