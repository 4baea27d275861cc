{#- The layer is the schema: `marts.trade_by_year`, never `main_marts.trade_by_year`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{
        (
            custom_schema_name or "seeds"
            if node.resource_type == "seed"
            else custom_schema_name or target.schema
        ) | trim
    }}
{%- endmacro %}
