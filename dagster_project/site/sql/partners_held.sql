-- Partners for which a reporter's trade, or a quoted figure of it, is available.
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
