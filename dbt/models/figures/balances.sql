-- The trade balance in goods of each whole year with each country, on the preferred basis.
select
    t.figure_id,
    t.balance_id,
    t.reporter_iso3,
    r.partner_name as reporter_name,
    t.partner_code as partner_iso3,
    t.partner_name,
    t.year,
    t.exports_usd,
    t.imports_usd,
    t.balance_usd,
    t.two_way_usd,
    t.basis_id,
    t.evidence_kind,
    t.release_key,
    t.known_from
from {{ ref("trade_by_year") }} as t
inner join {{ ref("countries") }} as r on t.reporter_iso3 = r.partner_code
inner join {{ ref("countries") }} as p on t.partner_code = p.partner_code and p.iso3 is not null
where t.is_preferred and t.trade_kind = 'goods'
