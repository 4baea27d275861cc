{#
title = "Sources, datasets and terms"
unit = "Observations are published figures in all releases: a figure counts once per release."
basis = "files in the warehouse"
columns = [
    "source_id", "publisher", "dataset", "releases", "observations", "latest_known_from",
    "last_period_end", "may_be_republished",
]
absence = "The warehouse has no sources."
#}
-- The sources of the warehouse, those with figures first.
select
    source_id,
    publisher,
    dataset,
    evidence_kind,
    licence,
    is_redistributable as may_be_republished,
    releases,
    latest_known_from,
    last_period_end,
    observations,
    source_rank,
    rank_reason,
    address
from marts.sources
order by releases = 0, source_rank, source_id
