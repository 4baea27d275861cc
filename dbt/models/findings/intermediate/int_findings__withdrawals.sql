-- A figure that a later release of its source withdrew: it is missing where that release gives the
-- partner's series, and other figures before and after; or the request of a later release covers
-- it.
with
    -- A file that says what was requested withdraws missing figures, with a date.
    silent as (

        select distinct source_id, release_id
        from {{ ref("stg_snapshots__files") }}
        where covers is null

    ),

    figures as (

        select *
        from {{ ref("int_trade__figures_described") }}
        where evidence_kind = 'statistic' and period_kind in ('month', 'year')

    ),

    partners as (

        select distinct
            raw_table,
            release_no,
            known_from,
            partner_id,
            series_id,
            product_system,
            period_kind,
            first_value(period_start) over releases as first_start,
            last_value(period_start) over releases as last_start
        from figures
        inner join silent using (source_id, release_id)
        window
            releases as (
                partition by raw_table, release_no, flow, product_system, period_kind
                order by period_start
                rows between unbounded preceding and unbounded following
            )

    ),

    missing as (

        select f.figure_id, f.value_usd
        from figures as f
        inner join
            partners as s
            on f.raw_table = s.raw_table
            and f.partner_id = s.partner_id
            and f.series_id = s.series_id
            and f.product_system = s.product_system
            and f.period_kind = s.period_kind
            and f.known_from < s.known_from
            and f.period_start between s.first_start and s.last_start
        left join
            figures as g
            on s.raw_table = g.raw_table
            and s.release_no = g.release_no
            and f.flow = g.flow
            and f.series_id = g.series_id
            and f.partner_id = g.partner_id
            and f.product_id = g.product_id
            and f.period_kind = g.period_kind
            and f.period_start = g.period_start
        where g.figure_id is null and f.value_usd <> 0 and f.withdrawn_by_release_id is null

    )

select distinct
    'withdrawn' as rule,
    figure_id,
    cast(null as bigint) as compared_figure_id,
    cast(0 as decimal(24, 3)) as found_usd,
    value_usd as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from missing

union all

select
    'withdrawn' as rule,
    observation_id as figure_id,
    cast(null as bigint) as compared_figure_id,
    cast(0 as decimal(24, 3)) as found_usd,
    value_usd as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from {{ ref("int_trade__observations") }}
where withdrawn_by_release_id is not null and value_usd <> 0
