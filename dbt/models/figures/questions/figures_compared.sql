{{ config(tags=["question"], materialized="view") }}

-- Every available figure side by side: each basis and release, and each flow that no basis can use
-- because the other flow is not available.
with
    balances_ranked as (

        select
            *,
            row_number() over (
                partition by cell_id, is_named and not is_page and known_to is null
                order by {{ basis_preference() }}
            ) as preference
        from {{ ref("balances_by_basis") }}

    ),

    policies as (

        select reporter_iso3, trade_kind, basis_id, policy_rank, reason
        from {{ ref("basis_policy") }}

    ),

    chosen as (

        select
            r.cell_id,
            r.product_group,
            r.basis_id,
            r.reported_by,
            r.export_series_code,
            r.import_series_code,
            r.exports_usd,
            r.imports_usd,
            r.balance_usd,
            r.two_way_usd,
            r.rounding_margin_usd,
            r.evidence_kind,
            r.is_page,
            coalesce('months' in (x.route, m.route), false) as is_sum_of_months,
            r.release_key,
            r.known_from,
            r.known_to,
            r.policy_rank,
            r.is_named
            and not r.is_page
            and r.known_to is null
            and r.preference = 1 as is_preferred,
            p.reason
        from balances_ranked as r
        inner join {{ ref("int_figures__balances") }} as b on r.balance_id = b.balance_id
        left join {{ ref("int_figures__values") }} as x on b.exports_value_id = x.value_id
        left join {{ ref("int_figures__values") }} as m on b.imports_value_id = m.value_id
        left join
            policies as p
            on r.basis_id = p.basis_id
            and r.trade_kind = p.trade_kind
            and r.policy_rank = p.policy_rank
            and p.reporter_iso3 in (r.reporter_iso3, '*')

    ),

    -- The value of each series that no balance can use because the other flow is not available.
    singles as (

        select
            c.cell_key as cell_id,
            c.product_group,
            cast(null as varchar) as basis_id,
            q.reported_by,
            q.export_series_code,
            q.import_series_code,
            case when q.quantity = 'exports' then q.value_usd end as exports_usd,
            case when q.quantity = 'imports' then q.value_usd end as imports_usd,
            cast(null as decimal(24, 3)) as balance_usd,
            cast(null as decimal(24, 3)) as two_way_usd,
            q.rounding_margin_usd,
            q.evidence_kind,
            q.page_release_no is not null as is_page,
            q.page_release_no is null
            and exists (
                select 1
                from {{ ref("int_figures__values") }} as v
                where
                    q.cell_id = v.cell_id
                    and coalesce(q.export_series_id, q.import_series_id) = v.series_id
                    and q.valid_from between v.valid_from and coalesce(v.valid_to, q.valid_from)
                    and v.route = 'months'
            ) as is_sum_of_months,
            r.release_key,
            r.known_from,
            q.valid_to as known_to,
            cast(null as integer) as policy_rank,
            false as is_preferred,
            cast(null as varchar) as reason,
            row_number() over (
                partition by q.cell_id, q.basis_key, q.quantity, q.page_release_no is not null
                order by q.valid_from desc, q.page_release_no
            ) as recency
        from {{ ref("int_figures__measures") }} as q
        inner join {{ ref("int_figures__cells") }} as c on q.cell_id = c.cell_id
        inner join
            {{ ref("int_trade__releases_ordered") }} as r on q.exports_release_no = r.release_no
        where
            q.quantity in ('exports', 'imports')
            and not exists (
                select 1
                from {{ ref("int_figures__balances") }} as b
                where
                    q.cell_id = b.cell_id
                    and coalesce(q.export_series_id, q.import_series_id)
                    in (b.export_series_id, b.import_series_id)
            )

    )

select *
from chosen
union all by name
select * exclude (recency)
from singles
where recency = 1
