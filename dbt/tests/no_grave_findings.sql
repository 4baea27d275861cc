{{ config(severity="warn") }}

select rule, source_id, release_id, snapshot_file, row_number, column_name, detail
from {{ ref("data_findings") }}
where severity = 'error'
