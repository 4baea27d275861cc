select distinct s.snapshot_file, s.snapshot_sha256
from {{ ref("int_trade__figures") }} as l
inner join {{ ref("int_trade__files_listed") }} as s on l.file_no = s.file_no
left join
    {{ ref("stg_snapshots__files") }} as f
    on l.raw_table = f.table_name
    and s.snapshot_file = f.snapshot_file
    and s.snapshot_sha256 = f.snapshot_sha256
where f.snapshot_file is null
