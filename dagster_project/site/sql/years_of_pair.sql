-- The years with any figure for a pair.
select year
from marts.trade_by_year
where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }}
union
select year
from marts.trade_by_year_to_date
where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }}
order by year
