{#
id = "figures"
title = "Quoted figures against the data"
unit = "Each figure in the unit in which it is quoted."
basis = "as named in each row"
columns = [
    "claim_id", "says", "reported_value", "unit", "status", "value", "basis_id", "release_key",
    "reason_code", "missing_rows",
]
#}
-- The figures of an article and their verdicts.
select
    c.claim_id,
    c.says,
    c.quoted,
    c.confidence,
    c.reported_value,
    c.unit,
    c.rounding,
    c.hedge,
    c.hedge_words,
    c.attributed_to,
    c.period,
    c.measure,
    v.status,
    v.value,
    v.basis_id,
    case when c.sector <> 'total' then d.definition_name end as definition_name,
    v.release_key,
    v.known_at_publication,
    v.reason_code,
    v.missing_rows,
    count(*) over (partition by v.status) as with_status,
    count(*) over () as claims,
    c.document_id,
    c.document_publisher,
    c.document_title,
    c.document_address,
    c.published_on,
    c.reporter_iso3,
    c.partner_code,
    c.trade_kind
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
left join
    (
        select product_group, min(definition_name) as definition_name
        from marts.sectors
        group by product_group
    ) as d
    on v.product_group = d.product_group
where c.document_id = {{ document }}
order by c.claim_id
