-- Every figure that a later release of its source changed: its previous value, and by how much it
-- was revised.
with
    ordered as (

        select
            o.*,
            f.source_id,
            f.release_id,
            lag(o.last_release_no) over figure as previous_release_no,
            lag(o.value_usd) over figure as previous_value_usd,
            lag(o.observation_id) over figure as previous_observation_id,
            lag(o.rounding_margin_usd) over figure as previous_rounding_margin_usd
        from {{ ref("int_trade__observations") }} as o
        inner join
            {{ ref("int_trade__releases_ordered") }} as f on o.first_release_no = f.release_no
        where o.flow in ('export', 'import')
        window
            figure as (
                partition by
                    f.source_id,
                    o.flow,
                    o.export_series_id,
                    o.import_series_id,
                    o.partner_id,
                    o.product_id,
                    o.period_start,
                    o.period_end
                order by
                    o.known_from,
                    o.known_to nulls last,
                    o.rounding_margin_usd desc,
                    o.observation_id
            )

    )

select
    o.observation_id,
    o.source_id,
    s.compiler_iso3 as reporter_iso3,
    a.area_code as partner_code,
    s.series_code as series_code,
    p.product_system,
    p.product_code,
    s.measure,
    {{ period_kind("o.period_start", "o.period_end") }} as period_kind,
    o.period_start,
    o.period_end,
    {{ period_text("o.period_start", "o.period_end") }} as period,
    o.release_id,
    o.known_from,
    o.value_usd,
    r.release_id as previous_release_id,
    o.previous_observation_id,
    o.previous_value_usd,
    cast(o.value_usd - o.previous_value_usd as decimal(24, 3)) as change_usd,
    case
        when o.previous_value_usd <> 0
        then
            cast(
                (o.value_usd - o.previous_value_usd) * 100 / o.previous_value_usd as decimal(18, 6)
            )
    end as change_pct
from ordered as o
inner join {{ ref("int_trade__series_listed") }} as s on o.series_id = s.series_id
inner join {{ ref("int_trade__areas_listed") }} as a on o.partner_id = a.area_id
inner join {{ ref("int_trade__products_listed") }} as p on o.product_id = p.product_id
inner join {{ ref("int_trade__releases_ordered") }} as r on o.previous_release_no = r.release_no
where
    -- The same figure published in other units is not revised.
    case
        when o.rounding_margin_usd = o.previous_rounding_margin_usd
        then o.value_usd <> o.previous_value_usd
        else
            abs(o.value_usd - o.previous_value_usd)
            > o.rounding_margin_usd + o.previous_rounding_margin_usd
    end
