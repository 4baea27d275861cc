{{ config(tags=["question"], materialized="view") }}

-- The figures that pages quote, as rounded there, from the point of view of the figure's reporter.
with
    quoted as (

        select
            f.*,
            r.evidence_kind,
            r.known_from_earliest,
            coalesce(x.compiler_id, m.compiler_id) as compiler_id,
            coalesce(x.trade_kind, m.trade_kind) as trade_kind,
            coalesce(x.account_basis, m.account_basis) as account_basis
        from {{ ref("int_trade__figures") }} as f
        inner join {{ ref("int_trade__releases_ordered") }} as r on f.release_no = r.release_no
        left join {{ ref("int_trade__series_listed") }} as x on f.export_series_id = x.series_id
        left join {{ ref("int_trade__series_listed") }} as m on f.import_series_id = m.series_id
        where
            r.evidence_kind = 'printed'
            and coalesce(x.measure, m.measure) = 'trade_value'
            and f.known_from <= {{ as_of_day() }}

    ),

    single as (

        select product_group_id, min(product_id) as product_id
        from {{ ref("product_groups") }}
        where members = 1
        group by product_group_id

    ),

    sided as (

        select
            c.cell_id,
            case
                when q.compiler_id = c.reporter_id then 'reporter' else 'partner'
            end as reported_by,
            q.*
        from {{ ref("int_figures__cells") }} as c
        inner join single as g on c.product_group_id = g.product_group_id
        inner join
            quoted as q
            on c.trade_kind = q.trade_kind
            and g.product_id = q.product_id
            and c.period_start = q.period_start
            and c.period_end = q.period_end
            and (
                (c.reporter_id = q.compiler_id and c.partner_id = q.partner_id)
                or (c.reporter_id = q.partner_id and c.partner_id = q.compiler_id)
            )

    )

select
    cell_id,
    release_no,
    reported_by,
    export_series_id,
    import_series_id,
    account_basis,
    case
        when flow in ('two_way', 'balance')
        then flow
        when (flow = 'export') = (reported_by = 'reporter')
        then 'exports'
        else 'imports'
    end as quantity,
    case
        when flow = 'balance' and reported_by = 'partner' then - value_usd else value_usd
    end as value_usd,
    rounding_margin_usd,
    evidence_kind,
    known_from,
    known_from_earliest,
    figure_id
from sided
