{{ config(post_hook="{{ as_of_macro(this, model) }}") }}

with
    -- For an incomplete year, show the longest year-to-date period and flag it.
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
            ) as stretch
        from {{ ref("int_figures__balances_as_of") }}
        where period_kind in ('year', 'year_to_date')

    ),

    years as (

        select
            *,
            row_number() over (
                partition by reporter_iso3, partner_code, trade_kind, year(period_start)
                order by period_end desc, {{ basis_preference() }}
            ) as preference
        from longest
        where stretch = 1

    )

select
    figure_id,
    balance_id,
    reporter_iso3,
    partner_code,
    trade_kind,
    cast(year(period_start) as integer) as year,
    period,
    period_kind <> 'year' as is_partial_year,
    {{ trade_columns() }},
    preference = 1 as is_preferred
from years
