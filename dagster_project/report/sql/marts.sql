-- The marts, as the warehouse describes them itself.
with
    described as (

        select table_name, comment
        from duckdb_tables()
        where schema_name = 'marts'
        union all
        select view_name, comment
        from duckdb_views()
        where schema_name = 'marts'

    ),

    keys as (

        select table_name, array_to_string(constraint_column_names, ', ') as key
        from duckdb_constraints()
        where schema_name = 'marts' and constraint_type = 'PRIMARY KEY'

    )

select d.table_name, d.comment as meaning, k.key
from described as d
left join keys as k on d.table_name = k.table_name
order by d.table_name
