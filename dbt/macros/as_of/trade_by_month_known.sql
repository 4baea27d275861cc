{% macro trade_by_month_known(day) %}
    with
        known as ({{ readings_known(day) }}),

        months as (

            select
                *,
                row_number() over (
                    partition by reporter_iso3, partner_code, trade_kind, period_start
                    order by {{ reading_preference() }}
                ) as preference
            from known
            where definition_id = 'total:total' and period_kind = 'month'

        )

    select
        figure_id,
        reporter_iso3,
        partner_code,
        trade_kind,
        period_start as month,
        {{ trade_columns() }},
        preference = 1 as is_preferred
    from months
{% endmacro %}
