{#
id = "sectors"
title = "{{ year }}: exports and imports by sector and product group"
unit = """
Millions of US dollars; shares are of all products of the same series. Product groups of one sector
overlap and must not be added; those of one breakdown add up to the total."""
basis = "one row per product group"
releases = ["export_release_key", "import_release_key"]
columns = [
    "sector_id", "sector", "definition", "exports_usd", "exports_share", "imports_usd",
    "imports_share", "breakdown", "export_series_code", "import_series_code",
]
absence = "No sector figures are available for {{ year }}."
links = "sectors"
#}
-- Exports and imports by product group, each with its share of all products.
with
    available as (

        select
            *,
            row_number() over (
                partition by trade_kind, product_group, quantity order by series_code
            ) as place
        from marts.trade_by_sector_year
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }} and year = {{ year }}

    ),

    paired as (

        select
            coalesce(e.trade_kind, i.trade_kind) as trade_kind,
            coalesce(e.sector_id, i.sector_id) as sector_id,
            coalesce(e.product_group, i.product_group) as product_group,
            coalesce(e.breakdown, i.breakdown) as breakdown,
            e.value_usd as exports_usd,
            e.share_of_total as exports_share,
            i.value_usd as imports_usd,
            i.share_of_total as imports_share,
            coalesce(e.place, i.place) as place,
            e.series_code as export_series_code,
            i.series_code as import_series_code,
            e.release_key as export_release_key,
            i.release_key as import_release_key,
            coalesce(e.is_residual, i.is_residual) as is_residual
        from (select * from available where quantity = 'exports') as e
        full outer join
            (select * from available where quantity = 'imports') as i
            on e.trade_kind = i.trade_kind
            and e.product_group = i.product_group
            and e.place = i.place

    )

select
    p.sector_id,
    coalesce(s.sector_name, p.product_group) as sector,
    coalesce(s.definition_name, 'residual: total less all product groups') as definition,
    p.exports_usd,
    p.exports_share,
    p.imports_usd,
    p.imports_share,
    p.product_group,
    p.breakdown,
    p.export_series_code,
    p.import_series_code,
    p.export_release_key,
    p.import_release_key,
    p.trade_kind
from paired as p
left join marts.sectors as s on p.product_group = s.product_group
order by
    p.trade_kind,
    p.breakdown nulls first,
    p.is_residual,
    coalesce(p.exports_usd, 0) + coalesce(p.imports_usd, 0) desc,
    p.product_group,
    p.place
