{#
id = "bases"
title = "Bases of its exact figures"
unit = """
Figures that are confirmed, revised or true on another basis; approximate figures ('about') are left
out."""
basis = "one row per source, goods / services scope and basis"
columns = ["attributed_to", "trade_kind", "basis_id", "figures", "claim_ids"]
#}
-- The bases of an article's exact figures, by attributed source.
with
    placed as (

        select
            c.attributed_to,
            c.trade_kind,
            v.basis_id,
            c.claim_id,
            unnest(string_split(v.release_key, ' + ')) as release_key
        from marts.claims as c
        inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
        where
            c.document_id = {{ document }}
            and c.is_exact
            and v.status in ('confirmed', 'revised', 'other_basis')
            and v.basis_id is not null

    )

select
    attributed_to,
    trade_kind,
    basis_id,
    count(distinct claim_id) as figures,
    list(distinct claim_id order by claim_id) as claim_ids,
    count(*) over (partition by attributed_to, trade_kind) as bases_of_source,
    string_agg(distinct release_key, ' + ' order by release_key) as release_key
from placed
group by attributed_to, trade_kind, basis_id
order by attributed_to nulls first, trade_kind, figures desc, basis_id
