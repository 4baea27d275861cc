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
