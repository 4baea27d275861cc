-- Names of countries and groups.
select partner_code as code, min(partner_name) as name
from marts.countries
group by partner_code
union
select iso3 as code, name
from seeds.country_list
where iso3 not in (select partner_code from marts.countries)
order by code
