{#
id = "widest{% if not all_products %}-products{% endif %}"
title = """
The largest asymmetries{% if first %} in {{ first.year }}{% endif %} {% if all_products %}between
two countries, over all products{% else %}for single products{% endif %}"""
unit = """
Millions of US dollars. Ordered by the gap that remains after estimated freight and amounts
allocated from areas n.e.s. are deducted; a missing side counts as zero."""
basis = "both countries' reports of the same flow"
columns = [
    "flow", "exporter_reported_usd", "importer_reported_usd", "importer_fob_estimated_usd",
    "gap_usd", "gap_left_estimated_usd", "likely_cause",
]
absence = "No world trade data is available, so there is nothing to compare."
#}
-- The largest asymmetries of the last year reported by both sides, with both reports.
with last_year as (select max(year) as year from marts.mirror_years where flows_mirrored > 0)

select
    coalesce(e.partner_name, g.exporter_iso3)
    || ' → '
    || coalesce(i.partner_name, g.importer_iso3)
    || if(g.product_code = 'total', '', ', ' || g.product_system || ' ' || g.product_code) as flow,
    g.year,
    g.exporter_iso3,
    g.importer_iso3,
    g.product_system,
    g.product_code,
    g.width_rank,
    g.exporter_reported_usd,
    g.importer_reported_usd,
    g.importer_fob_usd as importer_fob_estimated_usd,
    g.gap_usd,
    g.gap_left_usd as gap_left_estimated_usd,
    g.likely_cause,
    c.meaning as cause_in_words,
    g.source_id || ' ' || g.latest_release_id as release_key
from marts.mirror_gaps as g
inner join last_year as y on g.year = y.year
left join marts.countries as e on g.exporter_iso3 = e.partner_code
left join marts.countries as i on g.importer_iso3 = i.partner_code
left join seeds.coded_values as c on c.column_name = 'likely_cause' and g.likely_cause = c.code
where (g.product_code = 'total') = {{ all_products }} and g.width_rank <= {{ places }}
order by g.width_rank, g.product_system, g.exporter_iso3, g.importer_iso3, g.product_code
