{{ config(tags=["question"], materialized="view") }}

-- The flows of each end of a bridge, with the raw rows behind them.
with
    ends as (select * from {{ ref("int_bridges__ends") }}),

    flows as (

        select bridge_id, side, vintage_date, exports_value_id as value_id
        from ends
        where exports_value_id is not null
        union all
        select bridge_id, side, vintage_date, imports_value_id as value_id
        from ends
        where imports_value_id is not null

    ),

    from_rows as (

        select
            f.bridge_id,
            f.side,
            v.direction,
            s.series_code as series_code,
            v.value_usd,
            max(p.release_no) as release_no,
            list(distinct p.figure_id order by p.figure_id) as evidence
        from flows as f
        inner join {{ ref("int_figures__values") }} as v on f.value_id = v.value_id
        inner join {{ ref("int_trade__series_listed") }} as s on v.series_id = s.series_id
        inner join
            {{ ref("int_figures__value_figures") }} as p
            on v.value_id = p.value_id
            and p.known_from <= f.vintage_date
            and (p.known_to is null or p.known_to > f.vintage_date)
        group by f.bridge_id, f.side, v.direction, s.series_code, v.value_usd

    ),

    -- A page may give only the whole figure, without its two flows.
    from_pages as (

        select
            e.bridge_id,
            e.side,
            e.quantity as direction,
            e.basis_key as series_code,
            q.value_usd,
            q.release_no,
            list(distinct q.figure_id order by q.figure_id) as evidence
        from ends as e
        inner join
            {{ ref("int_figures__quoted") }} as q
            on e.cell_id = q.cell_id
            and e.page_release_no = q.release_no
            and e.quantity = q.quantity
            and e.export_series_id is not distinct from q.export_series_id
            and e.import_series_id is not distinct from q.import_series_id
        group by e.bridge_id, e.side, e.quantity, e.basis_key, q.value_usd, q.release_no

    ),

    together as (

        select *
        from from_rows
        union all
        select *
        from from_pages

    )

select
    t.bridge_id,
    t.side,
    t.direction,
    t.series_code,
    t.value_usd,
    r.release_key,
    r.known_from,
    t.evidence
from together as t
inner join {{ ref("int_trade__releases_ordered") }} as r on t.release_no = r.release_no
