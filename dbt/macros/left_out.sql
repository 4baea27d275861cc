{#- Which raw rows become no figure, by reason: the conditions on rows `f` in the YAML of the model
    that aligns the table, in `meta.left_out`. They may read the raw table by its name. -#}
{% macro reasons_of_rows_left_out(raw_table) %}
    {%- if not execute -%} {{ return({}) }} {%- endif -%}
    {%- set model = graph.nodes["model.bilateral." ~ aligned_model(raw_table)] -%}
    {{ return(model.config.meta.get("left_out", {})) }}
{% endmacro %}
