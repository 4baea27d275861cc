{{ config(post_hook="{{ as_of_macro(this, model) }}") }}

with
    known as (

        select
            v.*,
            c.cell_key,
            c.reporter_iso3,
            c.partner_code,
            c.trade_kind,
            c.product_group,
            c.period_start,
            s.series_code as series_code
        from {{ ref("int_figures__values_as_of") }} as v
        inner join {{ ref("int_figures__cells") }} as c on v.cell_id = c.cell_id
        inner join {{ ref("int_trade__series_listed") }} as s on v.series_id = s.series_id
        where v.reported_by = 'reporter' and c.period_kind = 'year'

    ),

    totals as (select * from known where product_group = 'total:total'),

    sectors as (

        select
            k.cell_key || ' | ' || k.series_code as figure_id,
            k.value_id,
            k.reporter_iso3,
            k.partner_code,
            k.trade_kind,
            cast(year(k.period_start) as integer) as year,
            d.sector_id,
            k.product_group,
            d.breakdown,
            k.direction as quantity,
            k.series_code,
            k.value_usd,
            k.rounding_margin_usd,
            k.members,
            k.members_found,
            t.value_usd as total_usd,
            k.release_key,
            t.release_key as total_release_key,
            k.known_from
        from known as k
        inner join {{ ref("sector_definitions") }} as d on k.product_group = d.product_group
        left join
            totals as t
            on k.reporter_iso3 = t.reporter_iso3
            and k.partner_code = t.partner_code
            and k.trade_kind = t.trade_kind
            and k.period_start = t.period_start
            and k.series_code = t.series_code
        where k.product_group <> 'total:total'

    ),

    -- The residual of a breakdown is a separate row, so that parts and residual add up.
    remainders as (

        select
            reporter_iso3,
            partner_code,
            trade_kind,
            year,
            breakdown,
            quantity,
            series_code,
            total_usd,
            total_release_key,
            cast(total_usd - sum(value_usd) as decimal(24, 3)) as value_usd,
            cast(sum(rounding_margin_usd) as decimal(24, 3)) as rounding_margin_usd,
            cast(sum(members) as bigint) as members,
            cast(sum(members_found) as bigint) as members_found,
            max(release_key) as release_key,
            max(known_from) as known_from
        from sectors
        where breakdown is not null and total_usd is not null
        group by
            reporter_iso3,
            partner_code,
            trade_kind,
            year,
            breakdown,
            quantity,
            series_code,
            total_usd,
            total_release_key

    ),

    together as (

        select
            figure_id,
            value_id,
            reporter_iso3,
            partner_code,
            trade_kind,
            year,
            sector_id,
            product_group,
            breakdown,
            quantity,
            series_code,
            value_usd,
            rounding_margin_usd,
            members,
            members_found,
            total_usd,
            release_key,
            total_release_key,
            known_from,
            false as is_residual
        from sectors

        union all

        select
            reporter_iso3
            || '>'
            || partner_code
            || ' '
            || trade_kind
            || ' remainder of '
            || breakdown
            || ' '
            || cast(year as varchar)
            || ' | '
            || series_code as figure_id,
            cast(null as integer) as value_id,
            reporter_iso3,
            partner_code,
            trade_kind,
            year,
            'remainder' as sector_id,
            'remainder of ' || breakdown as product_group,
            breakdown,
            quantity,
            series_code,
            value_usd,
            rounding_margin_usd,
            members,
            members_found,
            total_usd,
            release_key,
            total_release_key,
            known_from,
            true as is_residual
        from remainders

    )

select
    t.*,
    c.partner_name,
    c.is_aggregate,
    cast(
        cast(t.value_usd as double) / nullif(cast(t.total_usd as double), 0) as decimal(18, 6)
    ) as share_of_total
from together as t
inner join {{ ref("countries") }} as c on t.partner_code = c.partner_code
