with
    steps as (

        select
            s.*,
            lag(s.after_usd) over (
                partition by s.bridge_id order by s.step_order
            ) as last_after_usd,
            row_number() over (partition by s.bridge_id order by s.step_order desc) as steps_left
        from {{ ref("bridge_steps") }} as s
        where s.cause_code not in ('ROUNDING', 'RESIDUAL')

    )

select s.bridge_id, s.step_order, s.before_usd, s.last_after_usd, b.a_value_usd, b.b_value_usd
from steps as s
inner join {{ ref("bridges") }} as b on s.bridge_id = b.bridge_id
where
    s.before_usd <> coalesce(s.last_after_usd, b.a_value_usd)
    or (s.steps_left = 1 and s.after_usd <> b.b_value_usd)
