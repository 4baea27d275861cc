{#
id = "breaks"
title = "Breaks in import valuation"
unit = "Logarithm of the ratio of imports to the comparison figure."
basis = "detected in the data, not announced by the reporter"
columns = [
    "reporter", "year", "flow", "valuation", "evidence", "ln_level", "ln_usual_level",
    "standard_error", "years_usual",
]
absence = "No break was found in the available data."
#}
-- Years in which the valuation of a reporter's imports differs from most of its years.
select
    coalesce(n.partner_name, b.reporter_iso3) as reporter,
    b.year,
    b.flow,
    b.valuation,
    b.found_by,
    c.meaning as evidence,
    b.ln_level,
    b.ln_usual_level,
    b.standard_error,
    b.years_usual,
    b.source_id || ' ' || b.latest_release_id as release_key
from marts.basis_breaks_found as b
left join marts.countries as n on b.reporter_iso3 = n.partner_code
left join seeds.coded_values as c on c.column_name = 'found_by' and b.found_by = c.code
order by reporter, b.year, b.source_id, b.flow, b.found_by
