{#- `from marts.mirror_flow(2016, 'USA', 'KOR', '870323')`: the flow, or why there is none. -#}
{% macro mirror_flow_macro() %}
    create or replace macro marts.mirror_flow(
        of_year, of_exporter, of_importer, of_product
    ) as table {{ mirror_flow_rows() }}
{% endmacro %}
