{#
id = "balances"
title = "{{ name }}: balance, where exports and imports are available on one basis"
unit = "Millions of US dollars; exports less imports, a deficit is negative."
basis = "one row per product group and basis"
columns = ["year", "product_group", "basis_id", "exports_usd", "imports_usd", "balance_usd"]
absence = """
No year has exports and imports of one product group on one basis, so there is no balance."""
links = "years"
#}
-- The balance of a sector where both directions are available on one basis, latest year first.
select
    cast(r.period as integer) as year,
    r.product_group,
    r.basis_id,
    r.trade_kind,
    r.exports_usd,
    r.imports_usd,
    r.balance_usd,
    r.export_series_code,
    r.import_series_code,
    r.release_key,
    r.known_from
from marts.balances_by_basis as r
inner join marts.sectors as s on r.product_group = s.product_group
where
    r.reporter_iso3 = {{ reporter }}
    and r.partner_code = {{ partner }}
    and s.sector_id = {{ sector }}
    and r.period_kind = 'year'
    and r.known_to is null
    and not r.is_page
    and r.balance_usd is not null
order by year desc, s.definition_rank, r.policy_rank, r.figure_id
