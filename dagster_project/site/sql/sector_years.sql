{#
id = "years"
title = "{{ name }}: exports and imports by year, product group and series"
unit = """
Chart in {{ chart_unit }}, table in millions. Exports of {{ reporter_name }}. Shares are of all
products in the same series."""
basis = "one line per product group and series"
columns = [
    "year", "product_group", "quantity", "series_code", "value_usd", "share", "members_found",
    "release_key",
]
absence = "No full-year figure is available."
links = "years"
#}
-- Trade in a sector by year, product group, direction and series.
select
    year,
    product_group,
    quantity,
    series_code,
    trade_kind,
    value_usd,
    share_of_total as share,
    total_usd,
    members,
    members_found,
    release_key,
    total_release_key,
    known_from
from marts.trade_by_sector_year
where
    reporter_iso3 = {{ reporter }}
    and partner_code = {{ partner }}
    and sector_id = {{ sector }}
    and not is_residual
order by product_group, quantity, series_code, trade_kind, year
