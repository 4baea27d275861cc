{#
id = "spreads-{{ trade_kind }}"
title = "Spread of {{ kinds[trade_kind] }} balances by year"
unit = "Millions of US dollars."
basis = "one row per year, all products"
columns = [
    "year", "bases", "spread_usd", "low_basis_id", "low_usd", "high_basis_id", "high_usd",
    "preferred_basis_id", "preferred_usd",
]
links = "years"
#}
-- The spread of balances in each full year: both ends, the preferred balance, and the bridge from
-- end to end.
with
    available as (

        select
            *,
            row_number() over (
                partition by year order by balance_usd, policy_rank, basis_id
            ) as place,
            count(*) over (partition by year) as bases
        from marts.trade_by_year
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and trade_kind = {{ trade_kind }}

    ),

    ends as (

        select
            p.year,
            p.period,
            p.bases,
            low.basis_id as low_basis_id,
            low.balance_usd as low_usd,
            high.basis_id as high_basis_id,
            high.balance_usd as high_usd,
            high.balance_usd - low.balance_usd as spread_usd,
            p.basis_id as preferred_basis_id,
            p.balance_usd as preferred_usd,
            r.reason as why_preferred,
            concat_ws(' + ', p.release_key, low.release_key, high.release_key) as release_key
        from available as p
        inner join available as low on p.year = low.year and low.place = 1
        inner join available as high on p.year = high.year and high.place = high.bases
        left join
            seeds.basis_policy as r
            on r.reporter_iso3 in (p.reporter_iso3, '*')
            and p.trade_kind = r.trade_kind
            and p.basis_id = r.basis_id
            and p.policy_rank = r.policy_rank
        where p.is_preferred

    ),

    bridges as (

        select *
        from marts.bridges
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and trade_kind = {{ trade_kind }}
            and quantity = 'balance'
            and a_claim_id is null
            and b_claim_id is null
            and a_product_group = 'total:total'
            and b_product_group = 'total:total'
            and a_period = b_period
            and a_basis_id <> b_basis_id

    )

select
    e.year,
    e.bases,
    e.low_basis_id,
    e.low_usd,
    e.high_basis_id,
    e.high_usd,
    e.spread_usd,
    e.preferred_basis_id,
    e.preferred_usd,
    e.why_preferred,
    rank() over (order by e.spread_usd desc) = 1 and e.spread_usd > 0 as is_widest,
    e.release_key,
    b.bridge_id,
    b.a_basis_id,
    b.a_release_key,
    b.b_basis_id,
    b.b_release_key,
    b.gap_usd
from ends as e
left join
    bridges as b
    on e.period = b.a_period
    and least(b.a_basis_id, b.b_basis_id) = least(e.low_basis_id, e.high_basis_id)
    and greatest(b.a_basis_id, b.b_basis_id) = greatest(e.low_basis_id, e.high_basis_id)
order by e.year desc, b.bridge_id
