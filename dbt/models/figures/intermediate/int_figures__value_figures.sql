{{ config(tags=["question"], materialized="view") }}

-- The figures that may count into a cell: the figure of its very period, or those of its months.
-- A pair is known through its reporter's series and through its partner's.
with
    sides as (

        select
            cell_id,
            'reporter' as reported_by,
            reporter_id as compiler_id,
            partner_id as counterpart_id,
            trade_kind,
            product_group_id,
            period_start,
            period_end,
            months
        from {{ ref("int_figures__cells") }}

        union all

        select
            cell_id,
            'partner' as reported_by,
            partner_id as compiler_id,
            reporter_id as counterpart_id,
            trade_kind,
            product_group_id,
            period_start,
            period_end,
            months
        from {{ ref("int_figures__cells") }}

    ),

    members as (

        select s.*, g.product_id, g.members
        from sides as s
        inner join
            {{ ref("int_figures__product_groups") }} as g
            on s.product_group_id = g.product_group_id
            and g.product_id is not null

    ),

    figures as (

        select
            f.figure_id,
            f.release_no,
            f.source_id,
            f.raw_table,
            s.series_id,
            s.flow,
            s.compiler_id,
            s.trade_kind,
            f.partner_id,
            f.product_id,
            f.period_start,
            f.period_end,
            f.value_usd,
            f.half_width_usd,
            f.known_from,
            f.known_to
        from {{ ref("int_trade__figures") }} as f
        inner join
            {{ ref("int_trade__series_listed") }} as s
            on coalesce(f.export_series_id, f.import_series_id) = s.series_id
        where
            s.measure = 'trade_value'
            and f.flow in ('export', 'import')
            -- A figure that stands twice in one release counts once.
            and f.copy_no = 1
            and f.known_from <= {{ as_of_day() }}

    ),

    months_of_periods as (

        select p.period_start, p.period_end, c.month_start
        from (select distinct period_start, period_end from sides where months > 1) as p
        inner join
            (
                select distinct period_start as month_start
                from {{ ref("int_trade__figures") }}
                where {{ months_between("period_start", "period_end") }} = 1
            ) as c
            on c.month_start between p.period_start and p.period_end

    )

select
    m.cell_id,
    m.reported_by,
    m.months,
    m.members,
    'period' as route,
    f.figure_id,
    f.release_no,
    f.source_id,
    f.raw_table,
    f.series_id,
    f.flow,
    f.product_id,
    f.period_start,
    f.value_usd,
    f.half_width_usd,
    f.known_from,
    f.known_to
from members as m
inner join
    figures as f
    on m.compiler_id = f.compiler_id
    and m.counterpart_id = f.partner_id
    and m.trade_kind = f.trade_kind
    and m.product_id = f.product_id
    and m.period_start = f.period_start
    and m.period_end = f.period_end

union all

select
    m.cell_id,
    m.reported_by,
    m.months,
    m.members,
    'months' as route,
    f.figure_id,
    f.release_no,
    f.source_id,
    f.raw_table,
    f.series_id,
    f.flow,
    f.product_id,
    f.period_start,
    f.value_usd,
    f.half_width_usd,
    f.known_from,
    f.known_to
from members as m
inner join
    months_of_periods as k
    on m.period_start = k.period_start
    and m.period_end = k.period_end
inner join
    figures as f
    on m.compiler_id = f.compiler_id
    and m.counterpart_id = f.partner_id
    and m.trade_kind = f.trade_kind
    and m.product_id = f.product_id
    and k.month_start = f.period_start
    and f.period_end = last_day(k.month_start)
