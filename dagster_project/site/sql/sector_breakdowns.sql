{#
title = """
{{ first.breakdown }}: {{ kinds[first.trade_kind] }} in {{ first.year }}, each product counted once"""
unit = """
Millions of US dollars. The parts and the residual add up to the total exactly. If the total comes
from a later release, the residual includes its revisions."""
basis = "{{ rows|map(attribute='series_code')|unique(true)|join('; ') }}"
releases = ["release_key", "total_release_key"]
columns = [
    "sector_name", "quantity", "series_code", "value_usd", "share", "release_key",
    "total_release_key",
]
links = "sectors"
linked_by = "sector_id"
#}
-- The last year of each breakdown that counts every product once, with its residual.
with
    figures as (

        select *
        from marts.trade_by_sector_year
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and breakdown is not null

    ),

    -- The last year with the largest number of series.
    years as (

        select breakdown, trade_kind, year
        from figures
        group by breakdown, trade_kind, year
        qualify
            row_number() over (
                partition by breakdown, trade_kind
                order by count(distinct series_code) desc, year desc
            )
            = 1

    )

select
    f.breakdown,
    f.trade_kind,
    f.year,
    f.sector_id,
    if(f.is_residual, 'What the sections leave of the total', s.sector_name) as sector_name,
    f.product_group,
    f.quantity,
    f.series_code,
    f.value_usd,
    f.share_of_total as share,
    f.is_residual,
    f.release_key,
    f.total_release_key
from figures as f
inner join
    years as y on f.breakdown = y.breakdown and f.trade_kind = y.trade_kind and f.year = y.year
left join marts.sectors as s on f.product_group = s.product_group
order by
    f.breakdown,
    f.trade_kind,
    f.is_residual,
    max(abs(f.value_usd)) over (partition by f.breakdown, f.trade_kind, f.product_group) desc,
    f.product_group,
    f.quantity,
    f.series_code
