{#
id = "evidence"
title = "Evidence: source rows of the verdict"
unit = "Values and units as in the publisher's file."
basis = "rows as published"
columns = [
    "snapshot_file", "row_number", "column_name", "reported_value", "reported_unit",
    "release_key",
]
absence = "The verdict uses no source row, because nothing is decided."
#}
-- The source rows of the figure that a verdict is based on.
select
    source_id,
    release_id,
    source_id || ' ' || release_id as release_key,
    snapshot_file,
    row_number,
    column_name,
    reported_value,
    reported_unit,
    snapshot_sha256,
    address,
    licence,
    known_from,
    reference_id
from marts.lineage
where mart = 'claim_verdicts' and row_key = {{ claim }}
order by source_id, release_id, snapshot_file, row_number, column_name, reference_id
