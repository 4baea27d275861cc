-- The bridges between the balances of a year: first those of the preferred balance, last those
-- between two releases of one basis.
with
    preferred as (

        select period, trade_kind, basis_id
        from marts.trade_by_year
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and year = {{ year }}
            and is_preferred
        union all
        select period, trade_kind, basis_id
        from marts.trade_by_year_to_date
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and year = {{ year }}
            and is_preferred

    )

select
    b.bridge_id,
    b.trade_kind,
    b.a_basis_id,
    b.a_release_key,
    b.b_basis_id,
    b.b_release_key,
    b.gap_usd,
    b.residual_usd,
    b.steps,
    b.a_basis_id = b.b_basis_id as is_between_releases,
    p.basis_id in (b.a_basis_id, b.b_basis_id) as is_of_preferred,
    p.basis_id = b.b_basis_id as b_is_preferred
from marts.bridges as b
inner join
    preferred as p
    on b.a_period = p.period
    and b.b_period = p.period
    and b.trade_kind = p.trade_kind
where
    b.reporter_iso3 = {{ reporter }}
    and b.partner_code = {{ partner }}
    and b.quantity = 'balance'
    and b.a_product_group = 'total:total'
    and b.b_product_group = 'total:total'
    and b.a_claim_id is null
    and b.b_claim_id is null
order by b.trade_kind, is_between_releases, is_of_preferred desc, abs(b.gap_usd) desc, b.bridge_id
