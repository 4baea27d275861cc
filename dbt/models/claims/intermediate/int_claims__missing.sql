{{ config(tags=["question"]) }}

-- The rows that a claim needs and that are not available: each product group of its sector, each
-- period, on the preferred basis, as a statistic and not as a rounded quotation.
with
    claims as (select * from {{ ref("claims") }}),

    hypotheses as (

        select h.*, c.reporter_iso3, c.transform, c.sector
        from {{ ref("int_claims__hypotheses") }} as h
        inner join claims as c on h.claim_id = c.claim_id
        where h.hypothesis like 'as_stated%'

    ),

    needed as (

        select
            claim_id,
            reporter_iso3,
            partner_code,
            trade_kind,
            quantity,
            product_group,
            definition_rank,
            period_start,
            period_end
        from hypotheses
        where transform not in ('rank', 'streak')

        union

        select
            claim_id,
            reporter_iso3,
            partner_code,
            trade_kind,
            quantity,
            product_group,
            definition_rank,
            base_start as period_start,
            base_end as period_end
        from hypotheses
        where
            transform not in ('rank', 'streak', 'record', 'lowest')
            and base_start is not null
            -- The twelve months before an agreement lie in the years around it, which decide.
            and month(base_start) = month(period_start)

        union

        select
            claim_id,
            reporter_iso3,
            whole_partner_code as partner_code,
            trade_kind,
            quantity,
            whole_product_group as product_group,
            0 as definition_rank,
            period_start,
            period_end
        from hypotheses
        where whole_partner_code is not null

    ),

    available as (

        select distinct
            c.cell_key as cell_id, q.quantity, q.export_series_code, q.import_series_code
        from {{ ref("int_figures__measures") }} as q
        inner join {{ ref("int_figures__cells") }} as c on q.cell_id = c.cell_id
        where q.evidence_kind = 'statistic'

    ),

    preferred as (

        select
            reporter_iso3,
            partner_code,
            trade_kind,
            basis_id,
            reported_by,
            export_series_code,
            import_series_code
        from {{ ref("bases") }} as n
        where
            reported_by = 'reporter'
            and policy_rank = (
                select min(m.policy_rank)
                from {{ ref("bases") }} as m
                where
                    n.reporter_iso3 = m.reporter_iso3
                    and n.partner_code = m.partner_code
                    and n.trade_kind = m.trade_kind
                    and m.reported_by = 'reporter'
            )

    ),

    checked as (

        select
            n.*,
            {{
                cell_key(
                    "n.reporter_iso3",
                    "n.partner_code",
                    "n.trade_kind",
                    "n.product_group",
                    "n.period_start",
                    "n.period_end",
                )
            }} as cell_id
        from needed as n

    ),

    available_any as (

        select distinct c.claim_id, c.cell_id
        from checked as c
        inner join available as h on c.cell_id = h.cell_id and c.quantity = h.quantity

    ),

    available_preferred as (

        select distinct c.claim_id, c.cell_id
        from checked as c
        inner join available as h on c.cell_id = h.cell_id and c.quantity = h.quantity
        inner join
            preferred as p
            on c.reporter_iso3 = p.reporter_iso3
            and c.partner_code = p.partner_code
            and c.trade_kind = p.trade_kind
            and coalesce(h.export_series_code, p.export_series_code) = p.export_series_code
            and coalesce(h.import_series_code, p.import_series_code) = p.import_series_code

    ),

    -- Another basis of the same figure is available, and is farther from the claim than one basis
    -- ever is from another: the preferred one could not make the claim true.
    out_of_reach as (

        select x.claim_id, x.product_group
        from {{ ref("claim_candidates") }} as x
        inner join
            claims as k
            on x.claim_id = k.claim_id
            and k.transform in ('level', 'size', 'average', 'share')
        cross join
            (
                select min(low_ratio) as low_ratio, max(high_ratio) as high_ratio
                from {{ ref("series_bands") }}
            ) as b
        where x.is_as_stated and x.reported_by = 'reporter' and x.evidence_kind = 'statistic'
        group by x.claim_id, x.product_group
        having
            bool_and(x.value * b.low_ratio > k.high or x.value * b.high_ratio < k.low)
            and min(x.value) > 0

    ),

    rows_missing as (

        select
            c.claim_id,
            c.definition_rank,
            coalesce(d.definition_name, c.product_group)
            || ', '
            || c.trade_kind
            || ' '
            || replace(c.quantity, '_', '-')
            || ', '
            || c.reporter_iso3
            || '–'
            || c.partner_code
            || ', '
            || {{ period_text("c.period_start", "c.period_end") }}
            || case
                when a.cell_id is null then '' else ', on the preferred basis'
            end as missing_row
        from checked as c
        left join available_any as a on c.claim_id = a.claim_id and c.cell_id = a.cell_id
        left join available_preferred as p on c.claim_id = p.claim_id and c.cell_id = p.cell_id
        left join {{ ref("sector_definitions") }} as d on c.product_group = d.product_group
        left join out_of_reach as o on c.claim_id = o.claim_id and c.product_group = o.product_group
        where p.cell_id is null and (a.cell_id is null or o.claim_id is null)

        union all

        select
            k.claim_id,
            0 as definition_rank,
            'exchange rate of ' || k.currency || ' to USD, ' || k.period as missing_row
        from claims as k
        where k.currency is not null and k.currency <> 'USD'

        union all

        select
            k.claim_id,
            0 as definition_rank,
            'all partners of ' || k.reporter_iso3 || ' in one release, ' || k.period as missing_row
        from claims as k
        where
            k.transform = 'rank'
            and k.claim_id not in (select claim_id from {{ ref("claim_candidates") }})

        union all

        select
            k.claim_id,
            0 as definition_rank,
            k.trade_kind
            || ' balance by year up to '
            || k.period
            || ', '
            || k.reporter_iso3
            || '–'
            || k.partner_code as missing_row
        from claims as k
        where
            k.transform = 'streak'
            and k.claim_id not in (
                select claim_id
                from {{ ref("claim_candidates") }}
                where evidence_kind <> 'lower bound'
            )

        union all

        -- Years that a record needs, where the available ones do not decide it.
        select
            k.claim_id,
            0 as definition_rank,
            k.trade_kind
            || ' '
            || replace(k.quantity, '_', '-')
            || ' by year, '
            || coalesce(
                'all after ' || year(coalesce(k.base_end, k.base_event_on)),
                'at least {{ var("least_years_of_a_record") }}'
            )
            || ' up to '
            || k.period
            || ', '
            || k.reporter_iso3
            || '–'
            || k.partner_code as missing_row
        from claims as k
        where
            k.transform in ('record', 'lowest')
            and k.claim_id not in (
                select claim_id
                from {{ ref("claim_candidates") }}
                where reported_by = 'reporter' and (evidence_kind = 'statistic' or fit = 'none')
            )

    )

select claim_id, definition_rank, missing_row
from rows_missing
