{#
id = "bases-{{ trade_kind }}"
title = "{{ year }}: {{ kinds[trade_kind] }} balance by basis"
unit = """
Exports less imports, millions of US dollars; a deficit is negative. The spread is the difference
from the preferred balance."""
basis = "one row per basis, all products"
columns = [
    "basis_id", "balance_usd", "spread_usd", "reason", "exports_usd", "imports_usd",
    "evidence_kind", "release_key", "known_from",
]
#}
-- Every basis of a year beside the preferred one, and the reason for the difference.
with
    available as (

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
            and year = {{ year }}

    )

select
    t.period,
    t.basis_id,
    t.exports_usd,
    t.imports_usd,
    t.balance_usd,
    case when not t.is_preferred then t.balance_usd - p.balance_usd end as spread_usd,
    t.is_preferred,
    t.evidence_kind,
    t.release_key,
    t.known_from,
    coalesce(c.reason, r.reason) as reason,
    t.export_series_code,
    t.import_series_code,
    t.is_partial_year
from available as t
left join available as p on p.is_preferred
left join marts.figure_comparisons as c on t.figure_id = c.other_figure_id and not t.is_preferred
left join
    seeds.basis_policy as r
    on r.reporter_iso3 in ({{ reporter }}, '*')
    and t.trade_kind = r.trade_kind
    and t.basis_id = r.basis_id
    and t.policy_rank = r.policy_rank
order by t.is_preferred desc, t.policy_rank, t.basis_id
