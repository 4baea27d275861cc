-- The years with any figure for a pair.
select distinct year
from marts.trade_by_year
where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }}
order by year
