{#
id = "claims"
title = "{{ name }}: claims in articles"
unit = "Each figure as quoted, in its own unit."
basis = "the series of each verdict"
columns = [
    "claim_id", "publisher", "period", "reported_value", "unit", "status", "product_group",
    "release_key",
]
absence = "No article quotes a figure for this sector."
links = "claims"
#}
-- Claims about a sector of two countries in articles, from either side, with the verdict.
select
    c.claim_id,
    coalesce(c.document_publisher, c.document_id) as publisher,
    c.published_on,
    c.attributed_to,
    c.says,
    c.reporter_iso3,
    c.partner_code,
    c.trade_kind,
    c.measure,
    c.quantity,
    c.transform,
    c.direction,
    c.sector,
    c.period,
    c.base_period,
    c.base_event_on,
    c.base_event,
    c.compared_with,
    c.reported_value,
    c.unit,
    c.rounding,
    c.hedge,
    c.hedge_words,
    c.is_one_sided,
    v.status,
    v.basis_id,
    v.basis_key,
    v.product_group,
    v.hypothesis,
    v.release_key,
    v.value,
    v.claims_explained,
    v.bases_fitting,
    v.reason_code,
    v.distance,
    v.revision,
    v.fitting_bases,
    v.base_figures,
    v.nearest_value,
    v.nearest_basis_id,
    v.nearest_basis_key,
    v.nearest_product_group,
    v.nearest_release_key,
    v.latest_value,
    v.latest_release_key,
    v.bases_tried,
    v.releases_tried,
    v.mix_up,
    v.part_claim_id,
    v.missing_rows
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
where
    c.sector = {{ sector }}
    and (
        (c.reporter_iso3 = {{ reporter }} and c.partner_code = {{ partner }})
        or (c.reporter_iso3 = {{ partner }} and c.partner_code = {{ reporter }})
    )
order by publisher, c.claim_id
