{{ config(tags=["question"]) }}

-- The figures needed by the claims and their possible mix-ups.
with
    hypotheses as (

        select h.*, c.reporter_iso3, c.transform
        from {{ ref("int_claims__hypotheses") }} as h
        inner join {{ ref("claims") }} as c on h.claim_id = c.claim_id

    ),

    -- The periods that a claim about many years may need.
    available as (

        select distinct
            o.reporter_iso3,
            o.partner_code,
            o.trade_kind,
            o.product_system,
            o.period_kind,
            o.period_start,
            o.period_end
        from {{ ref("observations") }} as o
        inner join
            (
                select distinct reporter_iso3, partner_code, trade_kind
                from {{ ref("claims") }}
                where transform in ('streak', 'record', 'lowest')
            ) as c
            on o.reporter_iso3 = c.reporter_iso3
            and o.partner_code = c.partner_code
            and o.trade_kind = c.trade_kind

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
    h.reporter_iso3,
    h.partner_code,
    h.trade_kind,
    'total:total' as product_group,
    y.period_start,
    y.period_end
from hypotheses as h
inner join
    available as y
    on h.reporter_iso3 = y.reporter_iso3
    and h.partner_code = y.partner_code
    and h.trade_kind = y.trade_kind
    and h.period_start >= y.period_start
    and y.product_system = 'total'
    and y.period_kind = 'year'
where h.transform = 'streak'

union

-- A record needs the same months of all years up to the claim's.
select
    h.reporter_iso3,
    h.partner_code,
    h.trade_kind,
    h.product_group,
    cast(h.period_start - to_years(n.years) as date) as period_start,
    cast((h.period_end + interval 1 day) - to_years(n.years) - interval 1 day as date) as period_end
from hypotheses as h
inner join
    (
        select reporter_iso3, partner_code, trade_kind, min(year(period_start)) as first_year
        from available
        group by reporter_iso3, partner_code, trade_kind
    ) as y
    on h.reporter_iso3 = y.reporter_iso3
    and h.partner_code = y.partner_code
    and h.trade_kind = y.trade_kind
cross join unnest(range(1, cast(year(h.period_start) - y.first_year + 1 as integer))) as n(years)
where h.transform in ('record', 'lowest')
