{{ config(tags=["question"]) }}

-- The possible meanings of a claim: its words as stated under every product group of the sector,
-- and common mix-ups. A mix-up is recognised only with three digits: two agree by chance.
with
    claims as (

        select *, reported_value / nullif(rounding, 0) as units_quoted
        from {{ ref("claims") }}
        where is_in_scope

    ),

    definitions as (

        select sector_id as sector, product_group, definition_rank
        from {{ ref("sector_definitions") }}

    ),

    as_stated as (

        select
            c.claim_id,
            'as_stated' as hypothesis,
            coalesce(d.product_group, c.sector) as product_group,
            coalesce(d.definition_rank, 1) as definition_rank,
            c.quantity,
            c.period_start,
            c.period_end,
            c.base_start,
            c.base_end
        from claims as c
        left join definitions as d on c.sector = d.sector

    ),

    recognisable as (

        select a.*, c.reporter_iso3, c.partner_code, c.sector
        from as_stated as a
        inner join claims as c on a.claim_id = c.claim_id
        where c.transform in ('level', 'size') and c.is_exact and abs(c.units_quoted) >= 100

    ),

    other_quantity as (

        select
            s.claim_id,
            'another measure: ' || q.quantity as hypothesis,
            s.product_group,
            s.definition_rank,
            q.quantity,
            s.period_start,
            s.period_end,
            s.base_start,
            s.base_end
        from recognisable as s
        inner join
            (select distinct quantity from {{ ref("claim_measures") }} where is_in_scope) as q
            on s.quantity <> q.quantity

    ),

    other_period as (

        select
            claim_id,
            'another period: twelve months' as hypothesis,
            product_group,
            definition_rank,
            quantity,
            cast(period_end + interval 1 day - interval 12 month as date) as period_start,
            period_end,
            base_start,
            base_end
        from recognisable
        where {{ period_kind("period_start", "period_end") }} = 'year_to_date'

        union all

        select
            claim_id,
            'another period: year to date' as hypothesis,
            product_group,
            definition_rank,
            quantity,
            make_date(year(period_end), 1, 1) as period_start,
            period_end,
            base_start,
            base_end
        from recognisable
        where {{ period_kind("period_start", "period_end") }} = 'twelve_months'

        union all

        select
            s.claim_id,
            'another period: the year '
            || case when n.step < 0 then 'before' else 'after' end as hypothesis,
            s.product_group,
            s.definition_rank,
            s.quantity,
            make_date(year(s.period_start) + n.step, 1, 1) as period_start,
            make_date(year(s.period_end) + n.step, 12, 31) as period_end,
            s.base_start,
            s.base_end
        from recognisable as s
        cross join
            (
                select -1 as step
                union all
                select 1 as step
            ) as n
        where {{ period_kind("s.period_start", "s.period_end") }} = 'year'

        union all

        select
            s.claim_id,
            'another period: agreement year of ' || g.name as hypothesis,
            s.product_group,
            s.definition_rank,
            s.quantity,
            make_date(year(s.period_start), month(g.in_force_from), 1) as period_start,
            cast(
                make_date(year(s.period_start) + 1, month(g.in_force_from), 1)
                - interval 1 day as date
            ) as period_end,
            s.base_start,
            s.base_end
        from recognisable as s
        inner join
            {{ ref("agreements") }} as g
            on (s.reporter_iso3 = g.reporter_iso3 and s.partner_code = g.partner_code)
            or (s.reporter_iso3 = g.partner_code and s.partner_code = g.reporter_iso3)
        where {{ period_kind("s.period_start", "s.period_end") }} = 'year'

    ),

    other_sector as (

        select
            s.claim_id,
            'another sector: ' || d.sector as hypothesis,
            d.product_group,
            d.definition_rank,
            s.quantity,
            s.period_start,
            s.period_end,
            s.base_start,
            s.base_end
        from recognisable as s
        inner join definitions as d on s.sector <> d.sector
        where d.sector = 'total'

    )

select *
from as_stated
union all
select *
from other_quantity
union all
select *
from other_period
union all
select *
from other_sector
