{{ config(tags=["question"]) }}

-- Named bases that are not available for a claim's figure and could still give it: while one could,
-- the claim is not contradicted. How far a basis may differ from the preferred one is measured in
-- the years of the partner that have both, or over all partners, and else a seed. An approximate
-- figure is one of the headline basis.
with
    claims as (

        select *
        from {{ ref("claims") }}
        where transform in ('level', 'size', 'average') and currency = 'USD' and is_exact

    ),

    bases as (select * from {{ ref("bases") }} where is_named and reported_by = 'reporter'),

    preferred as (

        select
            *,
            row_number() over (
                partition by reporter_iso3, partner_code, trade_kind order by policy_rank, basis_key
            ) as preference
        from bases

    ),

    requested as (

        select
            k.claim_id,
            k.transform,
            k.quantity,
            k.direction,
            k.low,
            k.high,
            k.reporter_iso3,
            k.partner_code,
            k.trade_kind,
            h.period_start,
            h.period_end,
            h.months_in_one / 12 as years,
            c.cell_id,
            c.partner_id
        from claims as k
        inner join {{ ref("int_claims__hypotheses") }} as h on k.claim_id = h.claim_id
        inner join
            {{ ref("int_figures__cells") }} as c
            on k.reporter_iso3 = c.reporter_iso3
            and k.partner_code = c.partner_code
            and k.trade_kind = c.trade_kind
            and h.product_group = c.product_group
            and h.period_start = c.period_start
            and h.period_end = c.period_end
        where h.hypothesis = 'as_stated'

    ),

    ranked as (

        select
            cell_id,
            series_id,
            value_usd,
            row_number() over (partition by cell_id, series_id order by valid_from desc) as recency
        from {{ ref("int_figures__values") }}
        where evidence_kind = 'statistic'

    ),

    latest as (select cell_id, series_id, value_usd from ranked where recency = 1),

    bands as (select * from {{ ref("series_bands") }}),

    ratios as (select * from {{ ref("int_figures__series_ratios") }}),

    -- The bases of each figure that are available. A figure of one flow is on every basis that
    -- includes its series.
    available as (

        select distinct q.cell_id, q.quantity, n.export_series_id, n.import_series_id
        from requested as a
        inner join
            bases as n
            on a.reporter_iso3 = n.reporter_iso3
            and a.partner_code = n.partner_code
            and a.trade_kind = n.trade_kind
        inner join
            {{ ref("int_figures__measures") }} as q
            on a.cell_id = q.cell_id
            and a.quantity = q.quantity
            and coalesce(q.export_series_id, n.export_series_id) = n.export_series_id
            and coalesce(q.import_series_id, n.import_series_id) = n.import_series_id

    ),

    -- Each basis of the figure that is not available, as ratios to the two series of the preferred
    -- one.
    unavailable as (

        select
            a.*,
            n.basis_id,
            -- An available series has its own value; any other is within a range of ratios to the
            -- preferred one's.
            coalesce(
                xn.value_usd, x.value_usd * coalesce(xp.low_ratio, xa.low_ratio, e.low_ratio)
            ) as exports_low,
            coalesce(
                xn.value_usd, x.value_usd * coalesce(xp.high_ratio, xa.high_ratio, e.high_ratio)
            ) as exports_high,
            coalesce(
                mn.value_usd, m.value_usd * coalesce(mp.low_ratio, ma.low_ratio, i.low_ratio)
            ) as imports_low,
            coalesce(
                mn.value_usd, m.value_usd * coalesce(mp.high_ratio, ma.high_ratio, i.high_ratio)
            ) as imports_high
        from requested as a
        inner join
            preferred as p
            on a.reporter_iso3 = p.reporter_iso3
            and a.partner_code = p.partner_code
            and a.trade_kind = p.trade_kind
            and p.preference = 1
        inner join
            bases as n
            on a.reporter_iso3 = n.reporter_iso3
            and a.partner_code = n.partner_code
            and a.trade_kind = n.trade_kind
        left join latest as x on a.cell_id = x.cell_id and p.export_series_id = x.series_id
        left join latest as m on a.cell_id = m.cell_id and p.import_series_id = m.series_id
        left join latest as xn on a.cell_id = xn.cell_id and n.export_series_id = xn.series_id
        left join latest as mn on a.cell_id = mn.cell_id and n.import_series_id = mn.series_id
        left join
            bands as e
            on e.flow = 'export'
            and p.export_concept = e.from_concept
            and p.export_valuation = e.from_valuation
            and n.export_concept = e.to_concept
            and n.export_valuation = e.to_valuation
        left join
            bands as i
            on i.flow = 'import'
            and p.import_concept = i.from_concept
            and p.import_valuation = i.from_valuation
            and n.import_concept = i.to_concept
            and n.import_valuation = i.to_valuation
        left join
            ratios as xp
            on p.export_series_id = xp.from_series_id
            and n.export_series_id = xp.to_series_id
            and a.partner_id = xp.partner_id
        left join
            ratios as xa
            on p.export_series_id = xa.from_series_id
            and n.export_series_id = xa.to_series_id
            and xa.partner_id = 0
        left join
            ratios as mp
            on p.import_series_id = mp.from_series_id
            and n.import_series_id = mp.to_series_id
            and a.partner_id = mp.partner_id
        left join
            ratios as ma
            on p.import_series_id = ma.from_series_id
            and n.import_series_id = ma.to_series_id
            and ma.partner_id = 0
        left join
            available as q
            on a.cell_id = q.cell_id
            and a.quantity = q.quantity
            and n.export_series_id = q.export_series_id
            and n.import_series_id = q.import_series_id
        where q.cell_id is null

    ),

    bounded as (

        select
            *,
            case
                quantity
                when 'exports'
                then exports_low
                when 'imports'
                then imports_low
                when 'balance'
                then exports_low - imports_high
                else exports_low + imports_low
            end as low_usd,
            case
                quantity
                when 'exports'
                then exports_high
                when 'imports'
                then imports_high
                when 'balance'
                then exports_high - imports_low
                else exports_high + imports_high
            end as high_usd
        from unavailable

    ),

    signed as (

        select
            *,
            case
                when transform = 'size' and low_usd <= 0 and high_usd >= 0
                then 0
                when transform = 'size'
                then least(abs(low_usd), abs(high_usd))
                when direction < 0
                then - high_usd
                else low_usd
            end as signed_low,
            case
                when transform = 'size'
                then greatest(abs(low_usd), abs(high_usd))
                when direction < 0
                then - low_usd
                else high_usd
            end as signed_high
        from bounded

    )

select distinct
    t.claim_id,
    t.basis_id
    || ' basis: '
    || t.trade_kind
    || ' '
    || replace(t.quantity, '_', '-')
    || ', '
    || t.reporter_iso3
    || '–'
    || t.partner_code
    || ', '
    || {{ period_text("t.period_start", "t.period_end") }} as missing_row
from signed as t
where t.signed_low <= t.high * t.years and t.signed_high >= t.low * t.years
