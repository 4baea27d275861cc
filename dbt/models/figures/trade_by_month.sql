{{ config(post_hook="{{ as_of_macro(this, model) }}") }}

with
    months as (

        select
            *,
            row_number() over (
                partition by reporter_iso3, partner_code, trade_kind, period_start
                order by {{ basis_preference() }}
            ) as preference
        from {{ ref("int_figures__balances_as_of") }}
        where period_kind = 'month'

    )

select
    figure_id,
    balance_id,
    reporter_iso3,
    partner_code,
    partner_name,
    is_aggregate,
    trade_kind,
    period_start as month,
    {{ trade_columns() }},
    preference = 1 as is_preferred
from months
