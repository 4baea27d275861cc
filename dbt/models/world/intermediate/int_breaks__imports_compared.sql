-- Imports of a year from a partner in a collection of many offices' figures, over the same imports
-- from a source closer to the compiling office. The valuation that the collection states is
-- ignored: it is what is being tested.
with
    sources as (select * from {{ ref("source_list") }}),

    known as (

        select
            o.*,
            s.reporter_iso3 is null as is_collection,
            o.product_system || ':' || o.product_code as product,
            cast(year(o.period_start) as integer) as year
        from {{ ref("observations") }} as o
        inner join sources as s on o.source_id = s.source_id
        where
            o.measure = 'trade_value'
            and o.trade_kind = 'goods'
            and o.flow = 'import'
            and o.evidence_kind = 'statistic'
            and not o.is_aggregate
            and o.seasonal_adjustment = 'nsa'
            and o.period_kind = 'year'
            and o.value_usd > 0
            and o.known_from <= {{ as_of_day() }}
            and (o.known_to is null or o.known_to > {{ as_of_day() }})

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by
                    raw_table,
                    reporter_iso3,
                    partner_code,
                    product,
                    year,
                    import_concept,
                    case when is_collection then '' else valuation end
                order by
                    -- A collection may also give the value without freight and insurance; it says
                    -- nothing about the valuation of its series.
                    case when is_collection and valuation = 'cif' then 0 else 1 end,
                    last_known_from desc,
                    rounding_margin_usd,
                    observation_id
            ) as preference
        from known

    ),

    collected as (

        select
            source_id,
            raw_table,
            source_rank,
            last_release_id as release_id,
            reporter_iso3,
            partner_code,
            product,
            year,
            import_concept,
            cast(value_usd as double) as value_usd
        from ranked
        where preference = 1 and is_collection
        union all
        -- Bulk files have no total over products except the sum of their products.
        select
            s.source_id,
            'un_comtrade__bulk',
            s.source_rank,
            r.release_id,
            i.importer_iso3,
            i.exporter_iso3,
            'total:total',
            i.year,
            coalesce(t.import_concept, 'general'),
            i.importer_reported_usd
        from {{ ref("int_mirror__import_levels") }} as i
        inner join {{ ref("int_mirror__releases") }} as r on i.year = r.year and r.recency = 1
        inner join sources as s on r.source_id = s.source_id
        left join
            {{ ref("int_trade__un_comtrade_reporting_chosen") }} as t
            on t.type_code = 'C'
            and t.freq_code = 'A'
            and t.reference_period = cast(i.year as {{ dbt.type_string() }})
            and i.importer_iso3 = t.reporter_iso3
        where i.importer_reported_usd > 0

    )

select
    c.source_id,
    c.raw_table,
    c.release_id,
    c.reporter_iso3,
    c.partner_code,
    c.product,
    c.year,
    n.source_id || ' ' || n.import_concept || ' ' || n.valuation as compared_with,
    n.valuation as compared_valuation,
    ln(c.value_usd / cast(n.value_usd as double)) as ln_ratio
from collected as c
inner join
    ranked as n
    on c.reporter_iso3 = n.reporter_iso3
    and c.partner_code = n.partner_code
    and c.product = n.product
    and c.year = n.year
    and c.import_concept = n.import_concept
    and n.source_rank < c.source_rank
    and n.valuation in ('customs', 'fob', 'cif')
where n.preference = 1 and not n.is_collection
