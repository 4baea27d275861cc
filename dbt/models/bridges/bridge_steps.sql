{{ config(tags=["question"]) }}

-- The named causes of every bridge with amount, share, range over orders and the rows they rest on.
with
    steps as (select * from {{ ref("int_bridges__steps_walked") }}),

    bridges as (select * from {{ ref("bridges") }}),

    -- The series that a step changed, before and after it; a direction that stays cancels out.
    touched as (

        select
            bridge_id,
            step_order,
            quantity,
            before_cell_id as cell_id,
            before_token as token,
            'before' as side,
            before_outbound_leg_id as outbound_leg_id,
            before_inbound_leg_id as inbound_leg_id,
            before_cell_id <> after_cell_id or before_token <> after_token as is_everything,
            after_outbound_leg_id as other_outbound,
            after_inbound_leg_id as other_inbound
        from steps
        union all
        select
            bridge_id,
            step_order,
            quantity,
            after_cell_id as cell_id,
            after_token as token,
            'after' as side,
            after_outbound_leg_id as outbound_leg_id,
            after_inbound_leg_id as inbound_leg_id,
            before_cell_id <> after_cell_id or before_token <> after_token as is_everything,
            before_outbound_leg_id as other_outbound,
            before_inbound_leg_id as other_inbound
        from steps

    ),

    series as (

        select
            bridge_id,
            step_order,
            quantity,
            cell_id,
            token,
            side,
            outbound_leg_id as leg_id,
            outbound_leg_id,
            inbound_leg_id
        from touched
        where outbound_leg_id is not null and (is_everything or outbound_leg_id <> other_outbound)
        union all
        select
            bridge_id,
            step_order,
            quantity,
            cell_id,
            token,
            side,
            inbound_leg_id as leg_id,
            outbound_leg_id,
            inbound_leg_id
        from touched
        where inbound_leg_id is not null and (is_everything or inbound_leg_id <> other_inbound)

    ),

    from_rows as (

        select s.bridge_id, s.step_order, s.side, s.leg_id, p.observation_id
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

    ),

    from_pages as (

        select s.bridge_id, s.step_order, s.side, s.leg_id, q.observation_id
        from series as s
        inner join
            {{ ref("int_figures__quantities") }} as q
            on s.cell_id = q.cell_id
            and s.token = q.token
            and s.quantity = q.quantity
            and q.observation_id is not null
            and (
                s.outbound_leg_id is null or s.outbound_leg_id in (q.export_leg_id, q.import_leg_id)
            )
            and (s.inbound_leg_id is null or s.inbound_leg_id in (q.export_leg_id, q.import_leg_id))

    ),

    evidence as (

        select
            bridge_id,
            step_order,
            list(distinct observation_id order by observation_id) as evidence,
            string_agg(
                distinct case when side = 'before' then leg_id end,
                ' + '
                order by case when side = 'before' then leg_id end
            ) as before_series,
            string_agg(
                distinct case when side = 'after' then leg_id end,
                ' + '
                order by case when side = 'after' then leg_id end
            ) as after_series
        from
            (
                select *
                from from_rows
                union all
                select *
                from from_pages
            )
        group by bridge_id, step_order

    ),

    rounding as (

        select
            bridge_id,
            steps + 1 as step_order,
            case when closes then 'ROUNDING' else 'RESIDUAL' end as cause_code,
            residual_usd as amount_usd
        from bridges
        where a_claim_id is not null or b_claim_id is not null

    )

select
    s.bridge_id,
    cast(s.step_order as integer) as step_order,
    s.cause_code,
    cast(b.sense * s.amount_usd as decimal(24, 3)) as amount_usd,
    cast(
        cast(b.sense * s.amount_usd as double)
        / nullif(cast(b.gap_usd as double), 0) as decimal(18, 6)
    ) as share_of_gap,
    cast(
        case when b.sense < 0 then - s.amount_max_usd else s.amount_min_usd end as decimal(24, 3)
    ) as amount_min_usd,
    cast(
        case when b.sense < 0 then - s.amount_min_usd else s.amount_max_usd end as decimal(24, 3)
    ) as amount_max_usd,
    cast(b.sense * s.before_usd as decimal(24, 3)) as before_usd,
    cast(b.sense * s.after_usd as decimal(24, 3)) as after_usd,
    e.before_series,
    e.after_series,
    e.evidence
from steps as s
inner join bridges as b on s.bridge_id = b.bridge_id
left join evidence as e on s.bridge_id = e.bridge_id and s.step_order = e.step_order

union all

select
    r.bridge_id,
    cast(r.step_order as integer) as step_order,
    r.cause_code,
    r.amount_usd,
    cast(
        cast(r.amount_usd as double) / nullif(cast(b.gap_usd as double), 0) as decimal(18, 6)
    ) as share_of_gap,
    r.amount_usd as amount_min_usd,
    r.amount_usd as amount_max_usd,
    cast(b.b_usd - r.amount_usd as decimal(24, 3)) as before_usd,
    b.b_usd as after_usd,
    cast(null as varchar) as before_series,
    cast(null as varchar) as after_series,
    cast([] as varchar[]) as evidence
from rounding as r
inner join bridges as b on r.bridge_id = b.bridge_id
