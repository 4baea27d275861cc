{{ config(tags=["question"]) }}

{#- How often what was derived may be used to derive again: Δimports needs exports of the base
    year (from growth), their change, and the deficit's change. -#}
{% set rounds = 3 %}

-- Interval arithmetic over the printed figures of one document: what each figure leaves for the
-- others through sums, changes, growth, shares and exchange rates.
with
    claims as (

        select
            *,
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
                then topic || '|' || sector || '|' || quantity || '|' || period || '|' || currency
                when 'change'
                then
                    topic
                    || '|'
                    || sector
                    || '|change of '
                    || quantity
                    || '|'
                    || period
                    || '<'
                    || base_period
                when 'share'
                then topic || '|' || sector || '|share of ' || quantity || '|' || period
                else
                    topic
                    || '|'
                    || sector
                    || '|factor of '
                    || quantity
                    || '|'
                    || period
                    || '<'
                    || base_period
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

        select distinct topic, document_id, sector, period, base_period
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
            topic || '|' || sector || '|exports|' || period || '|' || currency as c,
            topic || '|' || sector || '|balance|' || period || '|' || currency as a,
            topic || '|' || sector || '|imports|' || period || '|' || currency as b
        from scopes

        union all

        select
            document_id,
            'two-way trade = exports + imports' as equation,
            '+' as op,
            topic || '|' || sector || '|two_way|' || period || '|' || currency as c,
            topic || '|' || sector || '|exports|' || period || '|' || currency as a,
            topic || '|' || sector || '|imports|' || period || '|' || currency as b
        from scopes

        union all

        select
            s.document_id,
            q.quantity || ' at the end = at the start + change' as equation,
            '+' as op,
            s.topic || '|' || s.sector || '|' || q.quantity || '|' || s.period || '|USD' as c,
            s.topic || '|' || s.sector || '|' || q.quantity || '|' || s.base_period || '|USD' as a,
            s.topic
            || '|'
            || s.sector
            || '|change of '
            || q.quantity
            || '|'
            || s.period
            || '<'
            || s.base_period as b
        from spans as s
        cross join quantities as q

        union all

        select
            s.document_id,
            q.quantity || ' at the end = at the start × growth factor' as equation,
            '*' as op,
            s.topic || '|' || s.sector || '|' || q.quantity || '|' || s.period || '|USD' as c,
            s.topic || '|' || s.sector || '|' || q.quantity || '|' || s.base_period || '|USD' as a,
            s.topic
            || '|'
            || s.sector
            || '|factor of '
            || q.quantity
            || '|'
            || s.period
            || '<'
            || s.base_period as b
        from spans as s
        cross join quantities as q

        union all

        select
            document_id,
            'change of exports = change of balance + change of imports' as equation,
            '+' as op,
            topic || '|' || sector || '|change of exports|' || period || '<' || base_period as c,
            topic || '|' || sector || '|change of balance|' || period || '<' || base_period as a,
            topic || '|' || sector || '|change of imports|' || period || '<' || base_period as b
        from spans

        union all

        select
            document_id,
            'change of two-way trade = change of exports + change of imports' as equation,
            '+' as op,
            topic || '|' || sector || '|change of two_way|' || period || '<' || base_period as c,
            topic || '|' || sector || '|change of exports|' || period || '<' || base_period as a,
            topic || '|' || sector || '|change of imports|' || period || '<' || base_period as b
        from spans

        union all

        select
            s.document_id,
            'part of ' || q.quantity || ' = share × whole' as equation,
            '*' as op,
            s.topic || '|' || s.sector || '|' || q.quantity || '|' || s.period || '|USD' as c,
            s.topic || '|total|' || q.quantity || '|' || s.period || '|USD' as a,
            s.topic || '|' || s.sector || '|share of ' || q.quantity || '|' || s.period as b
        from scopes as s
        cross join quantities as q
        where s.sector <> 'total' and s.currency = 'USD'

        union all

        select
            s.document_id,
            'dollars = ' || s.currency || ' × exchange rate of the text' as equation,
            '*' as op,
            s.topic || '|' || s.sector || '|' || q.quantity || '|' || s.period || '|USD' as c,
            s.topic
            || '|'
            || s.sector
            || '|'
            || q.quantity
            || '|'
            || s.period
            || '|'
            || s.currency as a,
            s.document_id || '|exchange rate of ' || s.currency as b
        from scopes as s
        cross join quantities as q
        where s.currency <> 'USD'

    ),

    -- Each equation can be solved for any of its three.
    solved as (

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
        from (select document_id, variable, low, high, [claim_id] as claims from printed)
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
                and len(list_distinct(list_concat(p.claims, q.claims))) <= 6

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
        round_{{ round }} as materialized(

            select s.*
            from single_{{ round }} as s
            where
                not exists (
                    select 1
                    from single_{{ round }} as t
                    where
                        s.document_id = t.document_id
                        and s.variable = t.variable
                        and len(t.claims) < len(s.claims)
                        and list_has_all(s.claims, t.claims)
                        and t.low >= s.low - 1e-9 * abs(s.low)
                        and t.high <= s.high + 1e-9 * abs(s.high)
                )

        )
    {% endfor %}

select document_id, variable, low, high, claims, depth, equation
from round_{{ rounds }}
