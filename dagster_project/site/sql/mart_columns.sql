{#
id = "{{ mart }}"
title = "marts.{{ mart }}"
unit = "{{ meaning }}"
basis = "comments stored with the columns"
#}
select column_name, lower(data_type) as type, comment as meaning
from duckdb_columns()
where schema_name = 'marts' and table_name = {{ mart }}
order by column_index
