{{ config(tags=["question"]) }}

-- One row per bridge: its ends, the gap between them and whether the named causes explain it.
with
    ends as (select * from {{ ref("int_bridges__ends") }}),

    -- Amounts have the sign of the figures: a deficit that grows is a larger figure.
    pairs as (

        select
            a.*,
            case when a.direction = b.direction then a.direction else 1 end as sign,
            coalesce(a.quoted_usd, a.value_usd) as shown_usd,
            b.claim_id as b_claim_id,
            b.basis_id as b_basis_id,
            b.basis_key as b_basis_key,
            b.release_key as b_release_key,
            b.product_group as b_product_group,
            b.period_start as b_period_start,
            b.period_end as b_period_end,
            b.value_usd as b_value_usd,
            b.quoted_margin_usd as b_quoted_margin_usd,
            coalesce(b.quoted_usd, b.value_usd) as b_shown_usd
        from ends as a
        inner join ends as b on a.bridge_id = b.bridge_id and b.side = 'b'
        where a.side = 'a'

    ),

    explained as (

        select bridge_id, sum(amount_usd) as explained_usd, count(*) as steps
        from {{ ref("int_bridges__steps_ordered") }}
        group by bridge_id

    ),

    measured as (

        select
            p.*,
            coalesce(w.explained_usd, 0) as explained_usd,
            coalesce(w.steps, 0) as steps,
            p.b_shown_usd - p.shown_usd as gap_usd
        from pairs as p
        left join explained as w on p.bridge_id = w.bridge_id

    )

select
    bridge_id,
    reporter_iso3,
    partner_code,
    trade_kind,
    quantity,
    case
        when quantity <> 'balance' then quantity when sign < 0 then 'deficit' else 'balance'
    end as display_measure,
    cast(sign as integer) as sign,
    claim_id as a_claim_id,
    basis_id as a_basis_id,
    basis_key as a_basis_key,
    release_key as a_release_key,
    product_group as a_product_group,
    {{ period_text("period_start", "period_end") }} as a_period,
    cast(sign * shown_usd as decimal(24, 3)) as a_usd,
    cast(sign * value_usd as decimal(24, 3)) as a_value_usd,
    quoted_margin_usd as a_rounding_margin_usd,
    b_claim_id,
    b_basis_id,
    b_basis_key,
    b_release_key,
    b_product_group,
    {{ period_text("b_period_start", "b_period_end") }} as b_period,
    cast(sign * b_shown_usd as decimal(24, 3)) as b_usd,
    cast(sign * b_value_usd as decimal(24, 3)) as b_value_usd,
    b_quoted_margin_usd as b_rounding_margin_usd,
    cast(sign * gap_usd as decimal(24, 3)) as gap_usd,
    cast(sign * explained_usd as decimal(24, 3)) as explained_usd,
    cast(sign * (gap_usd - explained_usd) as decimal(24, 3)) as residual_usd,
    cast(quoted_margin_usd + b_quoted_margin_usd as decimal(24, 3)) as allowance_usd,
    abs(gap_usd - explained_usd) <= quoted_margin_usd + b_quoted_margin_usd as closes,
    cast(steps as integer) as steps
from measured
