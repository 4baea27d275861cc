-- With whom a reporter's trade, or a printed figure of it, is held.
select partner_code
from marts.trade_by_year
where reporter_iso3 = {{ reporter }}
union
select partner_code
from marts.trade_by_sector_year
where reporter_iso3 = {{ reporter }}
union
select partner_code
from marts.claims
where reporter_iso3 = {{ reporter }}
order by partner_code
