{#- Which of the readings of one cell stands first, wherever one has to. -#}
{% macro reading_preference() %}
    policy_rank,
    case evidence_kind when 'statistic' then 1 when 'mixed' then 2 else 3 end,
    reading_id,
    export_leg_id,
    import_leg_id
{% endmacro %}
