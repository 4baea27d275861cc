-- The importer's and the exporter's figure of one flow, the asymmetry, and the likely cause: the
-- known feature of the flow that would cause it. For all products together for every pair of
-- countries, and for the largest asymmetries of single products.
with
    passed_on as (

        select year, importer_iso3, {{ share_through_hubs() }} as hub_share
        from {{ ref("int_mirror__pair_sums") }}
        group by year, importer_iso3

    ),

    gaps as (

        select
            s.year,
            s.exporter_iso3,
            s.importer_iso3,
            'total' as product_code,
            s.exporter_reported_usd,
            s.importer_reported_usd,
            s.importer_fob_usd,
            s.re_exported_usd,
            s.nes_allocated_usd,
            p.hub_share
        from {{ ref("int_mirror__pair_sums") }} as s
        inner join passed_on as p on s.year = p.year and s.importer_iso3 = p.importer_iso3
        union all
        select
            year,
            exporter_iso3,
            importer_iso3,
            product_code,
            exporter_reported_usd,
            importer_reported_usd,
            importer_fob_usd,
            re_exported_usd,
            nes_allocated_usd,
            hub_share
        from {{ ref("int_mirror__gaps_widest") }}

    ),

    reporters as (select * from {{ ref("int_mirror__reporters_counted") }}),

    releases as (

        select year, max(source_id) as source_id, max(release_id) as latest_release_id
        from {{ ref("int_mirror__releases") }}
        where recency = 1
        group by year

    ),

    described as (

        select
            g.*,
            x.reporter_iso3 is not null as is_exporter_reporting,
            m.reporter_iso3 is not null as is_importer_reporting,
            b.valuation as broken_valuation,
            r.source_id,
            r.latest_release_id,
            coalesce(g.importer_reported_usd, 0) - coalesce(g.exporter_reported_usd, 0) as gap_usd,
            coalesce(g.importer_fob_usd, 0)
            - coalesce(g.exporter_reported_usd, 0)
            - g.nes_allocated_usd as gap_explained_less_usd
        from gaps as g
        inner join releases as r on g.year = r.year
        left join
            reporters as x
            on g.year = x.year
            and g.exporter_iso3 = x.reporter_iso3
            and x.flow = 'export'
        left join
            reporters as m
            on g.year = m.year
            and g.importer_iso3 = m.reporter_iso3
            and m.flow = 'import'
        left join
            {{ ref("int_breaks__known") }} as b
            on g.year = b.year
            and g.importer_iso3 = b.importer_iso3

    )

select
    cast(year as integer) as year,
    exporter_iso3,
    importer_iso3,
    case
        when product_code = 'total'
        then 'total'
        else 'hs' || cast(length(product_code) as {{ dbt.type_string() }})
    end as product_system,
    product_code,
    exporter_reported_usd,
    importer_reported_usd,
    importer_fob_usd,
    re_exported_usd,
    nes_allocated_usd,
    gap_usd,
    gap_explained_less_usd as gap_left_usd,
    cast(
        row_number() over (
            partition by year, product_code = 'total'
            order by abs(gap_usd) desc, exporter_iso3, importer_iso3, product_code
        ) as integer
    ) as width_rank,
    case
        when not is_exporter_reporting or not is_importer_reporting
        then 'missing_report'
        when exporter_reported_usd is null or importer_reported_usd is null
        then 'one_sided'
        -- Freight is missing, or included, in this year and not in the importer's others.
        when
            abs(gap_usd) <= 0.2 * exporter_reported_usd
            and (gap_usd > 0) = (broken_valuation = 'cif')
        then 'basis_break'
        when gap_usd < 0 and re_exported_usd >= 0.5 * abs(gap_usd)
        then 're_export'
        when gap_usd > 0 and nes_allocated_usd >= 0.5 * gap_usd
        then 'areas_nes'
        -- Freight and insurance at the fitted rate explain most of it.
        when gap_usd > 0 and abs(gap_explained_less_usd) <= 0.5 * gap_usd
        then 'valuation'
        when gap_usd > 0 and hub_share >= 0.5
        then 'through_a_hub'
        else 'unexplained'
    end as likely_cause,
    source_id,
    latest_release_id
from described
