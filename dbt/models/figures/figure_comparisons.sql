-- The preferred figure of a year and every figure it overrules, with the spread and the reason.
with
    preferred as (select * from {{ ref("trade_by_year") }} where is_preferred),

    others as (

        select *
        from {{ ref("readings") }}
        where
            known_from <= {{ as_of_day() }}
            and definition_id = 'total:total'
            and balance_usd is not null

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
            p.reading_id as preferred_reading_id,
            o.reading_id as other_reading_id,
            p.balance_usd as preferred_balance_usd,
            o.balance_usd as other_balance_usd,
            p.release_key as preferred_release_key,
            o.release_key as other_release_key,
            o.evidence_kind as other_evidence_kind,
            o.known_to is null as is_current,
            o.policy_rank as other_policy_rank,
            r.reason as policy_reason,
            string_split(p.export_leg_id, '.') as p_export,
            string_split(o.export_leg_id, '.') as o_export,
            string_split(p.import_leg_id, '.') as p_import,
            string_split(o.import_leg_id, '.') as o_import
        from preferred as p
        inner join
            others as o
            on p.reporter_iso3 = o.reporter_iso3
            and p.partner_code = o.partner_code
            and p.trade_kind = o.trade_kind
            and p.period = o.period
            and p.figure_id <> o.figure_id
        left join
            {{ ref("reading_policy") }} as r
            on p.reading_id = r.reading_id
            and p.trade_kind = r.trade_kind
            and p.policy_rank = r.policy_rank
            and r.reporter_iso3 in (p.reporter_iso3, '*')

    )

select
    preferred_figure_id || ' / ' || other_figure_id as comparison_id,
    preferred_figure_id,
    other_figure_id,
    reporter_iso3,
    partner_code,
    trade_kind,
    year,
    period,
    preferred_reading_id,
    other_reading_id,
    preferred_balance_usd,
    other_balance_usd,
    cast(other_balance_usd - preferred_balance_usd as decimal(24, 3)) as spread_usd,
    cast(
        cast(other_balance_usd - preferred_balance_usd as double)
        * 100
        / nullif(abs(cast(preferred_balance_usd as double)), 0) as decimal(24, 6)
    ) as spread_pct,
    array_to_string(
        list_filter(
            [
                case
                    when p_export[1] <> o_export[1]
                    then 'compiled by ' || o_export[1] || ' instead of ' || p_export[1]
                end,
                case
                    when p_export[3] <> o_export[3]
                    then 'exports ' || o_export[3] || ' instead of ' || p_export[3]
                end,
                case
                    when p_import[3] <> o_import[3]
                    then 'imports ' || o_import[3] || ' instead of ' || p_import[3]
                end,
                case
                    when p_export[4] <> o_export[4]
                    then 'exports valued ' || o_export[4] || ' instead of ' || p_export[4]
                end,
                case
                    when p_import[4] <> o_import[4]
                    then 'imports valued ' || o_import[4] || ' instead of ' || p_import[4]
                end,
                case
                    when p_export[5] <> o_export[5]
                    then 'on the ' || o_export[5] || ' basis instead of ' || p_export[5]
                end,
                case
                    when p_export[6] <> o_export[6]
                    then 'seasonally ' || o_export[6] || ' instead of ' || p_export[6]
                end,
                case
                    when preferred_release_key <> other_release_key
                    then
                        'released as '
                        || other_release_key
                        || ' instead of '
                        || preferred_release_key
                end,
                case when other_evidence_kind <> 'statistic' then 'known as printed' end
            ],
            lambda x:x is not null
        ),
        '; '
    ) as reason,
    coalesce(policy_reason, 'No other reading is held') as why_preferred,
    is_current,
    other_evidence_kind
from paired
