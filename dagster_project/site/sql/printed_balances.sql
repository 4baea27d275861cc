{#
id = "printed-{{ trade_kind }}"
title = """
{{ kinds[trade_kind]|capitalize }} balances quoted in articles, with the basis that each matches"""
unit = "Millions of US dollars. Balance of {{ reporter_name }}."
basis = "one row per claim; the release is that of its verdict"
columns = ["claim_id", "year", "printed_usd", "verdict", "basis_id", "document_publisher", "says"]
links = "claims"
#}
-- Quoted balances of full years, and the basis that each matches.
with
    printed as (

        select
            c.claim_id,
            year(c.period_start) as year,
            -- The partner's surplus is the reporter's deficit.
            cast(
                c.claimed
                * c.direction
                * if(c.reporter_iso3 = {{ reporter }}, 1, -1) as decimal(24, 3)
            ) as printed_usd,
            c.says,
            c.document_publisher,
            v.status,
            v.release_key,
            if(
                v.status in ('confirmed', 'revised', 'ambiguous', 'other_basis'), v.basis_key, null
            ) as basis_key
        from marts.claims as c
        inner join marts.claim_verdicts as v on c.claim_id = v.claim_id
        where
            c.trade_kind = {{ trade_kind }}
            and c.quantity = 'balance'
            and c.transform = 'level'
            -- Only figures in US dollars fit the axis.
            and c.currency = 'USD'
            and c.sector = 'total'
            and c.is_in_scope
            and c.period = cast(year(c.period_start) as varchar)
            and (
                (c.reporter_iso3 = {{ reporter }} and c.partner_code = {{ partner }})
                or (c.reporter_iso3 = {{ partner }} and c.partner_code = {{ reporter }})
            )

    )

select
    p.claim_id,
    p.year,
    p.printed_usd,
    p.says,
    p.document_publisher,
    p.status as verdict,
    t.basis_id,
    p.release_key
from printed as p
left join
    marts.trade_by_year as t
    on t.reporter_iso3 = {{ reporter }}
    and t.partner_code = {{ partner }}
    and t.trade_kind = {{ trade_kind }}
    and t.year = p.year
    and t.export_series_code || ' + ' || t.import_series_code = p.basis_key
order by p.year, p.claim_id
