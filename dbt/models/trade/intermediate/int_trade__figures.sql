-- Every figure of every release by its keys: one row per figure and release, with its raw row and
-- its observation.
with
    series as (select * from {{ ref("int_trade__series_listed") }}),

    -- Sorted below by key instead of text.
    forms as (

        select
            raw_table,
            reported_unit,
            cast(dense_rank() over (order by raw_table) as smallint) as table_no,
            cast(row_number() over (order by raw_table, reported_unit) as smallint) as form_no
        from {{ ref("int_trade__keys_listed") }}
        group by raw_table, reported_unit

    ),

    coded as (

        select
            c.first_figure_id + u.row_number * c.columns_found + c.column_no as figure_id,
            r.release_no,
            r.source_id,
            r.known_from,
            f.file_no,
            u.raw_table,
            o.table_no,
            o.form_no,
            u.row_number,
            u.column_name,
            u.flow,
            x.series_id as export_series_id,
            m.series_id as import_series_id,
            a.area_id as partner_id,
            u.is_aggregate,
            p.product_id,
            u.product_edition,
            u.period_start,
            u.period_end,
            u.reported_value,
            u.reported_unit,
            u.value_usd,
            u.rounding_margin_usd,
            w.withdrawn_on,
            w.withdrawn_by_release_id
        from {{ ref("int_trade__figures_unioned") }} as u
        inner join
            {{ ref("int_trade__releases_ordered") }} as r
            on u.source_id = r.source_id
            and u.release_id = r.release_id
        inner join
            {{ ref("int_trade__files_listed") }} as f
            on u.raw_table = f.raw_table
            and u.snapshot_file = f.snapshot_file
        inner join
            {{ ref("int_trade__columns_listed") }} as c
            on f.file_no = c.file_no
            and u.column_name = c.column_name
        inner join forms as o on u.raw_table = o.raw_table and u.reported_unit = o.reported_unit
        inner join {{ ref("int_trade__areas_listed") }} as a on u.partner_code = a.area_code
        inner join
            {{ ref("int_trade__products_listed") }} as p
            on u.product_system = p.product_system
            and u.product_code = p.product_code
        left join
            series as x
            on x.flow = 'export'
            and u.reporter_iso3 = x.compiler_iso3
            and u.trade_kind = x.trade_kind
            and u.measure = x.measure
            and u.export_concept = x.concept
            and u.export_valuation = x.valuation
            and u.account_basis = x.account_basis
            and u.seasonal_adjustment = x.seasonal_adjustment
        left join
            series as m
            on m.flow = 'import'
            and u.reporter_iso3 = m.compiler_iso3
            and u.trade_kind = m.trade_kind
            and u.measure = m.measure
            and u.import_concept = m.concept
            and u.import_valuation = m.valuation
            and u.account_basis = m.account_basis
            and u.seasonal_adjustment = m.seasonal_adjustment
        left join
            {{ ref("stg_snapshots__withdrawn") }} as w
            on u.raw_table = w.table_name
            and u.release_id = w.release_id
            and u.snapshot_file = w.snapshot_file
            and u.row_number = w.row_number
            and u.column_name = w.column_name

    ),

    -- The same figure in other releases of its source has the same key; the columns sorted below
    -- are narrow.
    keys as (

        select
            source_id,
            flow,
            export_series_id,
            import_series_id,
            partner_id,
            product_id,
            period_start,
            period_end,
            min(figure_id) as key_id
        from coded
        group by
            source_id,
            flow,
            export_series_id,
            import_series_id,
            partner_id,
            product_id,
            period_start,
            period_end

    ),

    keyed as (

        select
            k.key_id,
            c.figure_id,
            c.release_no,
            c.table_no,
            c.form_no,
            c.value_usd,
            c.rounding_margin_usd,
            c.withdrawn_on
        from coded as c
        inner join
            keys as k
            on c.source_id = k.source_id
            and c.flow = k.flow
            and coalesce(c.export_series_id, 0) = coalesce(k.export_series_id, 0)
            and coalesce(c.import_series_id, 0) = coalesce(k.import_series_id, 0)
            and c.partner_id = k.partner_id
            and c.product_id = k.product_id
            and c.period_start = k.period_start
            and c.period_end = k.period_end

    ),

    -- The position of a release among those of its source that give the figure, in any of its
    -- tables.
    moments as (

        select
            key_id, release_no, row_number() over (partition by key_id order by release_no) as place
        from keyed
        group by key_id, release_no

    ),

    placed as (

        select f.*, m.place
        from keyed as f
        inner join moments as m on f.key_id = m.key_id and f.release_no = m.release_no

    ),

    repeated as (

        select
            *,
            lag(place) over same_figure as previous_place,
            lag(withdrawn_on) over same_figure as previous_withdrawn_on,
            row_number() over (
                partition by key_id, table_no, release_no order by rounding_margin_usd, figure_id
            ) as copy_no
        from placed
        window
            same_figure as (
                partition by key_id, form_no, value_usd, rounding_margin_usd
                order by place, figure_id
            )

    ),

    observed as (

        select
            figure_id,
            key_id,
            place,
            copy_no,
            -- An observation is identified by the first figure of its run of releases; figures are
            -- numbered by the names of releases, which need not follow their days.
            last_value(
                case
                    when
                        previous_place is null
                        or place > previous_place + 1
                        or (place > previous_place and previous_withdrawn_on is not null)
                    then figure_id
                end ignore nulls
            ) over (
                partition by key_id, form_no, value_usd, rounding_margin_usd
                order by place, figure_id
                rows between unbounded preceding and current row
            ) as observation_id
        from repeated

    ),

    -- The next release that gives the figure ends its validity, even on the same day.
    superseded as (

        select o.figure_id, o.observation_id, o.copy_no, n.known_from as superseded_on
        from observed as o
        left join
            (
                select m.key_id, m.place - 1 as place, r.known_from
                from moments as m
                inner join
                    {{ ref("int_trade__releases_ordered") }} as r on m.release_no = r.release_no
            ) as n
            on o.key_id = n.key_id
            and o.place = n.place

    )

select
    c.figure_id,
    s.observation_id,
    c.source_id,
    c.release_no,
    c.file_no,
    c.raw_table,
    c.row_number,
    c.column_name,
    c.flow,
    -- Null for a balance or total trade, which have two.
    case
        when c.flow in ('export', 'import') then coalesce(c.export_series_id, c.import_series_id)
    end as series_id,
    c.export_series_id,
    c.import_series_id,
    c.partner_id,
    c.is_aggregate,
    c.product_id,
    c.product_edition,
    c.period_start,
    c.period_end,
    c.reported_value,
    c.reported_unit,
    c.value_usd,
    c.rounding_margin_usd,
    cast(s.copy_no as integer) as copy_no,
    c.known_from,
    -- The publisher may also leave out a figure it used to give.
    least(s.superseded_on, c.withdrawn_on) as known_to,
    c.withdrawn_by_release_id
from coded as c
inner join superseded as s on c.figure_id = s.figure_id
order by c.figure_id
