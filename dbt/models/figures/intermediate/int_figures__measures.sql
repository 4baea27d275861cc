{{ config(tags=["question"], materialized="view") }}

-- The measures of a figure: exports, imports, balance and total trade, each for as long as it
-- stayed the same, and as pages quote them.
with
    vals as (

        select v.*, r.known_from_earliest
        from {{ ref("int_figures__values") }} as v
        inner join
            {{ ref("int_trade__releases_ordered") }} as r on v.first_release_no = r.release_no

    ),

    balances as (

        select b.*, greatest(x.known_from_earliest, m.known_from_earliest) as known_from_earliest
        from {{ ref("int_figures__balances") }} as b
        inner join vals as x on b.exports_value_id = x.value_id
        inner join vals as m on b.imports_value_id = m.value_id
        where not b.is_page

    ),

    measures as (

        select
            cell_id,
            direction as quantity,
            reported_by,
            case
                when (direction = 'exports') = (reported_by = 'reporter') then series_id
            end as export_series_id,
            case
                when (direction = 'exports') <> (reported_by = 'reporter') then series_id
            end as import_series_id,
            value_usd,
            rounding_margin_usd,
            evidence_kind,
            valid_from,
            valid_to,
            known_from_earliest,
            case when direction = 'exports' then value_id end as exports_value_id,
            case when direction = 'imports' then value_id end as imports_value_id,
            release_no as exports_release_no,
            release_no as imports_release_no,
            cast(null as integer) as page_release_no,
            cast(null as bigint) as page_figure_id
        from vals

        union all

        select
            b.cell_id,
            q.quantity,
            b.reported_by,
            b.export_series_id,
            b.import_series_id,
            case when q.quantity = 'balance' then b.balance_usd else b.two_way_usd end as value_usd,
            b.rounding_margin_usd,
            b.evidence_kind,
            b.valid_from,
            b.valid_to,
            b.known_from_earliest,
            b.exports_value_id,
            b.imports_value_id,
            b.exports_release_no,
            b.imports_release_no,
            cast(null as integer) as page_release_no,
            cast(null as bigint) as page_figure_id
        from balances as b
        cross join
            (
                select 'balance' as quantity
                union all
                select 'two_way' as quantity
            ) as q

        union all

        select
            cell_id,
            quantity,
            reported_by,
            export_series_id,
            import_series_id,
            value_usd,
            rounding_margin_usd,
            evidence_kind,
            known_from as valid_from,
            cast(null as date) as valid_to,
            known_from_earliest,
            cast(null as integer) as exports_value_id,
            cast(null as integer) as imports_value_id,
            release_no as exports_release_no,
            release_no as imports_release_no,
            release_no as page_release_no,
            figure_id as page_figure_id
        from {{ ref("int_figures__quoted") }}

    )

select
    m.cell_id,
    m.quantity,
    m.reported_by,
    m.export_series_id,
    m.import_series_id,
    x.series_code as export_series_code,
    i.series_code as import_series_code,
    {{ basis_key("x.series_code", "i.series_code") }} as basis_key,
    cast(m.value_usd as decimal(24, 3)) as value_usd,
    m.rounding_margin_usd,
    m.evidence_kind,
    m.valid_from,
    m.valid_to,
    m.known_from_earliest,
    m.exports_value_id,
    m.imports_value_id,
    m.exports_release_no,
    m.imports_release_no,
    m.page_release_no,
    m.page_figure_id
from measures as m
left join {{ ref("int_trade__series_listed") }} as x on m.export_series_id = x.series_id
left join {{ ref("int_trade__series_listed") }} as i on m.import_series_id = i.series_id
