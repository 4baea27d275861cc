-- The sectors with figures for a pair.
select s.sector_id, min(s.sector_name) as sector_name
from marts.trade_by_sector_year as t
inner join marts.sectors as s on t.product_group = s.product_group
where t.reporter_iso3 = {{ reporter }} and t.partner_code = {{ partner }}
group by s.sector_id
order by s.sector_id
