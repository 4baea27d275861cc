-- A raw row may give two figures; a quoted figure belongs to the release of its page.
with
    expected as (

        select raw_table, sum(raw_rows) as raw_rows
        from {{ ref("row_outcomes") }}
        where outcome = 'figure'
        group by raw_table

    ),

    places as (

        {% for table in var("tables_of_statistics") + ["published__figures"] %}
            select '{{ table }}' as raw_table, snapshot_file, row_number, column_name
            from {{ table }} {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    -- A row may also give a second figure, from another column.
    kept as (

        select raw_table, count(*) as raw_rows
        from
            (
                select distinct raw_table, release_id, snapshot_file, row_number, column_name
                from {{ ref("int_trade__figures_unioned") }}
            )
        group by raw_table

    )

select coalesce(e.raw_table, k.raw_table) as raw_table, e.raw_rows, k.raw_rows as rows_kept
from expected as e
full join kept as k on e.raw_table = k.raw_table
where e.raw_rows is distinct from k.raw_rows
