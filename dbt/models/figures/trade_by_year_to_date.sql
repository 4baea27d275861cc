{{ config(post_hook="{{ as_of_macro(this, model) }}") }}

with
    -- The longest period from January, where the whole year is not available.
    longest as (

        select
            *,
            row_number() over (
                partition by
                    reporter_iso3,
                    partner_code,
                    trade_kind,
                    year(period_start),
                    export_series_code,
                    import_series_code
                order by period_end desc
            ) as place
        from {{ ref("int_figures__balances_as_of") }}
        where period_kind in ('year', 'year_to_date')

    ),

    preferred as (

        select
            *,
            row_number() over (
                partition by reporter_iso3, partner_code, trade_kind, year(period_start)
                order by period_end desc, {{ basis_preference() }}
            ) as preference
        from longest
        where place = 1 and period_kind = 'year_to_date'

    )

select
    figure_id,
    balance_id,
    reporter_iso3,
    partner_code,
    partner_name,
    is_aggregate,
    trade_kind,
    cast(year(period_start) as integer) as year,
    period,
    cast(month(period_end) as integer) as months,
    {{ trade_columns() }},
    preference = 1 as is_preferred
from preferred
