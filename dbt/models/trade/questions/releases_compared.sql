{{ config(tags=["question"], materialized="view") }}

-- A source's figures as of one release beside those as of another: the figures that either release
-- gave or withdrew and that differ.
with
    ordered as (select * from {{ ref("int_trade__releases_ordered") }}),

    requested as (

        select
            q.source_id,
            q.a_release_id,
            q.b_release_id,
            a.release_no as a_release_no,
            b.release_no as b_release_no
        from {{ ref("releases_requested") }} as q
        inner join ordered as a on q.source_id = a.source_id and q.a_release_id = a.release_id
        inner join ordered as b on q.source_id = b.source_id and q.b_release_id = b.release_id

    ),

    -- The same figure in other releases has the same key.
    figures as (

        select
            f.*,
            r.source_id,
            w.release_no as withdrawn_by_release_no,
            min(f.figure_id) over (
                partition by
                    f.raw_table,
                    f.flow,
                    f.export_series_id,
                    f.import_series_id,
                    f.partner_id,
                    f.product_id,
                    f.period_start,
                    f.period_end
            ) as key_id
        from {{ ref("int_trade__figures") }} as f
        inner join ordered as r on f.release_no = r.release_no
        left join
            ordered as w on r.source_id = w.source_id and f.withdrawn_by_release_id = w.release_id
        where r.source_id in (select source_id from requested)

    ),

    touched as (

        select distinct
            q.source_id, q.a_release_id, q.b_release_id, q.a_release_no, q.b_release_no, f.key_id
        from requested as q
        inner join
            figures as f
            on q.source_id = f.source_id
            and (
                f.release_no in (q.a_release_no, q.b_release_no)
                or f.withdrawn_by_release_no in (q.a_release_no, q.b_release_no)
            )

    ),

    -- The last figure current as of a release, unless withdrawn by then.
    said as (

        select
            t.source_id,
            t.a_release_id,
            t.b_release_id,
            t.a_release_no,
            t.b_release_no,
            t.key_id,
            s.side,
            f.figure_id,
            f.release_no,
            f.value_usd,
            f.withdrawn_by_release_no is not null
            and f.withdrawn_by_release_no
            <= case s.side when 'a' then t.a_release_no else t.b_release_no end as is_withdrawn,
            row_number() over (
                partition by t.a_release_no, t.b_release_no, t.key_id, s.side
                order by f.release_no desc, f.rounding_margin_usd, f.figure_id
            ) as recency
        from touched as t
        cross join
            (
                select 'a' as side
                union all
                select 'b' as side
            ) as s
        inner join
            figures as f
            on t.key_id = f.key_id
            and f.release_no <= case s.side when 'a' then t.a_release_no else t.b_release_no end

    ),

    states as (

        select
            source_id,
            a_release_id,
            b_release_id,
            a_release_no,
            b_release_no,
            key_id,
            max(case when side = 'a' then figure_id end) as a_figure_id,
            max(case when side = 'b' then figure_id end) as b_figure_id,
            max(case when side = 'a' then release_no end) as a_said_by,
            max(case when side = 'b' then release_no end) as b_said_by,
            max(case when side = 'a' then value_usd end) as a_value_usd,
            max(case when side = 'b' then value_usd end) as b_value_usd
        from said
        where recency = 1 and not is_withdrawn
        group by source_id, a_release_id, b_release_id, a_release_no, b_release_no, key_id

    ),

    -- A file that does not say what was requested still shows what it has: a product missing among
    -- the others of its partner, month and level has been dropped from it.
    slices as (

        select distinct
            f.release_no,
            f.raw_table,
            f.flow,
            f.export_series_id,
            f.import_series_id,
            f.partner_id,
            p.product_system,
            f.period_start,
            f.period_end
        from figures as f
        inner join {{ ref("int_trade__products_listed") }} as p on f.product_id = p.product_id

    ),

    described as (

        select
            s.*,
            f.raw_table,
            f.flow,
            f.is_aggregate,
            coalesce(x.compiler_iso3, m.compiler_iso3) as reporter_iso3,
            a.area_code as partner_code,
            coalesce(x.trade_kind, m.trade_kind) as trade_kind,
            coalesce(x.measure, m.measure) as measure,
            x.series_code as export_series_code,
            m.series_code as import_series_code,
            p.product_system,
            p.product_code,
            f.period_start,
            f.period_end,
            case
                when s.a_figure_id is null
                then 'new'
                when s.b_figure_id is null
                then 'withdrawn'
                when s.a_value_usd <> s.b_value_usd
                then 'changed'
                when
                    s.a_said_by = s.a_release_no
                    and s.b_said_by <> s.b_release_no
                    and c.release_no is not null
                then 'withdrawn'
            end as change
        from states as s
        inner join figures as f on coalesce(s.b_figure_id, s.a_figure_id) = f.figure_id
        inner join {{ ref("int_trade__areas_listed") }} as a on f.partner_id = a.area_id
        inner join {{ ref("int_trade__products_listed") }} as p on f.product_id = p.product_id
        left join {{ ref("int_trade__series_listed") }} as x on f.export_series_id = x.series_id
        left join {{ ref("int_trade__series_listed") }} as m on f.import_series_id = m.series_id
        left join
            slices as c
            on s.b_release_no = c.release_no
            and f.raw_table = c.raw_table
            and f.flow = c.flow
            and f.export_series_id is not distinct from c.export_series_id
            and f.import_series_id is not distinct from c.import_series_id
            and f.partner_id = c.partner_id
            and p.product_system = c.product_system
            and f.period_start = c.period_start
            and f.period_end = c.period_end

    )

select
    source_id,
    a_release_id,
    b_release_id,
    change,
    raw_table,
    reporter_iso3
    || '>'
    || partner_code
    || ' '
    || trade_kind
    || ' '
    || {{ basis_key("export_series_code", "import_series_code", "+") }}
    || ' '
    || flow
    || ' '
    || measure
    || ' '
    || product_system
    || ':'
    || product_code as series_key,
    reporter_iso3,
    partner_code,
    is_aggregate,
    flow,
    measure,
    coalesce(export_series_code, import_series_code) as series_code,
    product_system,
    product_code,
    {{ period_kind("period_start", "period_end") }} as period_kind,
    period_start,
    period_end,
    {{ period_text("period_start", "period_end") }} as period,
    a_value_usd,
    case when change <> 'withdrawn' then b_value_usd end as b_value_usd,
    cast(
        case when change <> 'withdrawn' then coalesce(b_value_usd, 0) else 0 end
        - coalesce(a_value_usd, 0) as decimal(24, 3)
    ) as change_usd,
    a_figure_id as a_reference_id,
    case when change <> 'withdrawn' then b_figure_id end as b_reference_id
from described
where change is not null
