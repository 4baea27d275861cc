{{ config(tags=["question"]) }}

-- Consecutive years with a balance of one sign, up to each year, by basis, on the last known day.
with
    yearly_balances as (

        select
            reporter_iso3,
            partner_code,
            trade_kind,
            reported_by,
            export_series_code,
            import_series_code,
            year(period_start) as reference_year,
            sign(balance_usd) as balance_sign,
            evidence_kind,
            release_key,
            known_from
        from {{ ref("balances_by_basis") }}
        where
            product_group = 'total:total'
            and period_kind = 'year'
            and not is_page
            and known_to is null

    ),

    broken as (

        select
            *,
            lag(balance_sign) over (
                partition by
                    reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code
                order by reference_year
            ) as previous_sign,
            lag(reference_year) over (
                partition by
                    reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code
                order by reference_year
            ) as previous_year
        from yearly_balances

    ),

    runs as (

        select
            *,
            sum(
                case
                    when previous_year = reference_year - 1 and previous_sign = balance_sign
                    then 0
                    else 1
                end
            ) over (
                partition by
                    reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code
                order by reference_year
                rows between unbounded preceding and current row
            ) as run
        from broken

    )

select
    reporter_iso3,
    partner_code,
    trade_kind,
    reported_by,
    export_series_code,
    import_series_code,
    reference_year,
    balance_sign,
    row_number() over (
        partition by
            reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code, run
        order by reference_year
    ) as years_in_a_row,
    -- A streak that starts with the first available year, or after a gap, may be longer than
    -- observed.
    coalesce(
        first_value(previous_year) over (
            partition by
                reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code, run
            order by reference_year
        ) < min(reference_year) over (
            partition by
                reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code, run
        )
        - 1
        or first_value(previous_year) over (
            partition by
                reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code, run
            order by reference_year
        )
        is null,
        true
    ) as is_lower_bound,
    evidence_kind,
    release_key,
    known_from
from runs
