{#
id = "others-{{ trade_kind }}"
title = "{{ year }}: {{ kinds[trade_kind] }} balances in earlier releases and printed documents"
unit = "Millions of US dollars; the spread is the difference from the preferred balance."
basis = "one row per release or document"
columns = [
    "basis_id", "balance_usd", "spread_usd", "evidence_kind", "release_key", "known_from",
    "reason",
]
#}
-- Other published figures of a year: earlier releases, and figures in printed documents.
select
    coalesce(c.other_basis_id, 'unnamed') as basis_id,
    c.other_balance_usd as balance_usd,
    c.spread_usd as spread_usd,
    c.other_evidence_kind as evidence_kind,
    r.release_key,
    r.known_from,
    c.reason
from marts.figure_comparisons as c
inner join marts.balances_by_basis as r on c.other_figure_id = r.figure_id
where
    c.reporter_iso3 = {{ reporter }}
    and c.partner_code = {{ partner }}
    and c.trade_kind = {{ trade_kind }}
    and c.year = {{ year }}
    and c.other_figure_id not in (
        select figure_id
        from marts.trade_by_year
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }} and year = {{ year }}
        union all
        select figure_id
        from marts.trade_by_year_to_date
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }} and year = {{ year }}
    )
order by r.known_from desc, c.other_basis_id, c.comparison_id
