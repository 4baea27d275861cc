{#
id = "widest-by-year"
title = "The largest asymmetries between two countries by year"
unit = "Millions of US dollars; reported by each side, and estimated where the column says so."
basis = "both countries' reports, all products"
columns = [
    "year", "width_rank", "exporter", "importer", "exporter_reported_usd",
    "importer_reported_usd", "importer_fob_estimated_usd", "gap_left_estimated_usd",
    "likely_cause",
]
absence = "No world trade data is available, so there is nothing to compare."
#}
-- The largest asymmetries between two countries over all products by year.
select
    g.year,
    g.width_rank,
    coalesce(e.partner_name, g.exporter_iso3) as exporter,
    coalesce(i.partner_name, g.importer_iso3) as importer,
    g.exporter_reported_usd,
    g.importer_reported_usd,
    g.importer_fob_usd as importer_fob_estimated_usd,
    g.gap_left_usd as gap_left_estimated_usd,
    g.likely_cause,
    g.source_id || ' ' || g.latest_release_id as release_key
from marts.mirror_gaps as g
left join marts.countries as e on g.exporter_iso3 = e.partner_code
left join marts.countries as i on g.importer_iso3 = i.partner_code
where g.product_code = 'total' and g.width_rank <= {{ places }}
order by g.year desc, g.width_rank, g.exporter_iso3, g.importer_iso3
