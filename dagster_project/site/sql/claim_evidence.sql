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
