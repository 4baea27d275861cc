{#
id = "revised"
title = "Latest revisions: annual totals changed by the latest release"
unit = "Millions of US dollars; a change within the rounding of both releases is not a revision."
basis = "one row per series, all products"
columns = [
    "period", "series", "previous_value_usd", "value_usd", "change_usd", "change_pct",
    "previous_release_key", "release_key", "known_from",
]
absence = "No revision of an annual total is available."
links = "years"
#}
-- Annual totals revised by their latest release, on either side of the pair.
with
    revised as (

        select *
        from marts.revisions
        where
            product_system = 'total'
            and measure = 'trade_value'
            and period_kind = 'year'
            and (
                (reporter_iso3 = {{ reporter }} and partner_code = {{ partner }})
                or (reporter_iso3 = {{ partner }} and partner_code = {{ reporter }})
            )

    )

select
    period,
    series_code as series,
    previous_value_usd,
    value_usd,
    change_usd,
    change_pct,
    source_id || ' ' || previous_release_id as previous_release_key,
    source_id || ' ' || release_id as release_key,
    known_from,
    observation_id
from revised
qualify rank() over (order by known_from desc) = 1
order by period desc, series_code, observation_id
