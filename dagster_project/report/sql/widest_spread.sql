-- The last year with several readings, its ends, and the bridge between them; where no year
-- has several, the last one that is held.
with
    held as (

        select year, period, reading_id, balance_usd, is_preferred, policy_rank
        from marts.trade_by_year
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and trade_kind = {{ trade_kind }}
            and not is_partial_year

    ),

    years as (

        select year, count(*) as readings
        from held
        group by year
        qualify row_number() over (order by count(*) > 1 desc, year desc) = 1

    ),

    placed as (

        select
            h.*,
            y.readings,
            row_number() over (order by h.balance_usd, h.policy_rank, h.reading_id) as place
        from held as h
        inner join years as y on h.year = y.year

    ),

    ends as (

        select
            p.year,
            p.period,
            p.readings,
            low.reading_id as low_reading_id,
            low.balance_usd as low_usd,
            high.reading_id as high_reading_id,
            high.balance_usd as high_usd,
            high.balance_usd - low.balance_usd as spread_usd,
            p.reading_id as preferred_reading_id,
            p.balance_usd as preferred_usd,
            r.reason as why_preferred
        from placed as p
        inner join placed as low on low.place = 1
        inner join placed as high on high.place = high.readings
        left join
            seeds.reading_policy as r
            on r.reporter_iso3 in ({{ reporter }}, '*')
            and r.trade_kind = {{ trade_kind }}
            and r.reading_id = p.reading_id
            and r.policy_rank = p.policy_rank
        where p.is_preferred

    )

select
    e.year,
    e.readings,
    e.low_reading_id,
    e.low_usd,
    e.high_reading_id,
    e.high_usd,
    e.spread_usd,
    e.preferred_reading_id,
    e.preferred_usd,
    e.why_preferred,
    b.bridge_id
from ends as e
left join
    marts.bridges as b
    on b.reporter_iso3 = {{ reporter }}
    and b.partner_code = {{ partner }}
    and b.trade_kind = {{ trade_kind }}
    and b.quantity = 'balance'
    and b.a_claim_id is null
    and b.b_claim_id is null
    and b.a_definition_id = 'total:total'
    and b.b_definition_id = 'total:total'
    and b.a_period = e.period
    and b.b_period = e.period
    and least(b.a_reading_id, b.b_reading_id) = least(e.low_reading_id, e.high_reading_id)
    and greatest(b.a_reading_id, b.b_reading_id) = greatest(e.low_reading_id, e.high_reading_id)
    and e.low_reading_id <> e.high_reading_id
order by b.bridge_id
limit 1
