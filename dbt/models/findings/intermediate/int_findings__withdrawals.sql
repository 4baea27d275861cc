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

    given as (

        select
            raw_table,
            series_id,
            partner_id,
            product_id,
            product_system,
            period_kind,
            period_start,
            min(known_from) as first_known_from
        from figures
        group by all

    ),

    missing as (

        select g.*, s.known_from as missing_from
        from given as g
        inner join
            partners as s
            on g.raw_table = s.raw_table
            and g.partner_id = s.partner_id
            and g.series_id = s.series_id
            and g.product_system = s.product_system
            and g.period_kind = s.period_kind
            and g.first_known_from < s.known_from
            and g.period_start between s.first_start and s.last_start
        left join
            figures as f
            on s.raw_table = f.raw_table
            and s.release_no = f.release_no
            and g.series_id = f.series_id
            and g.partner_id = f.partner_id
            and g.product_id = f.product_id
            and g.period_kind = f.period_kind
            and g.period_start = f.period_start
        where f.figure_id is null

    ),

    withdrawn as (

        select f.figure_id, f.value_usd
        from missing as m
        inner join
            figures as f
            on m.raw_table = f.raw_table
            and m.series_id = f.series_id
            and m.partner_id = f.partner_id
            and m.product_id = f.product_id
            and m.product_system = f.product_system
            and m.period_kind = f.period_kind
            and m.period_start = f.period_start
            and f.known_from < m.missing_from
        where f.value_usd <> 0 and f.withdrawn_by_release_id is null

    )

select distinct
    'withdrawn' as rule,
    figure_id,
    cast(null as bigint) as compared_figure_id,
    cast(0 as decimal(24, 3)) as found_usd,
    value_usd as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from withdrawn

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
