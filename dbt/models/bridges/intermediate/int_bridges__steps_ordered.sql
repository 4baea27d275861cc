{{ config(tags=["question"]) }}

-- The steps in the standard order. A point without rows is skipped, so that the steps before and
-- after it become one step with both names.
with
    states as (

        select *, differing - mask as unchanged
        from {{ ref("int_bridges__states") }}
        where value_usd is not null

    ),

    -- In the standard order every changed dimension comes before every unchanged one.
    in_standard_order as (
        select * from states where unchanged = 0 or mask < (unchanged & - unchanged)
    ),

    ordered as (

        select
            *,
            lag(mask) over bridge as before_mask,
            lag(value_usd) over bridge as before_usd,
            lag(cell_id) over bridge as before_cell_id,
            lag(vintage_date) over bridge as before_vintage_date,
            lag(page_release_no) over bridge as before_page_release_no,
            lag(exports_series_id) over bridge as before_exports_series_id,
            lag(imports_series_id) over bridge as before_imports_series_id,
            lag(exports_value_id) over bridge as before_exports_value_id,
            lag(imports_value_id) over bridge as before_imports_value_id
        from in_standard_order
        window bridge as (partition by bridge_id order by mask)

    ),

    steps as (select *, mask - before_mask as step_mask from ordered where before_mask is not null),

    -- The valuations of imports before and after a step, whichever of the two flows they are.
    import_valuations as (

        select
            s.bridge_id, s.mask, min(i.valuation) as valuation, min(b.valuation) as before_valuation
        from steps as s
        inner join
            {{ ref("int_trade__series_listed") }} as i
            on i.flow = 'import'
            and i.series_id in (s.exports_series_id, s.imports_series_id)
        inner join
            {{ ref("int_trade__series_listed") }} as b
            on b.flow = 'import'
            and b.series_id in (s.before_exports_series_id, s.before_imports_series_id)
        group by s.bridge_id, s.mask

    ),

    changed as (

        select
            s.bridge_id,
            s.mask,
            d.order_bit,
            case
                when
                    d.dimension = 'valuation'
                    and least(v.valuation, v.before_valuation) = 'cif'
                    and greatest(v.valuation, v.before_valuation) = 'customs'
                then 'CIF'
                else d.cause_code
            end as cause_code,
            bit_or(d.included_bits) over (partition by s.bridge_id, s.mask) as included_bits
        from steps as s
        inner join {{ ref("bridge_dimensions") }} as d on s.step_mask & d.order_bit > 0
        left join import_valuations as v on s.bridge_id = v.bridge_id and s.mask = v.mask

    ),

    -- Freight and insurance are no part of an adjustment to another account.
    named as (

        select bridge_id, mask, string_agg(cause_code, ' + ' order by order_bit) as cause_code
        from changed
        where cause_code = 'CIF' or included_bits & order_bit = 0
        group by bridge_id, mask

    ),

    -- Every other order that the rows allow changes this dimension at another point.
    edges as (

        select
            f.bridge_id,
            t.mask - f.mask as step_mask,
            min(t.value_usd - f.value_usd) as amount_min_usd,
            max(t.value_usd - f.value_usd) as amount_max_usd
        from states as f
        inner join
            states as t
            on f.bridge_id = t.bridge_id
            and t.changed = f.changed + 1
            and f.mask & ~ t.mask = 0
        group by f.bridge_id, t.mask - f.mask

    )

select
    s.bridge_id,
    row_number() over (partition by s.bridge_id order by s.mask) as step_order,
    n.cause_code,
    cast(s.value_usd - s.before_usd as decimal(24, 3)) as amount_usd,
    cast(
        coalesce(e.amount_min_usd, s.value_usd - s.before_usd) as decimal(24, 3)
    ) as amount_min_usd,
    cast(
        coalesce(e.amount_max_usd, s.value_usd - s.before_usd) as decimal(24, 3)
    ) as amount_max_usd,
    s.before_usd,
    s.value_usd as after_usd,
    s.before_cell_id,
    s.cell_id as after_cell_id,
    s.before_vintage_date,
    s.vintage_date as after_vintage_date,
    s.before_page_release_no,
    s.page_release_no as after_page_release_no,
    s.before_exports_series_id,
    s.before_imports_series_id,
    s.exports_series_id as after_exports_series_id,
    s.imports_series_id as after_imports_series_id,
    s.before_exports_value_id,
    s.before_imports_value_id,
    s.exports_value_id as after_exports_value_id,
    s.imports_value_id as after_imports_value_id,
    s.quantity
from steps as s
inner join named as n on s.bridge_id = n.bridge_id and s.mask = n.mask
left join edges as e on s.bridge_id = e.bridge_id and s.step_mask = e.step_mask
