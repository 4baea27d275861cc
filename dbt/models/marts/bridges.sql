{{ config(tags=["question"]) }}

-- One row a bridge: its ends, the gap between them and whether the named causes close it.
with ends as (

    select * from {{ ref('int_bridges__ends') }}

),

walked as (

    select bridge_id, sum(amount_usd) as explained_usd, count(*) as steps
    from {{ ref('int_bridges__steps_walked') }}
    group by bridge_id

)

select
    a.bridge_id,
    a.reporter_iso3,
    a.partner_code,
    a.trade_kind,
    a.quantity,
    a.claim_id as a_claim_id,
    a.reading_id as a_reading_id,
    a.release_key as a_release_key,
    a.definition_id as a_definition_id,
    {{ period_text('a.period_start', 'a.period_end') }} as a_period,
    coalesce(a.printed_usd, a.value_usd) as a_usd,
    a.value_usd as a_value_usd,
    a.printed_half_usd as a_half_width_usd,
    b.claim_id as b_claim_id,
    b.reading_id as b_reading_id,
    b.release_key as b_release_key,
    b.definition_id as b_definition_id,
    {{ period_text('b.period_start', 'b.period_end') }} as b_period,
    coalesce(b.printed_usd, b.value_usd) as b_usd,
    b.value_usd as b_value_usd,
    b.printed_half_usd as b_half_width_usd,
    cast(coalesce(b.printed_usd, b.value_usd) - coalesce(a.printed_usd, a.value_usd) as decimal(24, 3)) as gap_usd,
    cast(coalesce(w.explained_usd, 0) as decimal(24, 3)) as explained_usd,
    cast(
        coalesce(b.printed_usd, b.value_usd) - coalesce(a.printed_usd, a.value_usd) - coalesce(w.explained_usd, 0) as decimal(24, 3)
    ) as residual_usd,
    cast(a.printed_half_usd + b.printed_half_usd as decimal(24, 3)) as allowance_usd,
    abs(coalesce(b.printed_usd, b.value_usd) - coalesce(a.printed_usd, a.value_usd) - coalesce(w.explained_usd, 0))
    <= a.printed_half_usd + b.printed_half_usd as closes,
    cast(coalesce(w.steps, 0) as integer) as steps
from ends as a
inner join ends as b on a.bridge_id = b.bridge_id and b.side = 'b'
left join walked as w on a.bridge_id = w.bridge_id
where a.side = 'a'
