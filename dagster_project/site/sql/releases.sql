{#
title = "Releases: dates and addresses"
unit = """
Known from is the first day on which a release was certainly published. If only its month or year is
known, it is the last day of that period. A composed file is reconstructed: published figures in the
publisher's format, not the original download."""
basis = "files in the warehouse"
columns = [
    "source_id", "release_id", "known_from", "known_from_precision", "first_period_start",
    "last_period_end", "observations", "withdrawn", "is_composed", "may_be_republished",
    "address",
]
absence = "No release is available."
#}
-- Every available release, the latest of each source first.
select
    r.source_id,
    r.release_id,
    r.known_from,
    r.known_from_precision,
    r.first_period_start,
    r.last_period_end,
    r.observations,
    r.withdrawn,
    r.files,
    r.retrieved_on,
    r.is_composed,
    r.is_redistributable as may_be_republished,
    r.licence,
    r.address
from marts.releases as r
inner join marts.sources as s on r.source_id = s.source_id
order by s.source_rank, r.source_id, r.release_order desc
