{{ config(tags=["question"]) }}

-- Where the figures of one text cannot all be true at once, whatever the statistics say.
with
    implied as (select * from {{ ref("int_claims__implied") }}),

    clashes as (

        select
            f.document_id,
            f.variable,
            f.low as left_low,
            f.high as left_high,
            f.claims as left_claims,
            f.depth as left_depth,
            g.low as right_low,
            g.high as right_high,
            g.claims as right_claims,
            g.equation,
            f.depth + g.depth as depth,
            list_sort(list_distinct(list_concat(f.claims, g.claims))) as claims
        from implied as f
        inner join
            implied as g
            on f.document_id = g.document_id
            and f.variable = g.variable
            and f.depth <= g.depth
            and f.claims <> g.claims
            and (f.low > g.high + 1e-9 * abs(g.high) or f.high < g.low - 1e-9 * abs(g.low))

    ),

    -- A part of a flow is no larger than the whole of it.
    parts as (

        select
            f.document_id,
            f.variable,
            f.low as left_low,
            f.high as left_high,
            f.claims as left_claims,
            f.depth as left_depth,
            -1e30 as right_low,
            g.high as right_high,
            g.claims as right_claims,
            'part <= whole' as equation,
            f.depth + g.depth as depth,
            list_sort(list_distinct(list_concat(f.claims, g.claims))) as claims
        from implied as f
        inner join
            implied as g
            on f.document_id = g.document_id
            and split_part(f.variable, '|', 4) <> 'total'
            and g.variable
            = split_part(f.variable, '|', 1)
            || '|'
            || split_part(f.variable, '|', 2)
            || '|'
            || split_part(f.variable, '|', 3)
            || '|total|'
            || split_part(f.variable, '|', 5)
            || '|'
            || split_part(f.variable, '|', 6)
            || '|'
            || split_part(f.variable, '|', 7)
            and split_part(f.variable, '|', 5) in ('exports', 'imports', 'two_way')
            and f.low > g.high

    ),

    all_clashes as (

        select *
        from clashes
        union all
        select *
        from parts

    ),

    -- One row a set of figures, told from the figure that needs the fewest steps to see.
    told as (

        select *
        from all_clashes
        qualify
            row_number() over (
                partition by document_id, claims
                order by
                    left_depth,
                    case
                        when
                            variable like '%|change of %'
                            or variable like '%|factor of %'
                            or variable like '%|share of %'
                        then 0
                        else 1
                    end,
                    depth,
                    len(left_claims),
                    variable,
                    cast(left_claims as varchar),
                    cast(right_claims as varchar)
            )
            = 1

    ),

    minimal as (

        select t.*
        from told as t
        where
            not exists (
                select 1
                from told as u
                where
                    t.document_id = u.document_id
                    and len(u.claims) < len(t.claims)
                    and list_has_all(t.claims, u.claims)
            )

    ),

    -- What the others leave for each single figure of the clash.
    allowed as (

        select
            m.document_id,
            m.claims,
            c.claim_id,
            c.claimed,
            c.rounding,
            c.reported_value,
            c.unit,
            c.unit_kind,
            c.transform,
            c.direction,
            u.multiplier,
            g.low as allowed_low,
            g.high as allowed_high
        from minimal as m
        inner join {{ ref("claims") }} as c on list_contains(m.claims, c.claim_id)
        inner join {{ ref("units") }} as u on c.unit = u.unit
        inner join implied as own on own.document_id = m.document_id and own.claims = [c.claim_id]
        inner join
            implied as g
            on g.document_id = m.document_id
            and g.variable = own.variable
            and not list_contains(g.claims, c.claim_id)
            and list_has_all(m.claims, g.claims)

    ),

    -- In the unit and the sense the figure is printed in.
    in_print as (

        select
            *,
            case
                when transform = 'growth'
                then (allowed_low - 1) * 100
                when transform = 'share'
                then allowed_low * 100
                when transform = 'ratio'
                then allowed_low
                when direction < 0
                then - allowed_high / multiplier
                else allowed_low / multiplier
            end as print_low,
            case
                when transform = 'growth'
                then (allowed_high - 1) * 100
                when transform = 'share'
                then allowed_high * 100
                when transform = 'ratio'
                then allowed_high
                when direction < 0
                then - allowed_low / multiplier
                else allowed_high / multiplier
            end as print_high,
            rtrim(rtrim(cast(abs(reported_value) as varchar), '0'), '.') as digits
        from allowed
        where unit_kind <> 'sign'

    ),

    tries as (

        select
            document_id,
            claims,
            claim_id,
            'a digit dropped' as slip,
            substr(digits, 1, n) || d || substr(digits, n + 1) as printed_as,
            reported_value,
            rounding,
            print_low,
            print_high
        from in_print
        cross join (select unnest(range(0, 12)) as n)
        cross join (select unnest(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) as d)
        where n <= length(digits)

        union all

        select
            document_id,
            claims,
            claim_id,
            'a digit added' as slip,
            substr(digits, 1, n - 1) || substr(digits, n + 1) as printed_as,
            reported_value,
            rounding,
            print_low,
            print_high
        from in_print
        cross join (select unnest(range(1, 12)) as n)
        where n <= length(digits)

        union all

        select
            document_id,
            claims,
            claim_id,
            'a thousand times too large' as slip,
            cast(abs(reported_value) / 1000 as varchar) as printed_as,
            reported_value,
            rounding,
            print_low,
            print_high
        from in_print

        union all

        select
            document_id,
            claims,
            claim_id,
            'a thousand times too small' as slip,
            cast(abs(reported_value) * 1000 as varchar) as printed_as,
            reported_value,
            rounding,
            print_low,
            print_high
        from in_print

        union all

        select
            document_id,
            claims,
            claim_id,
            'the sign turned' as slip,
            cast(- abs(reported_value) as varchar) as printed_as,
            reported_value,
            rounding,
            print_low,
            print_high
        from in_print

    ),

    restored as (

        select distinct
            document_id,
            claims,
            claim_id,
            slip,
            cast(
                try_cast(printed_as as double)
                * case when reported_value < 0 then -1 else 1 end as decimal(24, 6)
            ) as restored_value
        from tries
        where
            try_cast(printed_as as double) is not null
            and try_cast(printed_as as double) * case when reported_value < 0 then -1 else 1 end
            + cast(rounding as double) / 2
            >= print_low
            and try_cast(printed_as as double) * case when reported_value < 0 then -1 else 1 end
            - cast(rounding as double) / 2
            <= print_high
            and abs(try_cast(printed_as as double)) > 0

    ),

    -- A share that does not hold over the whole the text prints may hold over another reading of
    -- it.
    denominators as (

        select distinct
            m.document_id,
            m.claims,
            x.claim_id,
            'another whole: ' || coalesce(n.reading_id, x.basis_key) as slip,
            cast(null as decimal(24, 6)) as restored_value
        from minimal as m
        inner join
            {{ ref("claim_candidates") }} as x
            on list_contains(m.claims, x.claim_id)
            and len(m.claims) = 3
            and list_contains(m.claims, x.part_claim_id)
            and x.fit = 'exact'
        inner join {{ ref("claims") }} as k on x.claim_id = k.claim_id
        left join
            {{ ref("int_readings__named") }} as n
            on k.reporter_iso3 = n.reporter_iso3
            and k.partner_code = n.partner_code
            and k.trade_kind = n.trade_kind
            and x.basis_key = n.basis_key

    ),

    repairs as (

        select
            document_id,
            claims,
            list(
                claim_id
                || ': '
                || slip
                || coalesce(', ' || rtrim(rtrim(cast(restored_value as varchar), '0'), '.'), '')
                order by claim_id, slip, restored_value
            ) as repairs,
            case when count(distinct claim_id) = 1 then min(claim_id) end as suspect_claim_id
        from
            (
                select *
                from restored
                union all
                select *
                from denominators
            )
        group by document_id, claims

    ),

    with_repairs as (

        select m.*, r.repairs, r.suspect_claim_id
        from minimal as m
        left join repairs as r on m.document_id = r.document_id and m.claims = r.claims

    ),

    -- What follows from a figure already found wrong, or told with fewer figures, is not told
    -- again.
    first_causes as (

        select w.*
        from with_repairs as w
        where
            not exists (
                select 1
                from with_repairs as v
                where
                    w.document_id = v.document_id
                    and len(v.claims) < len(w.claims)
                    and (
                        list_contains(w.claims, v.suspect_claim_id)
                        or (len(v.left_claims) = 1 and v.left_claims = w.left_claims)
                    )
            )

    )

select
    document_id || ' | ' || array_to_string(claims, ' + ') as inconsistency_id,
    document_id,
    claims as claim_ids,
    equation,
    split_part(variable, '|', 5) as about,
    left_claims as left_claim_ids,
    left_low,
    left_high,
    right_claims as right_claim_ids,
    right_low,
    right_high,
    suspect_claim_id,
    coalesce(repairs, []) as repairs
from first_causes
