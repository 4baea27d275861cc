{#
title = "Marts"
unit = "Tables for queries. The key identifies each row."
basis = "comments stored with the tables"
#}
-- The marts, as described in the warehouse.
with
    described as (

        select table_name, comment
        from duckdb_tables()
        where schema_name = 'marts'
        union all
        select view_name, comment
        from duckdb_views()
        where schema_name = 'marts'

    )

select d.table_name, d.comment as meaning, array_to_string(k.key_columns, ', ') as key
from described as d
left join meta.keys as k on d.table_name = k.table_name
order by d.table_name
