{#- The date as of which the build shows figures; without one, everything that is available. -#}
{% macro as_of_day() -%}
    cast('{{ env_var("BILATERAL_AS_OF", "") or "9999-12-31" }}' as date)
{%- endmacro %}

{#- The compiled statement of a model, with the day of the build as a parameter. -#}
{% macro statement_as_of(model) -%}
    {{
        without_database(
            model.get("compiled_code", "") | replace(as_of_day(), "cast(as_of_day as date)")
        )
    }}
{%- endmacro %}

{#- The columns of a balance in the marts by year and by month, in order. -#}
{% macro trade_columns() %}
    basis_id,
    reported_by,
    exports_usd,
    imports_usd,
    balance_usd,
    two_way_usd,
    rounding_margin_usd,
    evidence_kind,
    release_key,
    known_from,
    policy_rank,
    export_series_code,
    import_series_code
{% endmacro %}
