{#- Stored SQL names relations without the database, so that views and macros work whatever the file
    is called or attached as. -#}
{% macro without_database(sql) -%}
    {{ sql | replace(adapter.quote(target.database) ~ ".", "") }}
{%- endmacro %}

{% macro duckdb__create_view_as(relation, sql) %}
    {% if config.get("contract").enforced %} {{ get_assert_columns_equivalent(sql) }} {% endif %}
    create view {{ relation }} as (
    {{ without_database(sql) }}
    );
{% endmacro %}
