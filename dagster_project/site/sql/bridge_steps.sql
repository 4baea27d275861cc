{#
title = "{{ period }}: from {{ start }} to {{ end }}, {{ gap }} million US dollars"
unit = """
Balance in {{ kind }}, millions of US dollars. Each step is the amount due to one
cause.{% if is_cut %} The axis is truncated: the bars of the two balances do not start at
zero.{% endif %}"""
basis = "all products; each step is the difference between two rows"
columns = [
    "name", "amount_usd", "gap_share", "explanation", "before_usd", "after_usd",
    "before_series", "after_series",
]
#}
-- A bridge in order: figure A, each cause with its amount, figure B.
with
    bridge as (select * from marts.bridges where bridge_id = {{ bridge_id }}),

    ends as (

        select
            0 as place,
            'from' as role,
            a_basis_id as basis_id,
            a_usd as amount_usd,
            a_usd as after_usd,
            a_basis_key as series,
            a_release_key as release_key
        from bridge
        union all
        select steps + 2, 'to', b_basis_id, b_usd, b_usd, b_basis_key, b_release_key
        from bridge

    ),

    causes as (

        select
            s.step_order,
            string_agg(c.name, ' + ' order by c.display_order, c.cause_code) as name,
            string_agg(c.explanation, '; ' order by c.display_order, c.cause_code) as explanation
        from marts.bridge_steps as s
        inner join
            seeds.cause_codes as c on list_contains(string_split(s.cause_code, ' + '), c.cause_code)
        where s.bridge_id = {{ bridge_id }}
        group by s.step_order

    )

select
    place,
    role,
    basis_id as name,
    null as cause_code,
    amount_usd,
    null as gap_share,
    null as before_usd,
    after_usd,
    null as before_series,
    series as after_series,
    release_key,
    null as explanation
from ends
union all
select
    s.step_order,
    'step',
    c.name,
    s.cause_code,
    s.amount_usd,
    s.share_of_gap,
    s.before_usd,
    s.after_usd,
    s.before_series,
    s.after_series,
    null,
    c.explanation
from marts.bridge_steps as s
inner join causes as c on s.step_order = c.step_order
where s.bridge_id = {{ bridge_id }}
order by place
