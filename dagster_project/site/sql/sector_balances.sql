-- The balance of a sector where both directions are held on one basis, the latest year first.
select
    cast(r.period as integer) as year,
    r.definition_id,
    r.reading_id,
    r.trade_kind,
    r.exports_usd,
    r.imports_usd,
    r.balance_usd,
    r.export_leg_id,
    r.import_leg_id,
    r.release_key,
    r.known_from
from marts.readings as r
inner join marts.sectors as s on r.definition_id = s.definition_id
where
    r.reporter_iso3 = {{ reporter }}
    and r.partner_code = {{ partner }}
    and s.sector_id = {{ sector }}
    and r.period_kind = 'year'
    and r.known_to is null
    and not r.is_page
    and r.balance_usd is not null
order by year desc, s.definition_rank, r.policy_rank, r.figure_id
