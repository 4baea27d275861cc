-- Second figures of rows of imports CIF. A publisher gives the value without freight and insurance
-- with some rows only: these figures are no complete series of months, partners or products.
select f.figure_id
from {{ ref("int_trade__figures") }} as f
inner join {{ ref("int_trade__files_listed") }} as l on f.file_no = l.file_no
inner join
    {{ ref("stg_un_comtrade__trade") }} as s
    on l.snapshot_file = s.snapshot_file
    and f.row_number = s.row_number
    and f.column_name = s.column_name
where l.raw_table = 'un_comtrade__trade' and s.is_without_freight
