with
    steps as (

        select bridge_id, sum(amount_usd) as amount_usd, count(*) as steps
        from {{ ref("bridge_steps") }}
        group by bridge_id

    )

select b.bridge_id, b.a_usd, s.amount_usd, b.b_usd
from {{ ref("bridges") }} as b
left join steps as s on b.bridge_id = s.bridge_id
where
    b.a_usd + coalesce(s.amount_usd, 0) <> b.b_usd
    or coalesce(s.steps, 0)
    <> b.steps + case when b.a_claim_id is not null or b.b_claim_id is not null then 1 else 0 end
