{#
title = "Rejected rows"
unit = """
Rows of the publishers' files that could not be used, by reason; the 100 most frequent reasons."""
basis = "files in the warehouse"
absence = "No row was rejected."
#}
-- Rejected rows of the source files, by reason.
select
    source_id,
    release_id,
    snapshot_file,
    column_name,
    reason,
    count(*) as rows,
    min(row_number) as first_row
from meta.rejects
group by source_id, release_id, snapshot_file, column_name, reason
order by rows desc, source_id, release_id, snapshot_file, column_name, reason
limit 100
