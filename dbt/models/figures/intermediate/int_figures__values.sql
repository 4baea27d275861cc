{{ config(tags=["question"]) }}

-- The value of one series, for as long as it stays the same: the figure of the period or the sum of
-- its parts, from the preferred source. Only where no source gives a CIF value, or its months, is
-- it the sum of the customs value and the charges that one table gives.
with
    possible as materialized(select * from {{ ref("int_figures__value_observations") }}),

    -- A sum of months or years needs every one, a sum with charges the customs value as well. A
    -- table that never gives all parts gives no sum.
    possible_sums as (

        select cell_id, series_id, raw_table, route
        from possible
        where route <> 'period'
        group by cell_id, series_id, raw_table, route, months
        having
            case
                when route = 'months'
                then count(distinct period_start) = months
                when route = 'years'
                then count(distinct period_start) * 12 = months
                else count(distinct part_series_id) = 2
            end

    ),

    candidates as (

        select o.*, r.source_rank
        from possible as o
        inner join {{ ref("source_list") }} as r on o.source_id = r.source_id
        left join
            possible_sums as p
            on o.cell_id = p.cell_id
            and o.series_id = p.series_id
            and o.raw_table = p.raw_table
            and o.route = p.route
        where o.route = 'period' or p.cell_id is not null

    ),

    -- Where a source has always given the period itself, no source that ranks below it and was
    -- known later is ever preferred.
    always as (

        select cell_id, series_id, source_rank, min(known_from) as first_known_from
        from candidates
        -- What another release of the same day replaced was never current.
        where route = 'period' and members = 1 and (known_to is null or known_to > known_from)
        group by cell_id, series_id, source_rank, raw_table
        having
            count(*) filter (where known_to is null) > 0
            and list_has_all(
                list(known_from), coalesce(list(known_to) filter (where known_to is not null), [])
            )

    ),

    observations as (

        select c.* exclude (source_rank)
        from candidates as c
        where
            not exists (
                select 1
                from always as a
                where
                    c.cell_id = a.cell_id
                    and c.series_id = a.series_id
                    and c.source_rank > a.source_rank
                    and c.known_from >= a.first_known_from
            )

    ),

    -- Where only one table gives the period itself, its observations are the values, unless another
    -- release followed on the same day: such a value was never current.
    alternatives as (

        select
            cell_id,
            series_id,
            max(members) = 1
            and max(copy_no) = 1
            and min(route) = 'period'
            and max(route) = 'period'
            and min(source_id) = max(source_id)
            and min(raw_table) = max(raw_table)
            and count(*) filter (where last_known_from >= known_to) = 0 as is_single
        from observations
        group by cell_id, series_id

    ),

    single as (

        select o.*
        from observations as o
        inner join
            alternatives as a on o.cell_id = a.cell_id and o.series_id = a.series_id and a.is_single

    ),

    -- All others are computed release by release.
    released as materialized(

        select
            o.cell_id,
            o.series_id,
            o.part_series_id,
            o.reported_by,
            o.flow,
            o.source_id,
            o.raw_table,
            o.route,
            o.months,
            o.members,
            -- The chapters of charges are no members of the group.
            case when o.route in ('period', 'months', 'years') then o.product_id end as product_id,
            o.period_start,
            o.value_usd,
            o.rounding_margin_usd,
            f.release_no,
            f.known_from,
            f.known_to
        from observations as o
        inner join
            alternatives as a
            on o.cell_id = a.cell_id
            and o.series_id = a.series_id
            and not a.is_single
        inner join
            {{ ref("int_trade__figures") }} as f
            on o.observation_id = f.observation_id
            -- A figure that occurs twice in one release counts once.
            and f.copy_no = 1
            and f.known_from <= {{ as_of_day() }}

    ),

    -- Where each release of a table that gives some of the months also gives the period itself, and
    -- none withdraws it, the sum of the months is never preferred.
    superseded_sums as (

        select cell_id, series_id, source_id, raw_table, 'months' as route
        from released
        where route in ('period', 'months')
        group by cell_id, series_id, source_id, raw_table
        having
            list_has_all(
                list(distinct release_no) filter (where route = 'period'),
                list(distinct release_no) filter (where route = 'months')
            )
            and list_has_all(
                list(known_from) filter (where route = 'period'),
                coalesce(
                    list(known_to) filter (where route = 'period' and known_to is not null), []
                )
            )

    ),

    pieces as (

        select r.*
        from released as r
        left join
            superseded_sums as s
            on r.cell_id = s.cell_id
            and r.series_id = s.series_id
            and r.source_id = s.source_id
            and r.raw_table = s.raw_table
            and r.route = s.route
        where s.cell_id is null

    ),

    -- A withdrawal also starts a new vintage, but has no row that gives its date.
    news as (

        select cell_id, series_id, known_from as vintage_date
        from pieces

        union

        select cell_id, series_id, known_to as vintage_date
        from pieces
        where known_to <= {{ as_of_day() }}

    ),

    vintages as (

        select
            cell_id,
            series_id,
            vintage_date,
            lead(vintage_date) over (
                partition by cell_id, series_id order by vintage_date
            ) as next_vintage_date
        from news

    ),

    summed as (

        select
            p.cell_id,
            p.series_id,
            v.vintage_date,
            v.next_vintage_date,
            p.reported_by,
            p.flow,
            p.source_id,
            p.raw_table,
            p.route,
            p.months,
            p.members,
            list_unique(list(p.period_start)) as periods_found,
            greatest(list_unique(list(p.product_id)), 1) as members_found,
            list_unique(list(p.part_series_id)) as series_found,
            sum(p.value_usd) as value_usd,
            sum(p.rounding_margin_usd) as rounding_margin_usd,
            max(p.known_from) as known_from,
            max(p.release_no) as release_no
        from pieces as p
        inner join
            vintages as v
            on p.cell_id = v.cell_id
            and p.series_id = v.series_id
            and p.known_from <= v.vintage_date
            and (p.known_to is null or p.known_to > v.vintage_date)
        group by
            p.cell_id,
            p.series_id,
            v.vintage_date,
            v.next_vintage_date,
            p.reported_by,
            p.flow,
            p.source_id,
            p.raw_table,
            p.route,
            p.months,
            p.members

    ),

    -- A sum of months or years needs every one. If the classification is available for a month, a
    -- code
    -- without a row had no trade.
    ranked as (

        select
            s.*,
            r.source_rank,
            row_number() over (
                partition by s.cell_id, s.series_id, s.vintage_date
                order by
                    case when s.route in ('period', 'months', 'years') then 1 else 2 end,
                    r.source_rank,
                    s.known_from desc,
                    case when s.route in ('period', 'charges') then 1 else 2 end,
                    s.rounding_margin_usd,
                    s.raw_table,
                    s.source_id
            ) as preference
        from summed as s
        inner join {{ ref("source_list") }} as r on s.source_id = r.source_id
        where
            case
                s.route
                when 'period'
                then true
                when 'months'
                then s.periods_found = s.months
                when 'years'
                then s.periods_found * 12 = s.months
                -- The customs value and the charges.
                else s.series_found = 2
            end

    ),

    followed as (

        select
            *,
            coalesce(
                lag(next_vintage_date) over series_of_cell = vintage_date
                and lag(value_usd) over series_of_cell = value_usd
                and lag(rounding_margin_usd) over series_of_cell = rounding_margin_usd
                and lag(raw_table) over series_of_cell = raw_table
                and lag(source_id) over series_of_cell = source_id
                and lag(route) over series_of_cell = route,
                false
            ) as is_repeated
        from ranked
        where preference = 1
        window series_of_cell as (partition by cell_id, series_id order by vintage_date)

    ),

    numbered as (

        select
            *,
            sum(case when is_repeated then 0 else 1 end) over (
                partition by cell_id, series_id
                order by vintage_date
                rows between unbounded preceding and current row
            ) as stretch
        from followed

    ),

    stretches as (

        select
            cell_id,
            series_id,
            stretch,
            min(vintage_date) as valid_from,
            case
                when count(next_vintage_date) = count(*) then max(next_vintage_date)
            end as valid_to,
            max(vintage_date) as last_vintage_date,
            min(release_no) as first_release_no
        from numbered
        group by cell_id, series_id, stretch

    ),

    together as (

        select
            cell_id,
            series_id,
            reported_by,
            flow,
            source_id,
            raw_table,
            route,
            members,
            1 as members_found,
            value_usd,
            rounding_margin_usd,
            known_from as valid_from,
            case when known_to <= {{ as_of_day() }} then known_to end as valid_to,
            first_release_no,
            last_release_no as release_no,
            last_known_from as known_from
        from single

        union all

        select
            n.cell_id,
            n.series_id,
            n.reported_by,
            n.flow,
            n.source_id,
            n.raw_table,
            n.route,
            n.members,
            n.members_found,
            n.value_usd,
            n.rounding_margin_usd,
            s.valid_from,
            s.valid_to,
            s.first_release_no,
            n.release_no,
            n.known_from
        from stretches as s
        inner join
            numbered as n
            on s.cell_id = n.cell_id
            and s.series_id = n.series_id
            and s.last_vintage_date = n.vintage_date

    )

select
    cast(row_number() over (order by t.cell_id, t.series_id, t.valid_from) as integer) as value_id,
    t.cell_id,
    t.series_id,
    t.reported_by,
    -- Goods leave the reporter as its exports or as its partner's imports.
    case
        when (t.reported_by = 'reporter') = (t.flow = 'export') then 'exports' else 'imports'
    end as direction,
    t.source_id,
    r.evidence_kind,
    t.raw_table,
    t.route,
    t.members,
    cast(t.members_found as integer) as members_found,
    cast(t.value_usd as decimal(24, 3)) as value_usd,
    cast(t.rounding_margin_usd as decimal(24, 3)) as rounding_margin_usd,
    t.valid_from,
    t.valid_to,
    t.first_release_no,
    -- The last release that gave it in this interval.
    t.release_no,
    t.known_from
from together as t
inner join {{ ref("source_list") }} as r on t.source_id = r.source_id
