{{ config(tags=["question"]) }}

-- The named causes of every bridge with amount, share, range over orders and the rows behind them.
with
    steps as (select * from {{ ref("int_bridges__steps_ordered") }}),

    bridges as (select * from {{ ref("bridges") }}),

    -- The series that a step changed, before and after it; an unchanged flow cancels out.
    touched as (

        select
            bridge_id,
            step_order,
            quantity,
            'before' as side,
            before_cell_id as cell_id,
            before_vintage_date as vintage_date,
            before_page_release_no as page_release_no,
            before_exports_series_id as exports_series_id,
            before_imports_series_id as imports_series_id,
            before_exports_value_id as exports_value_id,
            before_imports_value_id as imports_value_id,
            after_exports_series_id as other_exports_series_id,
            after_imports_series_id as other_imports_series_id,
            before_cell_id <> after_cell_id
            or before_vintage_date is distinct from after_vintage_date
            or before_page_release_no is distinct from after_page_release_no as is_everything
        from steps
        union all
        select
            bridge_id,
            step_order,
            quantity,
            'after' as side,
            after_cell_id as cell_id,
            after_vintage_date as vintage_date,
            after_page_release_no as page_release_no,
            after_exports_series_id as exports_series_id,
            after_imports_series_id as imports_series_id,
            after_exports_value_id as exports_value_id,
            after_imports_value_id as imports_value_id,
            before_exports_series_id as other_exports_series_id,
            before_imports_series_id as other_imports_series_id,
            before_cell_id <> after_cell_id
            or before_vintage_date is distinct from after_vintage_date
            or before_page_release_no is distinct from after_page_release_no as is_everything
        from steps

    ),

    series as (

        select *, exports_series_id as series_id, exports_value_id as value_id
        from touched
        where
            exports_series_id is not null
            and (is_everything or exports_series_id <> other_exports_series_id)
        union all
        select *, imports_series_id as series_id, imports_value_id as value_id
        from touched
        where
            imports_series_id is not null
            and (is_everything or imports_series_id <> other_imports_series_id)

    ),

    from_rows as (

        select s.bridge_id, s.step_order, s.side, s.series_id, p.figure_id
        from series as s
        inner join
            {{ ref("int_figures__value_figures") }} as p
            on s.value_id = p.value_id
            and p.known_from <= s.vintage_date
            and (p.known_to is null or p.known_to > s.vintage_date)

    ),

    from_pages as (

        select s.bridge_id, s.step_order, s.side, s.series_id, q.figure_id
        from series as s
        inner join
            {{ ref("int_figures__quoted") }} as q
            on s.cell_id = q.cell_id
            and s.page_release_no = q.release_no
            and s.quantity = q.quantity
            and (
                s.exports_series_id is null
                or s.exports_series_id in (q.export_series_id, q.import_series_id)
            )
            and (
                s.imports_series_id is null
                or s.imports_series_id in (q.export_series_id, q.import_series_id)
            )

    ),

    evidence as (

        select
            e.bridge_id,
            e.step_order,
            list(distinct e.figure_id order by e.figure_id) as evidence,
            string_agg(
                distinct case when e.side = 'before' then s.series_code end,
                ' + '
                order by case when e.side = 'before' then s.series_code end
            ) as before_series,
            string_agg(
                distinct case when e.side = 'after' then s.series_code end,
                ' + '
                order by case when e.side = 'after' then s.series_code end
            ) as after_series
        from
            (
                select *
                from from_rows
                union all
                select *
                from from_pages
            ) as e
        inner join {{ ref("int_trade__series_listed") }} as s on e.series_id = s.series_id
        group by e.bridge_id, e.step_order

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
    cast(b.sign * s.amount_usd as decimal(24, 3)) as amount_usd,
    cast(
        cast(b.sign * s.amount_usd as double)
        / nullif(cast(b.gap_usd as double), 0) as decimal(18, 6)
    ) as share_of_gap,
    cast(
        case when b.sign < 0 then - s.amount_max_usd else s.amount_min_usd end as decimal(24, 3)
    ) as amount_min_usd,
    cast(
        case when b.sign < 0 then - s.amount_min_usd else s.amount_max_usd end as decimal(24, 3)
    ) as amount_max_usd,
    cast(b.sign * s.before_usd as decimal(24, 3)) as before_usd,
    cast(b.sign * s.after_usd as decimal(24, 3)) as after_usd,
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
    cast([] as bigint[]) as evidence
from rounding as r
inner join bridges as b on r.bridge_id = b.bridge_id
