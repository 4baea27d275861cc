{#- Every raw table of statistics, quoted figures included. -#}
{% set tables = var("tables_of_statistics") + ["published__figures"] %}
{#- Raw tables of which no row is a figure, and what their rows are. -#}
{% set others = var("tables_of_other_rows") %}

-- depends_on: {{ ref("int_trade__figures_unioned") }}
-- What became of the rows of each release: figures, rows left out for a reason, and rejects.
with
    {% for table in tables %}
        {{ table }} as (select * from {{ source("raw", table) }}),
    {% endfor %}

    counted as (

        {% for table in tables %}
            select
                '{{ table }}' as raw_table,
                release_id,
                case
                    {% for reason, condition in reasons_of_rows_left_out(table).items() %}
                        when {{ condition }} then '{{ reason }}'
                    {% endfor %}
                    when true
                    then cast(null as varchar)
                end as reason
            from {{ table }} as f
            union all
        {% endfor %}

        {% for table, reason in others.items() %}
            select '{{ table }}' as raw_table, release_id, '{{ reason }}' as reason
            from {{ source("raw", table) }} {{ "union all" if not loop.last }}
        {% endfor %}

    )

select
    raw_table,
    release_id,
    case when reason is null then 'figure' else 'left_out' end as outcome,
    coalesce(reason, 'figure') as outcome_reason,
    count(*) as raw_rows
from counted
group by raw_table, release_id, reason

union all

select
    table_name as raw_table,
    release_id,
    'rejected' as outcome,
    case when row_number is null then 'release_unusable' else 'rejected' end as outcome_reason,
    count(*) as raw_rows
from {{ ref("stg_snapshots__rejects") }}
group by table_name, release_id, row_number is null
