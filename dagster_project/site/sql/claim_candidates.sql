{#
id = "candidates"
title = "Quoted figure against the data"
unit = """
{% if picture %}In {{ axis }}. The band is the range after rounding. Discs are within it and crosses
outside; diamonds may be within it, as their data is too coarse or
incomplete.{% endif %}{% if left_out %} {{ left_out }} more distant figures are in the table
only.{% endif %}"""
basis = "as named in each row"
columns = [
    "hypothesis", "bases", "products", "value", "fit", "distance", "side", "rounding_margin",
    "revision", "release_key", "evidence_kind", "known_at_publication",
]
#}
-- Candidates for a quoted figure, in its unit; place 1 is the best of a series, a product group and
-- a meaning.
with
    definitions as (

        select product_group, min(definition_name) as definition_name
        from marts.sectors
        group by product_group

    ),

    tried as (

        select
            x.*,
            c.low,
            c.high,
            c.low_is_closed,
            c.high_is_closed,
            c.reporter_iso3,
            c.partner_code,
            c.trade_kind,
            cast(u.multiplier as double) as multiplier,
            coalesce(x.candidate_id = v.candidate_id, false) as is_chosen
        from marts.claim_candidates as x
        inner join marts.claims as c on x.claim_id = c.claim_id
        inner join marts.claim_verdicts as v on x.claim_id = v.claim_id
        inner join seeds.units as u on c.unit = u.unit
        where x.claim_id = {{ claim }}

    ),

    -- A figure of one direction belongs to every basis that uses its series.
    named_bases as (

        select t.candidate_id, string_agg(distinct b.basis_id, ', ' order by b.basis_id) as bases
        from tried as t
        inner join
            marts.bases as b
            on t.reporter_iso3 = b.reporter_iso3
            and t.partner_code = b.partner_code
            and t.trade_kind = b.trade_kind
            and coalesce(t.export_series_code, b.export_series_code) = b.export_series_code
            and coalesce(t.import_series_code, b.import_series_code) = b.import_series_code
        where b.is_named
        group by t.candidate_id

    )

select
    t.hypothesis,
    coalesce(r.bases, t.basis_key) as bases,
    coalesce(d.definition_name, t.product_group) as products,
    cast(cast(t.value as double) / t.multiplier as decimal(32, 6)) as value,
    t.fit,
    -- More digits than the figure has, so that a value just outside is not shown as inside.
    cast(cast(t.distance as double) / t.multiplier as decimal(38, 12)) as distance,
    case
        when t.value < t.low or (t.value = t.low and not t.low_is_closed)
        then 'below'
        when t.value > t.high or (t.value = t.high and not t.high_is_closed)
        then 'above'
        else 'inside'
    end as side,
    t.release_key,
    t.evidence_kind,
    cast(cast(t.rounding_margin as double) / t.multiplier as decimal(32, 6)) as rounding_margin,
    cast(cast(t.revision as double) / t.multiplier as decimal(32, 6)) as revision,
    t.is_within_revision,
    t.is_chosen,
    t.hypothesis like 'as_stated%' as is_as_stated,
    row_number() over (
        partition by t.hypothesis, t.basis_key, t.product_group, t.quantity
        order by
            t.is_chosen desc,
            case t.fit when 'exact' then 1 when 'possible' then 2 else 3 end,
            case t.evidence_kind when 'statistic' then 1 when 'mixed' then 2 else 3 end,
            t.distance,
            t.known_from desc,
            t.candidate_id
    ) as place,
    t.known_at_publication,
    t.known_from,
    t.basis_key,
    t.product_group,
    t.quantity,
    t.part_claim_id,
    t.candidate_id
from tried as t
left join named_bases as r on t.candidate_id = r.candidate_id
left join definitions as d on t.product_group = d.product_group
order by
    is_as_stated desc,
    t.is_chosen desc,
    case t.fit when 'exact' then 1 when 'possible' then 2 else 3 end,
    t.distance,
    t.candidate_id
