{#
id = "verdict"
title = "Verdict record"
unit = "Figures in the unit of the quoted figure."
basis = "as named in the verdict"
columns = [
    "claim_id", "reported_value", "unit", "low", "high", "status", "value", "basis_id",
    "basis_key", "product_group", "release_key", "known_at_publication", "reason_code",
    "distance", "revision",
]
#}
-- A quoted figure, its range after rounding in its own unit, and the verdict on it.
with
    sectors as (

        select sector_id, min(sector_name) as sector_name from marts.sectors group by sector_id

    ),

    definitions as (

        select product_group, min(definition_name) as definition_name
        from marts.sectors
        group by product_group

    ),

    described as (

        select
            reporter_iso3, partner_code, trade_kind, basis_id, min(description) as basis_description
        from marts.bases
        where is_named
        group by reporter_iso3, partner_code, trade_kind, basis_id

    )

select
    c.claim_id,
    c.document_id,
    c.document_publisher,
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
    m.meaning as measure_meaning,
    c.sector,
    s.sector_name,
    c.period,
    c.base_period,
    c.base_event_on,
    c.base_event,
    c.compared_with,
    year(c.period_start) as year,
    c.reported_value,
    c.unit,
    c.unit_kind,
    c.rounding,
    c.hedge,
    c.hedge_words,
    c.is_one_sided,
    h.meaning as hedge_meaning,
    c.is_exact,
    cast(cast(c.low as double) / u.multiplier as decimal(32, 6)) as low,
    cast(cast(c.high as double) / u.multiplier as decimal(32, 6)) as high,
    c.low_is_closed,
    c.high_is_closed,
    v.status,
    k.meaning as status_meaning,
    v.basis_id,
    r.basis_description,
    v.basis_key,
    v.product_group,
    d.definition_name,
    v.hypothesis,
    v.value,
    v.release_key,
    v.known_at_publication,
    v.claims_explained,
    v.bases_fitting,
    v.candidates_tried,
    v.reason_code,
    w.meaning as reason_meaning,
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
    v.missing_rows,
    c.snapshot_file,
    c.snapshot_sha256,
    c.row_number
from marts.claims as c
inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
inner join seeds.units as u on c.unit = u.unit
left join seeds.coded_values as k on k.column_name = 'status' and v.status = k.code
left join seeds.coded_values as w on w.column_name = 'reason_code' and v.reason_code = w.code
left join seeds.claim_measures as m on c.measure = m.measure
left join seeds.claim_hedges as h on c.hedge = h.hedge
left join sectors as s on c.sector = s.sector_id
left join definitions as d on v.product_group = d.product_group
left join
    described as r
    on c.reporter_iso3 = r.reporter_iso3
    and c.partner_code = r.partner_code
    and c.trade_kind = r.trade_kind
    and v.basis_id = r.basis_id
where c.claim_id = {{ claim }}
order by c.claim_id
