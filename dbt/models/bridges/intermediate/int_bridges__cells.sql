{{ config(tags=["question"]) }}

-- A bridge that changes both products and period needs figures that neither end names.
with
    requested as (select * from {{ ref("bridges_requested") }}),

    -- A claim is a figure of its period, under any product group of its sector.
    hypotheses as (

        select r.bridge_id, h.product_group, h.period_start, h.period_end
        from requested as r
        inner join
            {{ ref("int_claims__hypotheses") }} as h on h.claim_id in (r.a_claim_id, r.b_claim_id)
        where h.hypothesis = 'as_stated'

    ),

    definitions as (

        select bridge_id, a_product_group as product_group
        from requested
        where a_claim_id is null
        union
        select bridge_id, b_product_group as product_group
        from requested
        where b_claim_id is null
        union
        select bridge_id, product_group
        from hypotheses

    ),

    periods as (

        select bridge_id, a_period_start as period_start, a_period_end as period_end
        from requested
        where a_claim_id is null
        union
        select bridge_id, b_period_start as period_start, b_period_end as period_end
        from requested
        where b_claim_id is null
        union
        select bridge_id, period_start, period_end
        from hypotheses

    )

select distinct
    r.reporter_iso3, r.partner_code, r.trade_kind, d.product_group, p.period_start, p.period_end
from requested as r
inner join definitions as d on r.bridge_id = d.bridge_id
inner join periods as p on r.bridge_id = p.bridge_id
