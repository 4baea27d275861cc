{#
id = "latest-{{ trade_kind }}"
title = "{{ kinds[trade_kind]|capitalize }}: year to date, same period last year, last full year"
unit = "Millions of US dollars."
basis = "one row per basis, all products"
columns = ["period", "basis_id", "balance_usd", "exports_usd", "imports_usd", "known_from"]
absence = "No {{ kinds[trade_kind] }} figure is available."
#}
-- The months of the current year, the same months of the previous year, and the last full year.
with
    of_pair as (

        select *
        from
            (
                select *, false as is_partial_year
                from marts.trade_by_year
                union all by name
                select *, true as is_partial_year
                from marts.trade_by_year_to_date
            )
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and trade_kind = {{ trade_kind }}

    ),

    current_year as (

        select *, cast(right(period, 2) as integer) as last_month
        from of_pair
        where is_partial_year and year = (select max(year) from of_pair)

    ),

    previous_year as (

        select
            strftime(min(m.month), '%Y-%m') || '/' || strftime(max(m.month), '%Y-%m') as period,
            r.year - 1 as year,
            m.basis_id,
            sum(m.exports_usd) as exports_usd,
            sum(m.imports_usd) as imports_usd,
            sum(m.balance_usd) as balance_usd,
            string_agg(distinct m.release_key, ' + ' order by m.release_key) as release_key,
            max(m.known_from) as known_from,
            r.policy_rank
        from current_year as r
        inner join
            marts.trade_by_month as m
            on m.reporter_iso3 = {{ reporter }}
            and m.partner_code = {{ partner }}
            and m.trade_kind = {{ trade_kind }}
            and r.basis_id = m.basis_id
            and year(m.month) = r.year - 1
            and month(m.month) <= r.last_month
        group by r.year, r.last_month, r.policy_rank, m.basis_id
        -- Years with a missing month are left out: their sum would be too small.
        having count(*) = r.last_month

    ),

    full_year as (

        select *
        from of_pair
        where
            not is_partial_year and year = (select max(year) from of_pair where not is_partial_year)

    )

select
    period,
    basis_id,
    exports_usd,
    imports_usd,
    balance_usd,
    release_key,
    known_from,
    year,
    policy_rank,
    place
from
    (
        select *, 1 as place
        from current_year
        union all by name
        select *, 2 as place
        from previous_year
        union all by name
        select *, 3 as place
        from full_year
    )
order by place, policy_rank, basis_id
