-- Ranks among a reporter's partners by each measure, only where one release covers (nearly) all
-- of the reporter's
-- trade: a rank among a few partners is not a rank.
with
    figures as (

        select
            f.figure_id,
            f.source_id,
            f.release_no,
            f.raw_table,
            f.flow,
            f.partner_id,
            f.is_aggregate,
            f.period_start,
            f.period_end,
            f.value_usd,
            s.series_id,
            s.compiler_id,
            s.trade_kind,
            s.account_basis
        from {{ ref("int_trade__figures") }} as f
        inner join {{ ref("int_trade__series_listed") }} as s on f.series_id = s.series_id
        inner join
            {{ ref("int_trade__products_listed") }} as p
            on f.product_id = p.product_id
            and p.product_system = 'total'
        inner join
            {{ ref("int_trade__releases_ordered") }} as r
            on f.release_no = r.release_no
            and r.evidence_kind = 'statistic'
        where
            s.measure = 'trade_value'
            and f.flow in ('export', 'import')
            and s.seasonal_adjustment = 'nsa'
            and {{ period_kind("f.period_start", "f.period_end") }} in ('year', 'year_to_date')

    ),

    two_way as (

        select
            x.source_id,
            x.release_no,
            x.raw_table,
            x.compiler_id,
            x.partner_id,
            x.is_aggregate,
            x.trade_kind,
            x.period_start,
            x.period_end,
            x.series_id as export_series_id,
            m.series_id as import_series_id,
            x.value_usd as exports_usd,
            m.value_usd as imports_usd,
            x.value_usd + m.value_usd as two_way_usd,
            x.figure_id as export_reference_id,
            m.figure_id as import_reference_id
        from figures as x
        inner join
            figures as m
            on x.raw_table = m.raw_table
            and x.release_no = m.release_no
            and x.compiler_id = m.compiler_id
            and x.partner_id = m.partner_id
            and x.trade_kind = m.trade_kind
            and x.period_start = m.period_start
            and x.period_end = m.period_end
            and x.account_basis = m.account_basis
        where x.flow = 'export' and m.flow = 'import'

    ),

    worlds as (

        select
            b.raw_table,
            b.release_no,
            b.period_start,
            b.period_end,
            b.export_series_id,
            b.import_series_id,
            max(b.two_way_usd) as world_usd
        from two_way as b
        inner join {{ ref("int_trade__areas_listed") }} as a on b.partner_id = a.area_id
        inner join {{ ref("countries") }} as c on a.area_code = c.partner_code
        where c.is_world
        group by
            b.raw_table,
            b.release_no,
            b.period_start,
            b.period_end,
            b.export_series_id,
            b.import_series_id

    ),

    ranked as (

        select
            b.*,
            a.area_code as partner_code,
            c.partner_name,
            c.iso3 is not null as is_country,
            -- Bunkers and regions not elsewhere specified count in the sum and have no rank.
            rank() over (partners_of_kind order by b.two_way_usd desc) as rank_two_way_trade,
            rank() over (partners_of_kind order by b.exports_usd desc) as rank_exports,
            rank() over (partners_of_kind order by b.imports_usd desc) as rank_imports,
            rank() over (
                partners_of_kind order by b.imports_usd - b.exports_usd desc
            ) as rank_deficit,
            rank() over (
                partners_of_kind order by b.exports_usd - b.imports_usd desc
            ) as rank_surplus,
            sum(b.two_way_usd) over (
                partition by
                    b.raw_table,
                    b.release_no,
                    b.period_start,
                    b.period_end,
                    b.export_series_id,
                    b.import_series_id
            ) as partners_usd
        from two_way as b
        inner join {{ ref("int_trade__areas_listed") }} as a on b.partner_id = a.area_id
        inner join {{ ref("countries") }} as c on a.area_code = c.partner_code
        where not b.is_aggregate
        window
            partners_of_kind as (
                partition by
                    c.iso3 is not null,
                    b.raw_table,
                    b.release_no,
                    b.period_start,
                    b.period_end,
                    b.export_series_id,
                    b.import_series_id
            )

    ),

    described as (

        select
            r.*,
            w.world_usd,
            s.release_id,
            s.release_key,
            s.known_from,
            s.known_from_earliest,
            x.compiler_iso3 as reporter_iso3,
            x.series_code as export_series_code,
            m.series_code as import_series_code,
            {{ period_text("r.period_start", "r.period_end") }} as period
        from ranked as r
        inner join
            worlds as w
            on r.raw_table = w.raw_table
            and r.release_no = w.release_no
            and r.period_start = w.period_start
            and r.period_end = w.period_end
            and r.export_series_id = w.export_series_id
            and r.import_series_id = w.import_series_id
        inner join {{ ref("int_trade__releases_ordered") }} as s on r.release_no = s.release_no
        inner join {{ ref("int_trade__series_listed") }} as x on r.export_series_id = x.series_id
        inner join {{ ref("int_trade__series_listed") }} as m on r.import_series_id = m.series_id
        where r.is_country and r.partners_usd >= 0.99 * w.world_usd

    )

select
    reporter_iso3
    || '>'
    || partner_code
    || ' '
    || trade_kind
    || ' '
    || period
    || ' | '
    || export_series_code
    || ' + '
    || import_series_code
    || ' | '
    || release_key as rank_id,
    source_id,
    release_id,
    known_from,
    known_from_earliest,
    reporter_iso3,
    partner_code,
    partner_name,
    is_aggregate,
    trade_kind,
    {{ period_kind("period_start", "period_end") }} as period_kind,
    period_start,
    period_end,
    period,
    export_series_code,
    import_series_code,
    cast(two_way_usd as decimal(24, 3)) as two_way_usd,
    cast(rank_two_way_trade as integer) as rank_two_way_trade,
    cast(rank_exports as integer) as rank_exports,
    cast(rank_imports as integer) as rank_imports,
    cast(rank_deficit as integer) as rank_deficit,
    cast(rank_surplus as integer) as rank_surplus,
    cast(
        cast(partners_usd as double) / cast(world_usd as double) as decimal(9, 6)
    ) as coverage_share,
    export_reference_id,
    import_reference_id
from described
