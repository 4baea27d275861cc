-- Places among a reporter's partners, counted only where one release holds (nearly) all of
-- the reporter's trade: a rank among a few partners is no rank.
with
    observations as (

        select *
        from {{ ref("observations") }}
        where
            measure = 'trade_value'
            and product_system = 'total'
            and evidence_kind = 'statistic'
            and flow in ('export', 'import')
            and seasonal_adjustment = 'nsa'
            and period_kind in ('year', 'year_to_date')

    ),

    two_way as (

        select
            x.source_id,
            x.release_id,
            x.raw_table,
            x.known_from,
            x.known_from_earliest,
            x.reporter_iso3,
            x.partner_code,
            x.is_aggregate,
            x.trade_kind,
            x.period_kind,
            x.period_start,
            x.period_end,
            x.period,
            x.export_leg_id,
            m.import_leg_id,
            x.value_usd as exports_usd,
            m.value_usd as imports_usd,
            x.value_usd + m.value_usd as two_way_usd,
            x.observation_id as export_observation_id,
            m.observation_id as import_observation_id
        from observations as x
        inner join
            observations as m
            on x.raw_table = m.raw_table
            and x.release_id = m.release_id
            and x.reporter_iso3 = m.reporter_iso3
            and x.partner_code = m.partner_code
            and x.trade_kind = m.trade_kind
            and x.period_start = m.period_start
            and x.period_end = m.period_end
            and x.account_basis = m.account_basis
        where x.flow = 'export' and m.flow = 'import'

    ),

    worlds as (

        select
            b.raw_table,
            b.release_id,
            b.reporter_iso3,
            b.trade_kind,
            b.period_start,
            b.period_end,
            b.export_leg_id,
            b.import_leg_id,
            max(b.two_way_usd) as world_usd
        from two_way as b
        left join {{ ref("census_partners") }} as p on b.partner_code = p.partner_code
        where coalesce(p.is_world, b.partner_code = 'WLD')
        group by
            b.raw_table,
            b.release_id,
            b.reporter_iso3,
            b.trade_kind,
            b.period_start,
            b.period_end,
            b.export_leg_id,
            b.import_leg_id

    ),

    ranked as (

        select
            b.*,
            c.iso3 is not null as is_country,
            -- Bunkers and regions not elsewhere specified count in the sum and have no place.
            rank() over (
                partition by
                    c.iso3 is not null,
                    b.raw_table,
                    b.release_id,
                    b.reporter_iso3,
                    b.trade_kind,
                    b.period_start,
                    b.period_end,
                    b.export_leg_id,
                    b.import_leg_id
                order by b.two_way_usd desc
            ) as rank_two_way_trade,
            sum(b.two_way_usd) over (
                partition by
                    b.raw_table,
                    b.release_id,
                    b.reporter_iso3,
                    b.trade_kind,
                    b.period_start,
                    b.period_end,
                    b.export_leg_id,
                    b.import_leg_id
            ) as partners_usd
        from two_way as b
        inner join {{ ref("countries") }} as c on b.partner_code = c.partner_code
        where not b.is_aggregate

    )

select
    r.reporter_iso3
    || '>'
    || r.partner_code
    || ' '
    || r.trade_kind
    || ' '
    || r.period
    || ' | '
    || r.export_leg_id
    || ' + '
    || r.import_leg_id
    || ' | '
    || r.source_id
    || ' '
    || r.release_id as rank_id,
    r.source_id,
    r.release_id,
    r.known_from,
    r.known_from_earliest,
    r.reporter_iso3,
    r.partner_code,
    r.trade_kind,
    r.period_kind,
    r.period_start,
    r.period_end,
    r.period,
    r.export_leg_id,
    r.import_leg_id,
    cast(r.two_way_usd as decimal(24, 3)) as two_way_usd,
    cast(r.rank_two_way_trade as integer) as rank_two_way_trade,
    cast(
        cast(r.partners_usd as double) / cast(w.world_usd as double) as decimal(9, 6)
    ) as coverage_share,
    r.export_observation_id,
    r.import_observation_id
from ranked as r
inner join
    worlds as w
    on r.raw_table = w.raw_table
    and r.release_id = w.release_id
    and r.reporter_iso3 = w.reporter_iso3
    and r.trade_kind = w.trade_kind
    and r.period_start = w.period_start
    and r.period_end = w.period_end
    and r.export_leg_id = w.export_leg_id
    and r.import_leg_id = w.import_leg_id
where r.is_country and r.partners_usd >= 0.99 * w.world_usd
