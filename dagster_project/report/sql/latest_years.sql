-- The last whole year on every reading, and the months of the one that is running.
with
    years as (

        select max(year) filter (where not is_partial_year) as whole, max(year) as latest
        from marts.trade_by_year
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and trade_kind = {{ trade_kind }}

    )

select
    t.period,
    t.reading_id,
    t.exports_usd,
    t.imports_usd,
    t.balance_usd,
    t.is_preferred,
    t.release_key,
    t.known_from
from marts.trade_by_year as t
inner join years as y on t.year in (y.whole, y.latest)
where
    t.reporter_iso3 = {{ reporter }}
    and t.partner_code = {{ partner }}
    and t.trade_kind = {{ trade_kind }}
order by t.year desc, t.policy_rank, t.reading_id
