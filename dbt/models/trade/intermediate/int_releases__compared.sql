{{ config(tags=["question"], materialized="view") }}

-- What a publisher said once one release was out, beside what it said once another was: the cells
-- that either of the two brought or withdrew and that differ.
with
    requested as (

        select
            q.source_id,
            q.a_release_id,
            q.b_release_id,
            a.release_order as a_order,
            b.release_order as b_order
        from {{ ref("int_releases__requested") }} as q
        inner join
            {{ ref("releases") }} as a
            on q.source_id = a.source_id
            and q.a_release_id = a.release_id
        inner join
            {{ ref("releases") }} as b
            on q.source_id = b.source_id
            and q.b_release_id = b.release_id

    ),

    observations as (

        select
            o.*,
            coalesce(o.export_leg_id, o.import_leg_id) as leg_id,
            r.release_order,
            w.release_order as withdrawn_order
        from {{ ref("observations") }} as o
        inner join
            {{ ref("releases") }} as r on o.source_id = r.source_id and o.release_id = r.release_id
        left join
            {{ ref("releases") }} as w
            on o.source_id = w.source_id
            and o.withdrawn_by_release_id = w.release_id

    ),

    touched as (

        select distinct
            q.source_id,
            q.a_release_id,
            q.b_release_id,
            q.a_order,
            q.b_order,
            o.raw_table,
            o.series_key,
            o.period_start,
            o.period_end
        from requested as q
        inner join
            observations as o
            on q.source_id = o.source_id
            and (
                o.release_id in (q.a_release_id, q.b_release_id)
                or o.withdrawn_by_release_id in (q.a_release_id, q.b_release_id)
            )

    ),

    -- The last row of a cell that was out by a release, unless it was withdrawn by then.
    said as (

        select
            t.source_id,
            t.a_release_id,
            t.b_release_id,
            t.raw_table,
            t.series_key,
            t.period_start,
            t.period_end,
            s.side,
            o.observation_id,
            o.release_id,
            o.value_usd,
            o.withdrawn_order is not null
            and o.withdrawn_order
            <= case s.side when 'a' then t.a_order else t.b_order end as is_withdrawn,
            row_number() over (
                partition by
                    t.source_id,
                    t.a_release_id,
                    t.b_release_id,
                    t.raw_table,
                    t.series_key,
                    t.period_start,
                    t.period_end,
                    s.side
                order by o.release_order desc, o.half_width_usd, o.observation_id
            ) as recency
        from touched as t
        cross join
            (
                select 'a' as side
                union all
                select 'b' as side
            ) as s
        inner join
            observations as o
            on t.source_id = o.source_id
            and t.raw_table = o.raw_table
            and t.series_key = o.series_key
            and t.period_start = o.period_start
            and t.period_end = o.period_end
            and o.release_order <= case s.side when 'a' then t.a_order else t.b_order end

    ),

    states as (

        select
            source_id,
            a_release_id,
            b_release_id,
            raw_table,
            series_key,
            period_start,
            period_end,
            max(case when side = 'a' then observation_id end) as a_observation_id,
            max(case when side = 'b' then observation_id end) as b_observation_id,
            max(case when side = 'a' then release_id end) as a_said_by,
            max(case when side = 'b' then release_id end) as b_said_by,
            max(case when side = 'a' then value_usd end) as a_value_usd,
            max(case when side = 'b' then value_usd end) as b_value_usd
        from said
        where recency = 1 and not is_withdrawn
        group by
            source_id, a_release_id, b_release_id, raw_table, series_key, period_start, period_end

    ),

    -- A file that does not say what it asked for still shows what it holds: a product that is
    -- missing among the others of its partner, month and level is gone from it.
    slices as (

        select distinct
            source_id,
            release_id,
            raw_table,
            reporter_iso3,
            partner_code,
            measure,
            leg_id,
            product_system,
            period_start,
            period_end
        from observations

    ),

    described as (

        select
            s.*,
            o.reporter_iso3,
            o.partner_code,
            o.flow,
            o.measure,
            o.leg_id,
            o.product_system,
            o.product_code,
            o.period,
            case
                when s.a_observation_id is null
                then 'new'
                when s.b_observation_id is null
                then 'withdrawn'
                when s.a_value_usd <> s.b_value_usd
                then 'changed'
                when
                    s.a_said_by = s.a_release_id
                    and s.b_said_by <> s.b_release_id
                    and c.release_id is not null
                then 'withdrawn'
            end as change
        from states as s
        inner join
            observations as o on coalesce(s.b_observation_id, s.a_observation_id) = o.observation_id
        left join
            slices as c
            on s.source_id = c.source_id
            and s.b_release_id = c.release_id
            and s.raw_table = c.raw_table
            and o.reporter_iso3 = c.reporter_iso3
            and o.partner_code = c.partner_code
            and o.measure = c.measure
            and o.leg_id = c.leg_id
            and o.product_system = c.product_system
            and s.period_start = c.period_start
            and s.period_end = c.period_end

    )

select
    source_id,
    a_release_id,
    b_release_id,
    change,
    raw_table,
    series_key,
    reporter_iso3,
    partner_code,
    flow,
    measure,
    leg_id,
    product_system,
    product_code,
    period_start,
    period_end,
    period,
    a_value_usd,
    case when change <> 'withdrawn' then b_value_usd end as b_value_usd,
    cast(
        case when change <> 'withdrawn' then coalesce(b_value_usd, 0) else 0 end
        - coalesce(a_value_usd, 0) as decimal(24, 3)
    ) as change_usd,
    a_observation_id,
    case when change <> 'withdrawn' then b_observation_id end as b_observation_id
from described
where change is not null
