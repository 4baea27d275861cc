{#
id = "definition-gaps"
title = "{{ name }}: differences between product groups"
unit = "Millions of US dollars; the second product group less the first, on the same series."
basis = "both figures on one series"
releases = ["a_release_key", "b_release_key"]
columns = [
    "year", "quantity", "a_product_group", "a_usd", "b_product_group", "b_usd", "amount_usd",
    "cause", "a_release_key", "b_release_key",
]
absence = """
{% if has_several_groups %}No year has two product groups on the same series, so they cannot be
compared.{% else %}Figures are available for only one product group, so there is nothing to
compare.{% endif %}"""
#}
-- Differences between two product groups of a sector on one series: bridges of one step.
-- Bases that share the series share the bridge, which is listed once.
select
    b.a_period as year,
    b.quantity,
    b.a_product_group,
    b.b_product_group,
    b.a_usd,
    b.b_usd,
    t.amount_usd,
    b.a_basis_key,
    b.a_release_key,
    b.b_release_key,
    c.name as cause,
    min(b.bridge_id) as bridge_id
from marts.bridges as b
inner join marts.bridge_steps as t on b.bridge_id = t.bridge_id
inner join seeds.cause_codes as c on t.cause_code = c.cause_code
inner join marts.sectors as s on b.a_product_group = s.product_group
where
    b.reporter_iso3 = {{ reporter }}
    and b.partner_code = {{ partner }}
    and s.sector_id = {{ sector }}
    and b.a_product_group <> b.b_product_group
    and b.a_claim_id is null
    and b.b_claim_id is null
group by all
order by
    b.a_period desc,
    b.quantity,
    b.a_product_group,
    b.b_product_group,
    b.a_basis_key,
    t.amount_usd,
    b.a_usd,
    b.b_usd,
    b.a_release_key,
    b.b_release_key,
    cause
