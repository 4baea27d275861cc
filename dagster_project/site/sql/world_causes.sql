{#
id = "causes"
title = "Likely causes of the asymmetries between two countries"
unit = """
Millions of US dollars, the sum of absolute gaps; one likely cause per pair. Gaps are estimates
where a CIF rate was applied."""
basis = "all pairs of the latest year, all products"
columns = ["likely_cause", "meaning", "pairs", "gap_left_estimated_usd", "share"]
absence = "No world trade data is available, so there is nothing to compare."
#}
-- Likely causes of the asymmetries between two countries over all products in the last year.
with
    last_year as (select max(year) as year from marts.mirror_years where flows_mirrored > 0),

    causes as (

        select
            g.year,
            g.likely_cause,
            count(*) as pairs,
            -- Sums of decimals, unlike doubles, do not depend on the order.
            sum(cast(abs(g.gap_left_usd) as decimal(24, 3))) as gap_left_estimated_usd,
            string_agg(
                distinct g.source_id || ' ' || g.latest_release_id,
                ' + '
                order by g.source_id || ' ' || g.latest_release_id
            ) as release_key
        from marts.mirror_gaps as g
        inner join last_year as y on g.year = y.year
        where g.product_code = 'total'
        group by g.year, g.likely_cause

    )

select
    s.likely_cause,
    c.meaning,
    s.year,
    s.pairs,
    s.gap_left_estimated_usd,
    cast(
        s.gap_left_estimated_usd
        / nullif(sum(s.gap_left_estimated_usd) over (), 0) as decimal(18, 6)
    ) as share,
    s.release_key
from causes as s
left join seeds.coded_values as c on c.column_name = 'likely_cause' and s.likely_cause = c.code
order by s.gap_left_estimated_usd desc, s.likely_cause
