-- The pairs that articles make claims about, from the side of most claims.
with
    sides as (

        select
            reporter_iso3,
            partner_code,
            count(*) as claims,
            least(reporter_iso3, partner_code) as one,
            greatest(reporter_iso3, partner_code) as other
        from marts.claims
        where is_in_scope
        group by reporter_iso3, partner_code

    )

select reporter_iso3, partner_code
from sides
qualify row_number() over (partition by one, other order by claims desc, reporter_iso3) = 1
order by reporter_iso3, partner_code
