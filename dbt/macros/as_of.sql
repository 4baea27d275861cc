{#- The day whose knowledge the build shows; without one, everything that is available. -#}
{% macro as_of_day() -%}
    cast('{{ env_var("BILATERAL_AS_OF", "") or "9999-12-31" }}' as date)
{%- endmacro %}

{#- A mart of trade and its as-of macro are one statement: the build gives it the day to look
    from, and after it `marts.trade_by_year_as_of('2017-07-12')` gives it any other. -#}
{% macro as_of_macro(relation, model) %}
    {%- if execute -%}
        create or replace macro {{ relation.schema }}.{{ relation.identifier }}_as_of(as_of_day) as table
        {{ model.compiled_code | replace(as_of_day(), "cast(as_of_day as date)") }}
    {%- endif -%}
{% endmacro %}

{#- What the marts by year and by month say of a balance, in this order. -#}
{% macro trade_columns() %}
    reading_id,
    reported_by,
    exports_usd,
    imports_usd,
    balance_usd,
    two_way_usd,
    half_width_usd,
    evidence_kind,
    release_key,
    known_from,
    policy_rank,
    export_leg_id,
    import_leg_id
{% endmacro %}
