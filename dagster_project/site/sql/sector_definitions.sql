{#
id = "definitions"
title = "{{ name }}: product groups"
unit = """
Codes of different classifications are not comparable. A product group without years is listed but
has no data."""
basis = "lists that ship with the warehouse"
release = "version {{ publication.code_version }}"
source = "codes of the classifications, grouped by Bilateral"
columns = [
    "product_group", "definition_name", "product_system", "product_codes", "note", "available",
    "first_year", "last_year",
]
absence = "No product group is listed for this sector."
#}
-- The content of each product group of a sector, and the years with figures for a pair.
with
    members as (

        select
            product_group,
            string_agg(product_code, ', ' order by product_code) as product_codes,
            count(*) as codes
        from marts.sector_members
        group by product_group

    ),

    available as (

        select
            product_group,
            string_agg(distinct quantity, ', ' order by quantity) as available,
            min(year) as first_year,
            max(year) as last_year
        from marts.trade_by_sector_year
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }}
        group by product_group

    )

select
    s.product_group,
    s.sector_name,
    s.definition_name,
    s.product_system,
    m.product_codes,
    m.codes,
    s.note,
    h.available,
    h.first_year,
    h.last_year
from marts.sectors as s
left join members as m on s.product_group = m.product_group
left join available as h on s.product_group = h.product_group
where s.sector_id = {{ sector }}
order by s.definition_rank, s.product_group
