select distinct l.snapshot_file, l.snapshot_sha256
from {{ ref("lineage") }} as l
left join
    {{ ref("stg_snapshots__files") }} as f
    on l.raw_table = f.table_name
    and l.snapshot_file = f.snapshot_file
    and l.snapshot_sha256 = f.snapshot_sha256
where f.snapshot_file is null
