-- What importer and exporter say of all products together, how far apart it lies, and the likely
-- cause: the one thing known of the flow that would make such a gap.
with
    pairs as (select * from {{ ref("int_mirror__pair_sums") }}),

    reporters as (select * from {{ ref("int_mirror__reporters_counted") }}),

    fob_importers as (select * from {{ ref("int_mirror__fob_importers") }}),

    releases as (

        select year, max(release_id) as latest_release_id
        from {{ ref("int_mirror__releases") }}
        where recency = 1
        group by year

    ),

    described as (

        select
            p.year,
            p.exporter_iso3,
            p.importer_iso3,
            p.flows,
            p.cells as flows_mirrored,
            p.exporter_reported_usd,
            p.importer_reported_usd,
            p.importer_fob_usd,
            p.re_exported_usd,
            p.nes_allocated_usd,
            x.reporter_iso3 is not null as is_exporter_reporting,
            m.reporter_iso3 is not null as is_importer_reporting,
            f.importer_iso3 is not null as is_importer_fob,
            r.latest_release_id,
            coalesce(p.importer_reported_usd, 0) - coalesce(p.exporter_reported_usd, 0) as gap_usd,
            coalesce(p.importer_fob_usd, 0)
            - coalesce(p.exporter_reported_usd, 0)
            - p.nes_allocated_usd as gap_without_freight_usd
        from pairs as p
        inner join releases as r on p.year = r.year
        left join
            reporters as x
            on p.year = x.year
            and p.exporter_iso3 = x.reporter_iso3
            and x.flow = 'export'
        left join
            reporters as m
            on p.year = m.year
            and p.importer_iso3 = m.reporter_iso3
            and m.flow = 'import'
        left join fob_importers as f on p.year = f.year and p.importer_iso3 = f.importer_iso3

    )

select
    cast(year as integer) as year,
    exporter_iso3,
    importer_iso3,
    flows,
    flows_mirrored,
    exporter_reported_usd,
    importer_reported_usd,
    importer_fob_usd,
    re_exported_usd,
    nes_allocated_usd,
    gap_usd,
    gap_without_freight_usd,
    cast(
        row_number() over (
            partition by year order by abs(gap_usd) desc, exporter_iso3, importer_iso3
        ) as integer
    ) as width_rank,
    case
        when not is_exporter_reporting or not is_importer_reporting
        then 'missing_report'
        when exporter_reported_usd is null or importer_reported_usd is null
        then 'one_sided'
        when is_importer_fob and abs(gap_usd) <= 0.2 * exporter_reported_usd
        then 'basis_break'
        -- What the exporter passed on is booked by the importer under the country it came from.
        when gap_usd < 0 and re_exported_usd >= 0.5 * abs(gap_usd)
        then 're_export'
        when nes_allocated_usd >= 0.5 * gap_usd and gap_usd > 0
        then 'areas_nes'
        -- Freight and insurance at the fitted rate take away most of it.
        when gap_usd > 0 and abs(gap_without_freight_usd) <= 0.5 * gap_usd
        then 'valuation'
        else 'unexplained'
    end as likely_cause,
    'un_comtrade' as source_id,
    latest_release_id
from described
