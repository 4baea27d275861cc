-- The preferred figure of a year and every alternative to it, with the spread and the reason.
with
    preferred as (

        select *
        from {{ ref("trade_by_year") }}
        where is_preferred
        union all by name
        select * exclude (months)
        from {{ ref("trade_by_year_to_date") }}
        where is_preferred

    ),

    others as (

        select *
        from {{ ref("balances_by_basis") }}
        where
            known_from <= {{ as_of_day() }}
            and product_group = 'total:total'
            and balance_usd is not null

    ),

    -- The dimensions of the two series of a balance.
    bases as (

        select
            b.balance_id,
            x.compiler_iso3,
            x.concept as export_concept,
            x.valuation as export_valuation,
            m.concept as import_concept,
            m.valuation as import_valuation,
            x.account_basis,
            x.seasonal_adjustment
        from {{ ref("int_figures__balances") }} as b
        inner join {{ ref("int_trade__series_listed") }} as x on b.export_series_id = x.series_id
        inner join {{ ref("int_trade__series_listed") }} as m on b.import_series_id = m.series_id

    ),

    paired as (

        select
            p.figure_id as preferred_figure_id,
            o.figure_id as other_figure_id,
            p.reporter_iso3,
            p.partner_code,
            p.trade_kind,
            p.year,
            p.period,
            p.basis_id as preferred_basis_id,
            o.basis_id as other_basis_id,
            p.balance_usd as preferred_balance_usd,
            o.balance_usd as other_balance_usd,
            p.release_key as preferred_release_key,
            o.release_key as other_release_key,
            o.evidence_kind as other_evidence_kind,
            o.known_to is null as is_current,
            o.policy_rank as other_policy_rank,
            r.reason as policy_reason,
            p.balance_id as preferred_balance_id,
            o.balance_id as other_balance_id
        from preferred as p
        inner join
            others as o
            on p.reporter_iso3 = o.reporter_iso3
            and p.partner_code = o.partner_code
            and p.trade_kind = o.trade_kind
            and p.period = o.period
            and p.figure_id <> o.figure_id
        left join
            {{ ref("basis_policy") }} as r
            on p.basis_id = r.basis_id
            and p.trade_kind = r.trade_kind
            and p.policy_rank = r.policy_rank
            and r.reporter_iso3 in (p.reporter_iso3, '*')

    )

select
    preferred_figure_id || ' / ' || other_figure_id as comparison_id,
    preferred_figure_id,
    other_figure_id,
    preferred_balance_id,
    other_balance_id,
    reporter_iso3,
    partner_code,
    trade_kind,
    year,
    period,
    preferred_basis_id,
    other_basis_id,
    preferred_balance_usd,
    other_balance_usd,
    cast(other_balance_usd - preferred_balance_usd as decimal(24, 3)) as spread_usd,
    cast(
        cast(other_balance_usd - preferred_balance_usd as double)
        * 100
        / nullif(abs(cast(preferred_balance_usd as double)), 0) as decimal(24, 6)
    ) as spread_pct,
    concat_ws(
        '; ',
        case
            when p.compiler_iso3 <> o.compiler_iso3
            then 'compiled by ' || o.compiler_iso3 || ' instead of ' || p.compiler_iso3
        end,
        case
            when p.export_concept <> o.export_concept
            then 'exports ' || o.export_concept || ' instead of ' || p.export_concept
        end,
        case
            when p.import_concept <> o.import_concept
            then 'imports ' || o.import_concept || ' instead of ' || p.import_concept
        end,
        case
            when p.export_valuation <> o.export_valuation
            then 'exports valued ' || o.export_valuation || ' instead of ' || p.export_valuation
        end,
        case
            when p.import_valuation <> o.import_valuation
            then 'imports valued ' || o.import_valuation || ' instead of ' || p.import_valuation
        end,
        case
            when p.account_basis <> o.account_basis
            then 'on the ' || o.account_basis || ' basis instead of ' || p.account_basis
        end,
        case
            when p.seasonal_adjustment <> o.seasonal_adjustment
            then 'seasonally ' || o.seasonal_adjustment || ' instead of ' || p.seasonal_adjustment
        end,
        case
            when c.preferred_release_key <> c.other_release_key
            then 'released as ' || c.other_release_key || ' instead of ' || c.preferred_release_key
        end,
        case when c.other_evidence_kind <> 'statistic' then 'known only as quoted' end
    ) as reason,
    coalesce(policy_reason, 'No other basis is available') as why_preferred,
    is_current,
    other_evidence_kind
from paired as c
inner join bases as p on c.preferred_balance_id = p.balance_id
inner join bases as o on c.other_balance_id = o.balance_id
