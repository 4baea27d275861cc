{{ config(tags=["question"]) }}

{#- How often what was derived may be used to derive again: Δimports needs exports of the base
    year (from growth), their change, and the deficit's change. -#}
{% set rounds = 3 %}
{#- A contradiction that takes more than these to see is none a reader would follow, and the
    ways to combine figures grow with each. -#}
{% set most_claims = 5 %}

-- Interval arithmetic over the printed figures of one document: what each figure leaves for the
-- others through sums, changes, growth, shares and exchange rates.
with
    claims as (

        select
            * replace (
                {{ period_text("period_start", "period_end") }} as period,
                {{ period_text("base_start", "base_end") }} as base_period
            ),
            document_id || '|' || reporter_iso3 || '>' || partner_code || '|' || trade_kind as topic
        from {{ ref("claims") }}
        where document_id is not null and is_in_scope

    ),

    printed as (

        select
            document_id,
            claim_id,
            case
                transform
                when 'level'
                then {{ level_variable("quantity") }}
                when 'change'
                then {{ change_variable("quantity", "coalesce(currency, 'USD')") }}
                when 'share'
                then {{ share_variable("quantity") }}
                else {{ growth_variable("factor of", "quantity") }}
            end as variable,
            case
                when unit_kind = 'sign' and claimed * direction > 0
                then 0.0
                when unit_kind = 'sign'
                then -1e30
                when transform in ('level', 'change') and direction < 0
                then cast(- high as double)
                when transform in ('level', 'change')
                then cast(low as double)
                when transform = 'growth'
                then 1 + cast(low as double) / 100
                when transform = 'share'
                then cast(low as double) / 100
                else cast(low as double)
            end as low,
            case
                when unit_kind = 'sign' and claimed * direction < 0
                then 0.0
                when unit_kind = 'sign'
                then 1e30
                when transform in ('level', 'change') and direction < 0
                then cast(- low as double)
                when transform in ('level', 'change')
                then cast(high as double)
                when transform = 'growth'
                then 1 + cast(high as double) / 100
                when transform = 'share'
                then cast(high as double) / 100
                else cast(high as double)
            end as high
        from claims
        where
            transform in ('level', 'change', 'growth', 'ratio', 'share')
            and (transform = 'level' or base_period is not null or transform = 'share')
            -- "Barely" moved says nothing of the direction.
            and not (unit_kind = 'sign' and not is_exact)

    ),

    -- A growth of 5 per cent is a factor of 1.05 of the start and a rise by 0.05 of it.
    told as (

        select document_id, claim_id, variable, low, high
        from printed
        union all
        select
            document_id,
            claim_id,
            replace(variable, '|factor of ', '|rise of ') as variable,
            low - 1 as low,
            high - 1 as high
        from printed
        where variable like '%|factor of %'

    ),

    scopes as (

        select distinct topic, document_id, sector, period, currency
        from
            (
                select topic, document_id, sector, period, coalesce(currency, 'USD') as currency
                from claims
                union all
                select topic, document_id, sector, base_period, coalesce(currency, 'USD')
                from claims
                where base_period is not null
                union all
                select topic, document_id, 'total', period, 'USD'
                from claims
                where transform = 'share'
            )

    ),

    spans as (

        select distinct
            topic, document_id, sector, period, base_period, coalesce(currency, 'USD') as currency
        from claims
        where base_period is not null
        union
        select topic, document_id, sector, period, base_period, 'USD' as currency
        from claims
        where base_period is not null

    ),

    quantities as (select unnest(['exports', 'imports', 'balance', 'two_way']) as quantity),

    -- c = a + b or c = a × b, each with its name.
    equations as (

        select
            document_id,
            'exports = balance + imports' as equation,
            '+' as op,
            {{ level_variable("'exports'") }} as c,
            {{ level_variable("'balance'") }} as a,
            {{ level_variable("'imports'") }} as b
        from scopes

        union all

        select
            document_id,
            'two-way trade = exports + imports' as equation,
            '+' as op,
            {{ level_variable("'two_way'") }} as c,
            {{ level_variable("'exports'") }} as a,
            {{ level_variable("'imports'") }} as b
        from scopes

        union all

        select
            document_id,
            quantity || ' at the end = at the start + change' as equation,
            '+' as op,
            {{ level_variable("quantity") }} as c,
            {{ level_variable("quantity", period="base_period") }} as a,
            {{ change_variable("quantity") }} as b
        from spans
        cross join quantities

        union all

        select
            document_id,
            quantity || ' at the end = at the start × growth factor' as equation,
            '*' as op,
            {{ level_variable("quantity") }} as c,
            {{ level_variable("quantity", period="base_period") }} as a,
            {{ growth_variable("factor of", "quantity") }} as b
        from spans
        cross join quantities

        union all

        select
            document_id,
            'change of ' || quantity || ' = start × growth' as equation,
            '*' as op,
            {{ change_variable("quantity") }} as c,
            {{ level_variable("quantity", period="base_period") }} as a,
            {{ growth_variable("rise of", "quantity") }} as b
        from spans
        cross join quantities

        union all

        select
            document_id,
            'change of exports = change of balance + change of imports' as equation,
            '+' as op,
            {{ change_variable("'exports'") }} as c,
            {{ change_variable("'balance'") }} as a,
            {{ change_variable("'imports'") }} as b
        from spans

        union all

        select
            document_id,
            'change of two-way trade = change of exports + change of imports' as equation,
            '+' as op,
            {{ change_variable("'two_way'") }} as c,
            {{ change_variable("'exports'") }} as a,
            {{ change_variable("'imports'") }} as b
        from spans

        union all

        select
            document_id,
            'part of ' || quantity || ' = share × whole' as equation,
            '*' as op,
            {{ level_variable("quantity", currency="'USD'") }} as c,
            {{ level_variable("quantity", currency="'USD'", sector="'total'") }} as a,
            {{ share_variable("quantity") }} as b
        from scopes
        cross join quantities
        where sector <> 'total' and currency = 'USD'

        union all

        select
            document_id,
            'dollars = ' || currency || ' × exchange rate of the text' as equation,
            '*' as op,
            {{ level_variable("quantity", currency="'USD'") }} as c,
            {{ level_variable("quantity") }} as a,
            document_id || '|exchange rate of ' || currency as b
        from scopes
        cross join quantities
        where currency <> 'USD'

    ),

    -- Two-way trade and the balance together leave one value for each flow.
    halves as (

        select
            document_id,
            topic || '|' || sector || '|' as before_quantity,
            '|' || period || '|' || currency as after_quantity
        from scopes
        union all
        select
            document_id,
            topic || '|' || sector || '|change of ' as before_quantity,
            '|' || period || '<' || base_period || '|' || currency as after_quantity
        from spans

    ),

    -- Each equation can be solved for any of its three.
    solved as (

        select
            document_id,
            'exports = half of two-way trade + balance' as equation,
            before_quantity || 'exports' || after_quantity as variable,
            before_quantity || 'two_way' || after_quantity as p,
            before_quantity || 'balance' || after_quantity as q,
            'half of sum' as op
        from halves
        union all
        select
            document_id,
            'imports = half of two-way trade - balance' as equation,
            before_quantity || 'imports' || after_quantity as variable,
            before_quantity || 'two_way' || after_quantity as p,
            before_quantity || 'balance' || after_quantity as q,
            'half of difference' as op
        from halves
        union all

        select
            document_id,
            equation,
            c as variable,
            a as p,
            b as q,
            case op when '+' then 'add' else 'multiply' end as op
        from equations
        union all
        select
            document_id,
            equation,
            a as variable,
            c as p,
            b as q,
            case op when '+' then 'subtract' else 'divide' end as op
        from equations
        union all
        select
            document_id,
            equation,
            b as variable,
            c as p,
            a as q,
            case op when '+' then 'subtract' else 'divide' end as op
        from equations

    ),

    round_0 as materialized(

        select
            document_id,
            variable,
            max(low) as low,
            min(high) as high,
            claims,
            0 as depth,
            'as printed' as equation
        from (select document_id, variable, low, high, [claim_id] as claims from told)
        group by document_id, variable, claims

    )

    {% for round in range(1, rounds + 1) %}
        ,

        derived_{{ round }} as (

            select
                s.document_id,
                s.variable,
                case
                    s.op
                    when 'add'
                    then p.low + q.low
                    when 'subtract'
                    then p.low - q.high
                    when 'half of sum'
                    then (p.low + q.low) / 2
                    when 'half of difference'
                    then (p.low - q.high) / 2
                    when 'multiply'
                    then least(p.low * q.low, p.low * q.high, p.high * q.low, p.high * q.high)
                    else least(p.low / q.low, p.low / q.high, p.high / q.low, p.high / q.high)
                end as low,
                case
                    s.op
                    when 'add'
                    then p.high + q.high
                    when 'subtract'
                    then p.high - q.low
                    when 'half of sum'
                    then (p.high + q.high) / 2
                    when 'half of difference'
                    then (p.high - q.low) / 2
                    when 'multiply'
                    then greatest(p.low * q.low, p.low * q.high, p.high * q.low, p.high * q.high)
                    else greatest(p.low / q.low, p.low / q.high, p.high / q.low, p.high / q.high)
                end as high,
                list_sort(list_distinct(list_concat(p.claims, q.claims))) as claims,
                s.equation
            from solved as s
            inner join
                round_{{ round - 1 }} as p on s.document_id = p.document_id and s.p = p.variable
            inner join
                round_{{ round - 1 }} as q on s.document_id = q.document_id and s.q = q.variable
            where
                (s.op <> 'divide' or q.low > 0 or q.high < 0)
                and abs(p.low) < 1e29
                and abs(p.high) < 1e29
                and abs(q.low) < 1e29
                and abs(q.high) < 1e29
                and len(list_distinct(list_concat(p.claims, q.claims))) <= {{ most_claims }}

        ),

        pooled_{{ round }} as (

            select document_id, variable, low, high, claims, depth, equation
            from round_{{ round - 1 }}
            union all
            select document_id, variable, low, high, claims, {{ round }} as depth, equation
            from derived_{{ round }}

        ),

        single_{{ round }} as (

            select
                document_id,
                variable,
                max(low) as low,
                min(high) as high,
                claims,
                min(depth) as depth,
                arg_min(equation, cast(depth as varchar) || equation) as equation
            from pooled_{{ round }}
            group by document_id, variable, claims

        ),

        -- What fewer figures say as tightly need not be said by more.
        parts_{{ round }} as (

            select
                document_id,
                variable,
                claims,
                low,
                high,
                unnest({{ proper_subsets("claims") }}) as fewer_claims
            from single_{{ round }}
            where len(claims) > 1

        ),

        said_{{ round }} as (

            select distinct p.document_id, p.variable, p.claims
            from parts_{{ round }} as p
            inner join
                single_{{ round }} as t
                on p.document_id = t.document_id
                and p.variable = t.variable
                and p.fewer_claims = t.claims
                and t.low >= p.low - 1e-9 * abs(p.low)
                and t.high <= p.high + 1e-9 * abs(p.high)

        ),

        round_{{ round }} as materialized(

            select s.*
            from single_{{ round }} as s
            left join
                said_{{ round }} as x
                on s.document_id = x.document_id
                and s.variable = x.variable
                and s.claims = x.claims
            where x.claims is null

        )
    {% endfor %}

select document_id, variable, low, high, claims, depth, equation
from round_{{ rounds }}
