-- Snapshot files by number: a file parsed into two tables is listed for each.
select
    cast(
        row_number() over (order by table_name, source_id, release_id, snapshot_file) as integer
    ) as file_no,
    table_name as raw_table,
    snapshot_file,
    snapshot_sha256,
    source_id,
    release_id,
    address,
    licence
from {{ ref("stg_snapshots__files") }}
