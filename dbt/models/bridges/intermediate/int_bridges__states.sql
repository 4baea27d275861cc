{{ config(tags=["question"]) }}

-- Every point between the ends of a bridge: each subset of the differing dimensions, changed. A
-- mask says which have been changed, by the bits of bridge_dimensions.
with
    ends as (select * from {{ ref("int_bridges__ends") }}),

    cells as (select * from {{ ref("int_figures__cells") }}),

    series as (select * from {{ ref("int_trade__series_listed") }}),

    bits as (

        select
            max(case when dimension = 'period' then order_bit end) as period,
            max(case when dimension = 'product_group' then order_bit end) as product_group,
            max(case when dimension = 'release' then order_bit end) as release,
            max(case when dimension = 'export_concept' then order_bit end) as export_concept,
            max(case when dimension = 'import_concept' then order_bit end) as import_concept,
            max(case when dimension = 'valuation' then order_bit end) as valuation,
            max(case when dimension = 'account_basis' then order_bit end) as account_basis,
            max(
                case when dimension = 'seasonal_adjustment' then order_bit end
            ) as seasonal_adjustment,
            max(case when dimension = 'exports_compiler' then order_bit end) as exports_compiler,
            max(case when dimension = 'imports_compiler' then order_bit end) as imports_compiler
        from {{ ref("bridge_dimensions") }}

    ),

    -- The reporter's exports are its own series or its partner's imports, and its imports likewise.
    sided as (

        select
            *,
            case
                when reported_by = 'reporter' then export_series_id else import_series_id
            end as exports_id,
            case
                when reported_by = 'reporter' then import_series_id else export_series_id
            end as imports_id
        from ends

    ),

    bridges as (

        select
            a.bridge_id,
            a.reporter_iso3,
            a.partner_code,
            a.trade_kind,
            a.quantity,
            a.product_group as a_product_group,
            b.product_group as b_product_group,
            a.period_start as a_period_start,
            a.period_end as a_period_end,
            b.period_start as b_period_start,
            b.period_end as b_period_end,
            a.vintage_date as a_vintage_date,
            b.vintage_date as b_vintage_date,
            a.page_release_no as a_page_release_no,
            b.page_release_no as b_page_release_no,
            a.reported_by = b.reported_by as is_one_compiler,
            a.exports_id as a_exports_id,
            b.exports_id as b_exports_id,
            a.imports_id as a_imports_id,
            b.imports_id as b_imports_id
        from sided as a
        inner join sided as b on a.bridge_id = b.bridge_id and b.side = 'b'
        where a.side = 'a'

    ),

    flows as (

        select bridge_id, 'exports' as direction, a_exports_id as a_id, b_exports_id as b_id
        from bridges
        union all
        select bridge_id, 'imports' as direction, a_imports_id as a_id, b_imports_id as b_id
        from bridges

    ),

    -- Series of one compiler differ by their dimensions, series of two compilers by who recorded
    -- them.
    flow_differences as (

        select
            f.bridge_id,
            f.direction,
            a.flow,
            a.compiler_id,
            a.trade_kind,
            a.series_id as a_series_id,
            b.series_id as b_series_id,
            a.concept as a_concept,
            b.concept as b_concept,
            a.valuation as a_valuation,
            b.valuation as b_valuation,
            a.account_basis as a_account_basis,
            b.account_basis as b_account_basis,
            a.seasonal_adjustment as a_seasonal_adjustment,
            b.seasonal_adjustment as b_seasonal_adjustment
        from flows as f
        inner join series as a on f.a_id = a.series_id
        inner join series as b on f.b_id = b.series_id

    ),

    differences as (

        select
            r.bridge_id,
            d.order_bit,
            case
                d.dimension
                when 'period'
                then r.a_period_start <> r.b_period_start or r.a_period_end <> r.b_period_end
                when 'product_group'
                then r.a_product_group <> r.b_product_group
                when 'release'
                then
                    r.a_vintage_date is distinct from r.b_vintage_date
                    or r.a_page_release_no is distinct from r.b_page_release_no
                when 'export_concept'
                then
                    r.is_one_compiler
                    and (
                        (x.flow = 'export' and x.a_concept <> x.b_concept)
                        or (m.flow = 'export' and m.a_concept <> m.b_concept)
                    )
                when 'import_concept'
                then
                    r.is_one_compiler
                    and (
                        (x.flow = 'import' and x.a_concept <> x.b_concept)
                        or (m.flow = 'import' and m.a_concept <> m.b_concept)
                    )
                when 'valuation'
                then
                    r.is_one_compiler
                    and (
                        coalesce(x.a_valuation <> x.b_valuation, false)
                        or coalesce(m.a_valuation <> m.b_valuation, false)
                    )
                when 'account_basis'
                then
                    r.is_one_compiler
                    and (
                        coalesce(x.a_account_basis <> x.b_account_basis, false)
                        or coalesce(m.a_account_basis <> m.b_account_basis, false)
                    )
                when 'seasonal_adjustment'
                then
                    r.is_one_compiler
                    and (
                        coalesce(x.a_seasonal_adjustment <> x.b_seasonal_adjustment, false)
                        or coalesce(m.a_seasonal_adjustment <> m.b_seasonal_adjustment, false)
                    )
                when 'exports_compiler'
                then not r.is_one_compiler and r.a_exports_id is not null
                when 'imports_compiler'
                then not r.is_one_compiler and r.a_imports_id is not null
            end as is_different
        from bridges as r
        left join flow_differences as x on r.bridge_id = x.bridge_id and x.direction = 'exports'
        left join flow_differences as m on r.bridge_id = m.bridge_id and m.direction = 'imports'
        cross join {{ ref("bridge_dimensions") }} as d

    ),

    masked as (

        select
            bridge_id,
            cast(
                coalesce(sum(case when is_different then order_bit end), 0) as integer
            ) as differing
        from differences
        group by bridge_id

    ),

    masks as (

        select d.differing, m.mask, bit_count(m.mask) as changed
        from (select distinct differing from masked) as d
        inner join
            (
                select unnest(range(0, 2 * max(order_bit))) as mask
                from {{ ref("bridge_dimensions") }}
            ) as m
            on m.mask & ~ d.differing = 0

    ),

    points as (

        select
            r.*,
            d.differing,
            m.mask,
            m.changed,
            case
                when m.mask & b.product_group > 0 then r.b_product_group else r.a_product_group
            end as product_group,
            case
                when m.mask & b.period > 0 then r.b_period_start else r.a_period_start
            end as period_start,
            case
                when m.mask & b.period > 0 then r.b_period_end else r.a_period_end
            end as period_end,
            case
                when m.mask & b.release > 0 then r.b_vintage_date else r.a_vintage_date
            end as vintage_date,
            case
                when m.mask & b.release > 0 then r.b_page_release_no else r.a_page_release_no
            end as page_release_no
        from bridges as r
        inner join masked as d on r.bridge_id = d.bridge_id
        inner join masks as m on d.differing = m.differing
        cross join bits as b

    ),

    -- The series of each flow at a point; there is no value where a compiler has no such series.
    flow_series as (

        select p.bridge_id, p.mask, f.direction, s.series_id
        from points as p
        inner join flow_differences as f on p.bridge_id = f.bridge_id
        cross join bits as b
        inner join
            series as s
            on s.measure = 'trade_value'
            and f.compiler_id = s.compiler_id
            and f.trade_kind = s.trade_kind
            and f.flow = s.flow
            and case
                when
                    p.mask
                    & case f.flow when 'export' then b.export_concept else b.import_concept end
                    > 0
                then f.b_concept
                else f.a_concept
            end
            = s.concept
            and case when p.mask & b.valuation > 0 then f.b_valuation else f.a_valuation end
            = s.valuation
            and case
                when p.mask & b.account_basis > 0 then f.b_account_basis else f.a_account_basis
            end
            = s.account_basis
            and case
                when p.mask & b.seasonal_adjustment > 0
                then f.b_seasonal_adjustment
                else f.a_seasonal_adjustment
            end
            = s.seasonal_adjustment
        where p.is_one_compiler

        union all

        select
            p.bridge_id,
            p.mask,
            f.direction,
            case
                when
                    p.mask & case
                        f.direction when 'exports' then b.exports_compiler else b.imports_compiler
                    end
                    > 0
                then f.b_series_id
                else f.a_series_id
            end as series_id
        from points as p
        inner join flow_differences as f on p.bridge_id = f.bridge_id
        cross join bits as b
        where not p.is_one_compiler

    ),

    placed as (

        select p.*, c.cell_id, x.series_id as exports_series_id, m.series_id as imports_series_id
        from points as p
        inner join
            cells as c
            on p.reporter_iso3 = c.reporter_iso3
            and p.partner_code = c.partner_code
            and p.trade_kind = c.trade_kind
            and p.product_group = c.product_group
            and p.period_start = c.period_start
            and p.period_end = c.period_end
        left join
            flow_series as x
            on p.bridge_id = x.bridge_id
            and p.mask = x.mask
            and x.direction = 'exports'
        left join
            flow_series as m
            on p.bridge_id = m.bridge_id
            and p.mask = m.mask
            and m.direction = 'imports'

    ),

    valued as (

        select p.bridge_id, p.mask, v.direction, v.value_id, v.value_usd
        from placed as p
        inner join
            {{ ref("int_figures__values") }} as v
            on p.cell_id = v.cell_id
            and v.series_id = case
                when v.direction = 'exports' then p.exports_series_id else p.imports_series_id
            end
        where v.valid_from <= p.vintage_date and (v.valid_to is null or v.valid_to > p.vintage_date)

    ),

    quoted as (

        select p.bridge_id, p.mask, max(q.value_usd) as value_usd
        from placed as p
        inner join
            {{ ref("int_figures__quoted") }} as q
            on p.cell_id = q.cell_id
            and p.page_release_no = q.release_no
            and p.quantity = q.quantity
        where
            (
                p.exports_series_id is null
                or p.exports_series_id in (q.export_series_id, q.import_series_id)
            )
            and (
                p.imports_series_id is null
                or p.imports_series_id in (q.export_series_id, q.import_series_id)
            )
        group by p.bridge_id, p.mask

    )

select
    p.bridge_id,
    p.mask,
    p.changed,
    p.differing,
    p.quantity,
    p.cell_id,
    p.vintage_date,
    p.page_release_no,
    p.exports_series_id,
    p.imports_series_id,
    x.value_id as exports_value_id,
    m.value_id as imports_value_id,
    coalesce(
        q.value_usd,
        cast(
            case
                p.quantity
                when 'exports'
                then x.value_usd
                when 'imports'
                then m.value_usd
                when 'balance'
                then x.value_usd - m.value_usd
                else x.value_usd + m.value_usd
            end as decimal(24, 3)
        )
    ) as value_usd
from placed as p
left join valued as x on p.bridge_id = x.bridge_id and p.mask = x.mask and x.direction = 'exports'
left join valued as m on p.bridge_id = m.bridge_id and p.mask = m.mask and m.direction = 'imports'
left join quoted as q on p.bridge_id = q.bridge_id and p.mask = q.mask
