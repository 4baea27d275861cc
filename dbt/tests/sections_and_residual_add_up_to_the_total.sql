select
    reporter_iso3,
    partner_code,
    trade_kind,
    year,
    breakdown,
    series_code,
    total_usd,
    sum(value_usd) as parts_usd
from {{ ref("trade_by_sector_year") }}
where breakdown is not null and total_usd is not null
group by reporter_iso3, partner_code, trade_kind, year, breakdown, series_code, total_usd
having sum(value_usd) <> total_usd
