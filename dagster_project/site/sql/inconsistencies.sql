{#
title = "Figures in this article that cannot all be true"
unit = "Found by arithmetic on the quoted figures alone, with their rounding."
basis = "the quoted figures only"
release = "as quoted"
source = "{{ outline.documents.get(document or '', document or 'none') }}"
#}
-- Figures of one article that cannot all be true; money in billions.
with
    broken as (

        select *
        from marts.claim_inconsistencies
        where
            document_id = {{ document }}
            and ({{ claim }} is null or list_contains(claim_ids, {{ claim }}))

    ),

    currencies as (

        select
            b.inconsistency_id,
            case
                when count(distinct c.currency) = 1 then min(c.currency) || ' bn' else 'bn'
            end as unit
        from broken as b
        inner join marts.claims as c on list_contains(b.claim_ids, c.claim_id)
        where c.currency is not null
        group by b.inconsistency_id

    ),

    scaled as (

        select
            b.*,
            case
                when regexp_matches(b.about, '^(factor|rise|share) of ') or b.about = ''
                then null
                else coalesce(u.unit, 'bn')
            end as unit,
            if(
                regexp_matches(b.about, '^(factor|rise|share) of ') or b.about = '', 1, 1e9
            ) as divisor
        from broken as b
        left join currencies as u on b.inconsistency_id = u.inconsistency_id

    )

-- An end beyond all amounts means that the side is open.
select
    inconsistency_id,
    equation,
    about,
    left_claim_ids,
    if(abs(left_low) < 1e29, round(left_low / divisor, 4), null) as left_low,
    if(abs(left_high) < 1e29, round(left_high / divisor, 4), null) as left_high,
    right_claim_ids,
    if(abs(right_low) < 1e29, round(right_low / divisor, 4), null) as right_low,
    if(abs(right_high) < 1e29, round(right_high / divisor, 4), null) as right_high,
    unit,
    suspect_claim_id,
    repairs,
    claim_ids
from scaled
order by inconsistency_id
