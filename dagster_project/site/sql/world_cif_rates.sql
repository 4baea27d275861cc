{#
id = "cif-rates"
title = "Freight and insurance by year, estimated from pairs of reports"
unit = """
An estimate: the CIF rate is the ratio of the importer's to the exporter's value, as a geometric
mean over the pairs in the fit."""
basis = "pairs by product that report weights"
columns = [
    "year", "mean_cif_rate", "r_squared", "residual_sigma", "flows_used", "flows_dropped",
    "is_pooled",
]
absence = """
No rate could be fitted because no available pair of reports has weights. Nothing is deducted from
the importer's side."""
#}
-- Freight and insurance estimated from each year's pairs: one row per fit.
select
    year,
    mean_cif_rate,
    r_squared,
    residual_sigma,
    flows_used,
    flows_dropped,
    is_pooled,
    source_id || ' ' || latest_release_id as release_key
from marts.mirror_cif_rates
where term = 'intercept'
order by year desc
