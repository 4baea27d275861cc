{#
id = "bridges"
title = "Bridges from this figure to others"
unit = "Signs follow the figures: between two deficits, a step that widens the deficit is positive."
basis = "each end on its own basis"
releases = ["a_release_key", "b_release_key"]
columns = ["bridge_id", "causes", "amount_usd", "share_of_gap", "gap_usd", "residual_usd"]
#}
-- The bridges that start or end at a quoted figure, by step.
with
    steps as (

        select
            s.bridge_id,
            s.step_order,
            s.cause_code,
            string_agg(k.name, ' and ' order by k.display_order) as causes,
            min(s.amount_usd) as amount_usd,
            min(s.share_of_gap) as share_of_gap
        from marts.bridge_steps as s
        left join
            seeds.cause_codes as k
            on list_contains(string_split(replace(s.cause_code, ' ', ''), '+'), k.cause_code)
        group by s.bridge_id, s.step_order, s.cause_code

    )

select
    b.bridge_id,
    s.step_order,
    coalesce(s.causes, s.cause_code) as causes,
    s.amount_usd,
    s.share_of_gap,
    b.display_measure,
    b.a_claim_id,
    p.document_publisher as a_publisher,
    b.a_basis_id,
    b.a_period,
    b.a_usd,
    b.b_claim_id,
    q.document_publisher as b_publisher,
    b.b_basis_id,
    b.b_period,
    b.b_usd,
    b.gap_usd,
    b.residual_usd,
    b.closes,
    b.a_release_key,
    b.b_release_key
from marts.bridges as b
left join steps as s on b.bridge_id = s.bridge_id
left join marts.claims as p on b.a_claim_id = p.claim_id
left join marts.claims as q on b.b_claim_id = q.claim_id
where b.a_claim_id = {{ claim }} or b.b_claim_id = {{ claim }}
order by b.bridge_id, s.step_order
