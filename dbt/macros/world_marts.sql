{#- Marts of world trade. Their inputs are built only where the warehouse has a year of them;
    otherwise they have the columns of their contracts and no rows. -#}
{% materialization world_table, adapter = "duckdb", supported_languages = ["sql"] %}
    {% if years_of("un_comtrade__bulk") %} {{ return(materialization_table_duckdb()) }}
    {% else %} {{ return(without_rows("table")) }}
    {% endif %}
{% endmaterialization %}

{% materialization world_view, adapter = "duckdb", supported_languages = ["sql"] %}
    {% if years_of("un_comtrade__bulk") %} {{ return(materialization_view_default()) }}
    {% else %} {{ return(without_rows("view")) }}
    {% endif %}
{% endmaterialization %}

{% macro without_rows(kind) %}
    {%- set relation = this.incorporate(type=kind) -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement("main") -%}
        create or replace {{ kind }} {{ relation }} as
        {{ get_empty_schema_sql(model.columns) }}
        limit 0
    {%- endcall -%}
    {%- do persist_docs(relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({"relations": [relation]}) }}
{% endmacro %}
