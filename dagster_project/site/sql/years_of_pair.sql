-- The years of which any figure of a pair is held.
select distinct year
from marts.trade_by_year
where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }}
order by year
