{{ config(tags=["question"]) }}

{#- The figures on both sides of a clash, one that stands on both counted twice: what takes more
    is nothing a reader would follow. -#}
{% set most_claims = 7 %}

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
            and len(f.claims) + len(g.claims) <= {{ most_claims }}
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
            and len(f.claims) + len(g.claims) <= {{ most_claims }}

    ),

    clashing as (

        select document_id, list(distinct claim_id order by claim_id) as claims
        from (select document_id, unnest(claims) as claim_id from clashes)
        group by document_id

    ),

    -- Neither a flow nor a rate of exchange is ever negative: told where the figures do not
    -- already fall out with each other.
    negatives as (

        select
            i.document_id,
            i.variable,
            i.low as left_low,
            i.high as left_high,
            i.claims as left_claims,
            i.depth as left_depth,
            0 as right_low,
            1e30 as right_high,
            cast([] as varchar[]) as right_claims,
            case
                when i.variable like '%|exchange rate of %'
                then 'exchange rate >= 0'
                else split_part(i.variable, '|', 5) || ' >= 0'
            end as equation,
            i.depth,
            i.claims
        from implied as i
        left join clashing as c on i.document_id = c.document_id
        where
            (
                (
                    split_part(i.variable, '|', 5) in ('exports', 'imports', 'two_way')
                    and i.high < -0.5
                )
                or (i.variable like '%|exchange rate of %' and i.high < 0)
            )
            and (c.claims is null or not list_has_any(i.claims, c.claims))

    ),

    all_clashes as (

        select *
        from clashes
        union all
        select *
        from parts
        union all
        select *
        from negatives

    ),

    -- Two people whom a text quotes may use two bases; a text falls out with itself, or with one.
    voices as (

        select c.document_id, c.claims
        from (select distinct document_id, claims, unnest(claims) as claim_id from all_clashes) as c
        inner join {{ ref("claims") }} as k on c.claim_id = k.claim_id
        group by c.document_id, c.claims
        having count(distinct k.attributed_to) <= 1

    ),

    of_one_voice as (

        select a.*
        from all_clashes as a
        inner join voices as v on a.document_id = v.document_id and a.claims = v.claims

    ),

    -- One row a set of figures, told from the figure that needs the fewest steps to see.
    told as (

        select *
        from of_one_voice
        qualify
            row_number() over (
                partition by document_id, claims
                order by
                    left_depth,
                    case
                        when
                            variable like '%|change of %'
                            or variable like '%|factor of %'
                            or variable like '%|rise of %'
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

    fewer as (

        select document_id, claims, unnest({{ proper_subsets("claims") }}) as fewer_claims from told

    ),

    told_by_fewer as (

        select distinct f.document_id, f.claims
        from fewer as f
        inner join told as t on f.document_id = t.document_id and f.fewer_claims = t.claims

    ),

    minimal as (

        select t.*
        from told as t
        left join told_by_fewer as f on t.document_id = f.document_id and t.claims = f.claims
        where f.claims is null

    ),

    suspects as (

        select
            m.document_id,
            m.claims,
            c.claim_id,
            c.rounding,
            c.reported_value,
            c.unit_kind,
            c.transform,
            c.direction,
            u.multiplier,
            own.variable,
            own.low as own_low,
            own.high as own_high
        from minimal as m
        inner join {{ ref("claims") }} as c on list_contains(m.claims, c.claim_id)
        inner join {{ ref("units") }} as u on c.unit = u.unit
        inner join implied as own on own.document_id = m.document_id and own.claims = [c.claim_id]

    ),

    -- What the others leave for each single figure, by every way they say it: the others of the
    -- clash, and all others of the text.
    left_by_others as (

        select
            s.*,
            list_has_all(s.claims, g.claims) as is_within,
            case when s.variable like '%|rise of %' then 1 else 0 end + g.low as low,
            case when s.variable like '%|rise of %' then 1 else 0 end + g.high as high,
            case when s.variable like '%|rise of %' then 1 else 0 end + s.own_low as printed_low,
            case when s.variable like '%|rise of %' then 1 else 0 end + s.own_high as printed_high
        from suspects as s
        inner join
            implied as g
            on s.document_id = g.document_id
            and s.variable = g.variable
            and not list_contains(g.claims, s.claim_id)

    ),

    -- All others count only where they leave something and those of the clash are silent. What
    -- fits as it is printed needs no repair.
    allowed as (

        select
            document_id,
            claims,
            claim_id,
            rounding,
            reported_value,
            unit_kind,
            transform,
            direction,
            multiplier,
            coalesce(max(low) filter (where is_within), max(low)) as allowed_low,
            coalesce(min(high) filter (where is_within), min(high)) as allowed_high,
            max(printed_low) as printed_low,
            min(printed_high) as printed_high
        from left_by_others
        group by
            document_id,
            claims,
            claim_id,
            rounding,
            reported_value,
            unit_kind,
            transform,
            direction,
            multiplier

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
        where
            unit_kind <> 'sign'
            and allowed_low <= allowed_high
            and (printed_low > allowed_high or printed_high < allowed_low)

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
            rounding / 1000 as rounding,
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
            rounding * 1000 as rounding,
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
            {{ ref("bases") }} as n
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
            list(distinct claim_id order by claim_id) as repaired_claims,
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

        select m.*, r.repairs, r.repaired_claims, r.suspect_claim_id
        from minimal as m
        left join repairs as r on m.document_id = r.document_id and m.claims = r.claims

    ),

    -- From the clash of fewest figures on: one that a figure already told of would explain is not
    -- told again.
    ordered as (

        select
            document_id,
            list(
                [
                    {
                        'claims':claims,
                        'explained_by':coalesce(
                            repaired_claims,
                            case when len(left_claims) = 1 then left_claims else claims end
                        )
                    }
                ]
                order by len(claims), left_depth, depth, cast(claims as varchar)
            ) as clashes
        from with_repairs
        group by document_id

    ),

    first_causes as (

        select
            document_id,
            unnest(
                list_reduce(
                    clashes,
                    lambda kept,
                    clash: case
                        when
                            len(
                                list_filter(
                                    kept,
                                    lambda earlier:list_has_any(
                                        earlier.explained_by, clash[1].claims
                                    )
                                )
                            )
                            > 0
                        then kept
                        else list_concat(kept, clash)
                    end
                )
            ).claims as claims
        from ordered

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
inner join with_repairs using (document_id, claims)
