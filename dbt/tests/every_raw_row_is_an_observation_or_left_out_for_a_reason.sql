{#- Which raw rows are left out is stated in the YAML of the aligning model, in `meta`: a condition
    on rows `f`, which may read the raw table by its name. Without it, no row is left out. -#}
with
    {% for table in var("tables_of_statistics") + ["published__figures"] %}
        {{ table }} as (select * from {{ source("raw", table) }}),
    {% endfor %}

    raw_rows as (

        {% for table in var("tables_of_statistics") + ["published__figures"] %}
            {%- set left_out = "false" -%}
            {%- if execute -%}
                {%- set model = graph.nodes["model.bilateral." ~ aligned_model(table)] -%}
                {%- set left_out = model.config.meta.get("left_out", "false") -%}
            {%- endif %}
            select
                '{{ table }}' as raw_table,
                count(*) as raw_rows,
                count(*) filter (where is_left_out) as left_out
            from
                (select {{ left_out }} as is_left_out from {{ table }} as f)
                {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    places as (

        {% for table in var("tables_of_statistics") + ["published__figures"] %}
            select '{{ table }}' as raw_table, snapshot_file, row_number, column_name
            from {{ table }} {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    -- A row may also give a second figure, from another column.
    kept as (

        select u.raw_table, count(*) as observations
        from {{ ref("int_trade__figures_unioned") }} as u
        inner join
            places as p
            on u.raw_table = p.raw_table
            and u.snapshot_file = p.snapshot_file
            and u.row_number = p.row_number
            and u.column_name = p.column_name
        group by u.raw_table

    )

select r.raw_table, r.raw_rows, r.left_out, k.observations
from raw_rows as r
left join kept as k on r.raw_table = k.raw_table
where r.raw_rows <> r.left_out + coalesce(k.observations, 0)
