-- The address of the page of each quoted figure.
select f.file_no, p.row_number, p.column_name, p.address
from {{ ref("stg_published__figures") }} as p
inner join
    {{ ref("int_trade__files_listed") }} as f
    on f.raw_table = 'published__figures'
    and p.snapshot_file = f.snapshot_file
