{#- The order of preference among the bases of one figure. -#}
{% macro basis_preference() %}
    policy_rank,
    case evidence_kind when 'statistic' then 1 when 'mixed' then 2 else 3 end,
    basis_id,
    export_series_code,
    import_series_code
{% endmacro %}
