{#
id = "reporters-{{ flow }}"
title = "Reports of {{ flow }}s: distance to partners' reports"
unit = """
An estimate: σ is the standard deviation of a reporter's log errors, fitted to the distances of
pairs; 0.10 is about 10 %. It includes entrepôt trade and re-exports. The chart shows reporters with
at least {{ flows }} flows that both sides report."""
basis = "all years, reports of {{ flow }}s against their mirror"
columns = [
    "country", "reliability_rank", "sigma", "agreed_share", "flows_mirrored",
    "partners_mirrored", "reported_usd", "mirrored_share",
]
absence = "No world trade data is available, so there is nothing to compare."
#}
-- Each reporter's distance to its partners in one direction, and which reporters a chart shows.
with
    reporters as (

        select coalesce(n.partner_name, r.reporter_iso3) as country, r.*
        from marts.mirror_reporters as r
        left join marts.countries as n on r.reporter_iso3 = n.partner_code
        where r.flow = {{ flow }}

    ),

    -- With few flows the spread is chance, so only reporters with enough flows are drawn.
    drawn as (

        select
            reporter_iso3,
            row_number() over (order by sigma, reporter_iso3) as from_best,
            row_number() over (order by sigma desc, reporter_iso3 desc) as from_worst
        from reporters
        where sigma is not null and flows_mirrored >= {{ flows }}

    )

select
    r.country,
    r.reliability_rank,
    r.sigma,
    r.agreed_share,
    r.growth_lab_score,
    r.flows_mirrored,
    r.partners_mirrored,
    r.reported_usd,
    r.mirrored_share,
    case
        when d.from_best <= {{ places }} then 'most' when d.from_worst <= {{ places }} then 'least'
    end as drawn_as,
    r.reporter_iso3,
    r.sigma_ls_means,
    r.ls_mean_distance,
    r.source_id || ' ' || r.latest_release_id as release_key
from reporters as r
left join drawn as d on r.reporter_iso3 = d.reporter_iso3
order by r.reliability_rank, r.reporter_iso3
