{{ config(tags=["question"]) }}

-- The possible meanings of a claim: its words as stated under every product group of the sector,
-- and common mix-ups. A mix-up is recognised only with three digits: two agree by chance.
with
    claims as (

        select
            *,
            abs(reported_value / nullif(rounding, 0)) as units_quoted,
            {{ months_between("period_start", "period_end") }} as months,
            {{ period_kind("period_start", "period_end") }} as period_kind
        from {{ ref("claims") }}
        where is_in_scope

    ),

    definitions as (

        select sector_id as sector, product_group, definition_rank
        from {{ ref("sector_definitions") }}

    ),

    -- "Since the agreement" may mean since the year before, since the year in which it took effect,
    -- or since the twelve months before the day: the same months of these years.
    since_events as (

        select
            c.claim_id,
            cast(
                c.period_start + to_years(cast(y.base_year - year(c.period_end) as integer)) as date
            ) as base_start,
            cast(
                (c.period_end + interval 1 day)
                + to_years(cast(y.base_year - year(c.period_end) as integer))
                - interval 1 day as date
            ) as base_end
        from claims as c
        cross join unnest([year(c.base_event_on) - 1, year(c.base_event_on)]) as y(base_year)
        where c.base_event_on is not null and y.base_year < year(c.period_end)

        union

        select
            claim_id,
            cast(date_trunc('month', base_event_on) - interval 12 month as date) as base_start,
            cast(date_trunc('month', base_event_on) - interval 1 day as date) as base_end
        from claims
        where
            base_event_on is not null
            and months = 12
            and transform not in ('record', 'lowest')
            and base_event_on <= period_end

    ),

    bases as (

        select claim_id, 'as_stated' as hypothesis, base_start, base_end
        from claims
        where base_event_on is null

        union all

        select
            claim_id,
            'as_stated, from ' || {{ period_text("base_start", "base_end") }} as hypothesis,
            base_start,
            base_end
        from since_events

    ),

    as_stated as (

        select
            c.claim_id,
            b.hypothesis,
            coalesce(d.product_group, c.sector) as product_group,
            coalesce(d.definition_rank, 1) as definition_rank,
            c.partner_code,
            c.trade_kind,
            c.quantity,
            1 as sign,
            cast(1 as decimal(10, 3)) as factor,
            -- An average is of the years of the period.
            case when c.transform = 'average' then c.months else 12 end as months_in_one,
            c.period_start,
            c.period_end,
            b.base_start,
            b.base_end,
            -- A share of all products, or of the world, is a part of the trade with all partners.
            case
                when c.transform = 'share_of_world'
                then 'WLD'
                when c.transform = 'times_partner'
                then c.compared_with
                when c.transform <> 'share'
                then null
                when coalesce(d.product_group, c.sector) = 'total:total'
                then 'WLD'
                else c.partner_code
            end as whole_partner_code,
            case
                when c.transform in ('share_of_world', 'times_partner')
                then coalesce(d.product_group, c.sector)
                when c.transform = 'share'
                then 'total:total'
            end as whole_product_group
        from claims as c
        inner join bases as b on c.claim_id = b.claim_id
        left join definitions as d on c.sector = d.sector

    ),

    recognisable as (

        select a.*, c.reporter_iso3, c.sector, c.transform, c.period_kind, c.months
        from as_stated as a
        inner join claims as c on a.claim_id = c.claim_id
        where c.is_exact and c.units_quoted >= 100 and a.hypothesis = 'as_stated'

    ),

    amounts as (select * from recognisable where transform in ('level', 'size', 'average')),

    comparisons as (select * from recognisable where transform in ('change', 'growth', 'ratio')),

    other_sign as (

        select * replace ('another sign: the opposite balance' as hypothesis, -1 as sign)
        from amounts
        where transform in ('level', 'average') and quantity = 'balance'

    ),

    other_quantity as (

        select s.* replace ('another measure: ' || q.quantity as hypothesis, q.quantity as quantity)
        from amounts as s
        inner join
            (select distinct quantity from {{ ref("claim_measures") }} where is_in_scope) as q
            on s.quantity <> q.quantity

        union all

        -- The sum of several years is said to be their average, and the reverse.
        select
            * replace (
                'another measure: '
                || case when transform = 'average' then 'sum' else 'average' end as hypothesis,
                case when transform = 'average' then 12 else months end as months_in_one
            )
        from amounts
        where months > 12 and months % 12 = 0

    ),

    other_kind as (

        select
            s.* replace ('another kind: ' || k.trade_kind as hypothesis, k.trade_kind as trade_kind)
        from amounts as s
        inner join
            (select distinct trade_kind from {{ ref("basis_policy") }}) as k
            on s.trade_kind <> k.trade_kind
        where s.sector = 'total'

    ),

    -- Millions for billions, or billions for millions.
    other_unit as (

        select s.* replace ('another unit: ' || u.unit as hypothesis, u.factor as factor)
        from amounts as s
        inner join claims as c on s.claim_id = c.claim_id
        inner join
            (
                select
                    f.unit as from_unit,
                    t.unit,
                    cast(f.multiplier / t.multiplier as decimal(10, 3)) as factor
                from {{ ref("units") }} as f
                inner join
                    {{ ref("units") }} as t
                    on f.unit_kind = 'money'
                    and t.unit_kind = 'money'
                    and f.currency = t.currency
                    and f.multiplier / t.multiplier in (1000, 0.001)
            ) as u
            on c.unit = u.from_unit

    ),

    -- The same stretch of the year before or after; for a month or some months also the stretch
    -- beside it.
    steps as (

        select
            s.claim_id,
            s.product_group,
            n.direction * case
                when s.period_kind in ('year', 'twelve_months') or n.is_year
                then 12
                else datediff('month', s.period_start, s.period_end) + 1
            end as months
        from recognisable as s
        cross join
            (
                select unnest([-1, 1]) as direction, unnest([true, true]) as is_year
                union all
                select unnest([-1, 1]) as direction, unnest([false, false]) as is_year
            ) as n
        where n.is_year or s.period_kind in ('month', 'months')

    ),

    stepped as (

        select distinct
            s.*,
            n.months as step,
            cast(s.period_start + to_months(cast(n.months as integer)) as date) as new_start,
            cast(
                (s.period_end + interval 1 day)
                + to_months(cast(n.months as integer))
                - interval 1 day as date
            ) as new_end
        from recognisable as s
        inner join steps as n on s.claim_id = n.claim_id and s.product_group = n.product_group
        where
            s.transform
            in ('level', 'size', 'average', 'change', 'growth', 'ratio', 'times_partner')

    ),

    other_period as (

        select
            * exclude (step, new_start, new_end) replace (
                'another period: ' || case
                    when months > 12
                    then {{ period_text("new_start", "new_end") }}
                    else
                        'the ' || case
                            when abs(step) = 12
                            then 'year'
                            when period_kind = 'month'
                            then 'month'
                            else 'months'
                        end
                        || case when step < 0 then ' before' else ' after' end
                end as hypothesis,
                new_start as period_start,
                new_end as period_end
            )
        from stepped
        where transform in ('level', 'size', 'average', 'times_partner')

        union all

        select
            * replace (
                'another period: twelve months' as hypothesis,
                cast(period_end + interval 1 day - interval 12 month as date) as period_start
            )
        from amounts
        where period_kind = 'year_to_date'

        union all

        select
            * replace (
                'another period: the whole year' as hypothesis,
                make_date(year(period_end), 12, 31) as period_end
            )
        from amounts
        where period_kind = 'year_to_date'

        union all

        -- The months that were out when the text was written.
        select
            s.* replace (
                'another period: January to '
                || monthname(make_date(2000, m.month, 1)) as hypothesis,
                last_day(make_date(year(s.period_start), m.month, 1)) as period_end
            )
        from amounts as s
        cross join (select unnest(range(1, 12)) as month) as m
        where s.period_kind = 'year'

        union all

        select
            * replace (
                'another period: year to date' as hypothesis,
                make_date(year(period_end), 1, 1) as period_start
            )
        from amounts
        where period_kind = 'twelve_months'

        union all

        select
            s.* replace (
                'another period: agreement year of ' || g.name as hypothesis,
                make_date(year(s.period_start), month(g.in_force_from), 1) as period_start,
                cast(
                    make_date(year(s.period_start) + 1, month(g.in_force_from), 1)
                    - interval 1 day as date
                ) as period_end
            )
        from amounts as s
        inner join
            {{ ref("agreements") }} as g
            on (s.reporter_iso3 = g.reporter_iso3 and s.partner_code = g.partner_code)
            or (s.reporter_iso3 = g.partner_code and s.partner_code = g.reporter_iso3)
        where
            s.period_kind = 'year'
            and year(s.period_start) >= year(g.in_force_from)
            and month(g.in_force_from) > 1

    ),

    -- A comparison over another span: its end or its base a year off.
    other_span as (

        select
            * exclude (step, new_start, new_end) replace (
                'another span: to the year '
                || case when step < 0 then 'before' else 'after' end as hypothesis,
                new_start as period_start,
                new_end as period_end
            )
        from stepped
        where transform in ('change', 'growth', 'ratio') and abs(step) = 12 and new_end > base_end

        union all

        select
            s.* replace (
                'another span: from the year '
                || case when n.step < 0 then 'before' else 'after' end as hypothesis,
                cast(s.base_start + to_years(n.step) as date) as base_start,
                cast(
                    (s.base_end + interval 1 day) + to_years(n.step) - interval 1 day as date
                ) as base_end
            )
        from comparisons as s
        cross join (select unnest([-1, 1]) as step) as n
        where s.base_start + to_years(n.step) < s.period_start

    ),

    other_sector as (

        select
            s.* replace (
                'another sector: ' || d.sector as hypothesis,
                d.product_group as product_group,
                d.definition_rank as definition_rank
            )
        from amounts as s
        inner join definitions as d on s.sector <> d.sector
        where d.sector = 'total'

    ),

    -- What is true of one of the largest partners may be said of another.
    other_partner as (

        select
            s.* replace (
                'another partner: ' || p.partner_code as hypothesis, p.partner_code as partner_code
            )
        from amounts as s
        inner join
            (
                select distinct reporter_iso3, partner_code, trade_kind, period_start, period_end
                from {{ ref("partner_ranks") }}
                where rank_two_way_trade <= {{ var("partners_mixed_up") }}
            ) as p
            on s.reporter_iso3 = p.reporter_iso3
            and s.trade_kind = p.trade_kind
            and s.period_start = p.period_start
            and s.period_end = p.period_end
            and s.partner_code <> p.partner_code
        where s.sector = 'total' and s.partner_code <> 'WLD'

    ),

    mix_ups as (

        {% for kind in [
            "sign",
            "quantity",
            "kind",
            "unit",
            "period",
            "span",
            "sector",
            "partner",
        ] %}
            select * exclude (reporter_iso3, sector, transform, period_kind, months)
            from other_{{ kind }} {{ "union all" if not loop.last }}
        {% endfor %}

    )

select *
from as_stated
union all
select distinct *
from mix_ups
