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
