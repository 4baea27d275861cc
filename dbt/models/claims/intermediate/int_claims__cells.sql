{{ config(tags=["question"]) }}

-- The figures needed by the claims and their possible mix-ups.
with
    hypotheses as (

        select h.*, c.reporter_iso3, c.transform
        from {{ ref("int_claims__hypotheses") }} as h
        inner join {{ ref("claims") }} as c on h.claim_id = c.claim_id

    )

select reporter_iso3, partner_code, trade_kind, product_group, period_start, period_end
from hypotheses

union

select
    reporter_iso3,
    partner_code,
    trade_kind,
    product_group,
    base_start as period_start,
    base_end as period_end
from hypotheses
where base_start is not null

union

select
    reporter_iso3,
    whole_partner_code as partner_code,
    trade_kind,
    whole_product_group as product_group,
    period_start,
    period_end
from hypotheses
where whole_partner_code is not null

union

-- A streak needs the years up to the claim's.
select
    c.reporter_iso3,
    c.partner_code,
    c.trade_kind,
    'total:total' as product_group,
    y.period_start,
    y.period_end
from {{ ref("claims") }} as c
inner join
    (
        select distinct reporter_iso3, partner_code, trade_kind, period_start, period_end
        from {{ ref("observations") }}
        where product_system = 'total' and period_kind = 'year'
    ) as y
    on c.reporter_iso3 = y.reporter_iso3
    and c.partner_code = y.partner_code
    and c.trade_kind = y.trade_kind
    and c.period_start >= y.period_start
where c.transform = 'streak'
