-- Every figure of every release by its keys: one row per figure and release, with the way back to
-- the raw row and the observation it belongs to.
with
    series as (select * from {{ ref("int_trade__series_listed") }}),

    coded as (

        select
            r.release_no,
            r.source_id,
            r.known_from,
            f.file_no,
            u.raw_table,
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
            u.half_width_usd,
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

    -- The place of a release among those of its source that give the figure, in any of its tables.
    placed as (

        select
            *,
            cast(
                row_number() over (order by release_no, file_no, row_number, column_name) as integer
            ) as figure_id,
            dense_rank() over (
                partition by
                    source_id,
                    flow,
                    export_series_id,
                    import_series_id,
                    partner_id,
                    product_id,
                    period_start,
                    period_end
                order by release_no
            ) as place
        from coded

    ),

    -- The next release that gives it ends what was known, even on the same day.
    followed as (

        select
            *,
            min(known_from) over (
                partition by
                    source_id,
                    flow,
                    export_series_id,
                    import_series_id,
                    partner_id,
                    product_id,
                    period_start,
                    period_end
                order by place
                range between 1 following and 1 following
            ) as superseded_on,
            row_number() over (
                partition by
                    raw_table,
                    release_no,
                    flow,
                    export_series_id,
                    import_series_id,
                    partner_id,
                    product_id,
                    period_start,
                    period_end
                order by half_width_usd, figure_id
            ) as copy_no,
            lag(place) over repeated as previous_place,
            lag(withdrawn_on) over repeated as previous_withdrawn_on
        from placed
        window
            repeated as (
                partition by
                    raw_table,
                    flow,
                    export_series_id,
                    import_series_id,
                    partner_id,
                    product_id,
                    period_start,
                    period_end,
                    value_usd,
                    half_width_usd,
                    reported_unit,
                    product_edition
                order by place, figure_id
            )

    )

select
    figure_id,
    -- An observation is known by the first figure of its run of releases.
    max(
        case
            when
                previous_place is null
                or place > previous_place + 1
                or previous_withdrawn_on is not null
            then figure_id
        end
    ) over (
        partition by
            raw_table,
            flow,
            export_series_id,
            import_series_id,
            partner_id,
            product_id,
            period_start,
            period_end,
            value_usd,
            half_width_usd,
            reported_unit,
            product_edition
        order by place, figure_id
        rows between unbounded preceding and current row
    ) as observation_id,
    source_id,
    release_no,
    file_no,
    raw_table,
    row_number,
    column_name,
    flow,
    export_series_id,
    import_series_id,
    partner_id,
    is_aggregate,
    product_id,
    product_edition,
    period_start,
    period_end,
    reported_value,
    reported_unit,
    value_usd,
    half_width_usd,
    cast(copy_no as integer) as copy_no,
    known_from,
    -- The publisher may also leave out what it used to give.
    least(superseded_on, withdrawn_on) as known_to,
    withdrawn_by_release_id
from followed
order by figure_id
