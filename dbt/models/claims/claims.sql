{{ config(tags=["question"]) }}

-- A quoted figure as a quantity of a figure key, and the interval its words allow.
with
    claims as (select * from {{ ref("claims_given") }}),

    typed as (

        select
            c.*,
            m.quantity,
            m.transform,
            m.direction,
            m.is_in_scope,
            u.unit_kind,
            u.currency,
            h.is_exact,
            h.is_one_sided,
            h.in_words as hedge_words,
            cast(c.reported_value * u.multiplier as decimal(32, 6)) as claimed,
            cast(c.rounding * u.multiplier / 2 as decimal(32, 6)) as half,
            cast(h.rounding_halves as decimal(32, 6)) as rounding_halves,
            cast(h.relative_share as decimal(32, 6)) as relative_share,
            cast(h.low_multiple as decimal(32, 6)) as low_multiple,
            cast(h.high_multiple as decimal(32, 6)) as high_multiple,
            h.low_is_closed,
            h.high_is_closed,
            {{ period_first_day("c.period") }} as period_start,
            {{ period_last_day("c.period") }} as period_end,
            {{ period_first_day("c.base_period") }} as base_start,
            {{ period_last_day("c.base_period") }} as base_end,
            -- A comparison may start from the day on which an agreement was signed or took effect.
            case
                when c.base_period = g.agreement_id then g.in_force_from else g.signed_on
            end as base_event_on,
            'the '
            || g.name
            || case
                when c.base_period = g.agreement_id then ' took effect' else ' was signed'
            end as base_event
        from claims as c
        inner join {{ ref("claim_measures") }} as m on c.measure = m.measure
        inner join {{ ref("units") }} as u on c.unit = u.unit
        inner join {{ ref("claim_hedges") }} as h on c.hedge = h.hedge
        left join
            {{ ref("agreements") }} as g
            on c.base_period in (g.agreement_id, g.agreement_id || ' signed')
            and least(c.reporter_iso3, c.partner_code) = least(g.reporter_iso3, g.partner_code)
            and greatest(c.reporter_iso3, c.partner_code)
            = greatest(g.reporter_iso3, g.partner_code)

    ),

    -- Some hedges give a rounding margin; "nearly" and similar words give multiples of the value.
    bounded as (

        select
            *,
            case
                when rounding_halves is not null
                then claimed - greatest(rounding_halves * half, relative_share * abs(claimed))
                when claimed >= 0
                then low_multiple * claimed
                else high_multiple * claimed
            end as low,
            case
                when rounding_halves is not null
                then claimed + greatest(rounding_halves * half, relative_share * abs(claimed))
                when claimed >= 0
                then high_multiple * claimed
                else low_multiple * claimed
            end as high
        from typed

    )

select
    b.claim_id,
    b.document_id,
    d.publisher as document_publisher,
    d.title_in_short as document_title,
    d.address as document_address,
    d.article_sha256,
    d.published_on,
    coalesce(b.document_id || ' / ' || coalesce(b.attributed_to, ''), b.claim_id) as source_key,
    b.attributed_to,
    b.says,
    b.quoted,
    b.confidence,
    b.trade_kind,
    b.measure,
    b.quantity,
    b.transform,
    b.direction,
    b.is_in_scope,
    b.reporter_iso3,
    b.partner_code,
    b.sector,
    b.period,
    b.period_start,
    b.period_end,
    b.base_period,
    b.base_start,
    b.base_end,
    b.base_event_on,
    b.base_event,
    b.compared_with,
    b.reported_value,
    b.unit,
    b.unit_kind,
    b.currency,
    b.rounding,
    b.hedge,
    b.is_exact,
    b.is_one_sided,
    b.hedge_words,
    b.claimed,
    b.half,
    cast(b.low as decimal(32, 6)) as low,
    cast(b.high as decimal(32, 6)) as high,
    case when b.claimed >= 0 then b.low_is_closed else b.high_is_closed end as low_is_closed,
    case when b.claimed >= 0 then b.high_is_closed else b.low_is_closed end as high_is_closed,
    b.release_id,
    b.snapshot_file,
    b.snapshot_sha256,
    b.row_number
from bounded as b
left join {{ ref("documents_given") }} as d on b.document_id = d.document_id
