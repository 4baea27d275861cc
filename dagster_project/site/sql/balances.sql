{#
id = "balances-{{ trade_kind }}"
title = """
{{ reporter_name }} – {{ partner_name }}: {{ kinds[trade_kind] }} balance by year and basis"""
unit = """
Exports less imports; a deficit is negative. Table in millions of US dollars{% if picture %}, chart
in billions of US dollars{% endif %}.{% if picture and dots %} Dots are figures quoted in articles,
coloured by the basis they match in some release or within its revisions; hollow dots match
none.{% endif %}"""
basis = "one line per basis"
columns = ["year", "basis_id", "exports_usd", "imports_usd", "balance_usd", "release_key"]
absence = "No full-year {{ kinds[trade_kind] }} balance is available."
links = "years"
#}
-- The balance of each full year on every basis.
select
    year,
    basis_id,
    exports_usd,
    imports_usd,
    balance_usd,
    is_preferred,
    evidence_kind,
    release_key,
    export_series_code,
    import_series_code
from marts.trade_by_year
where
    reporter_iso3 = {{ reporter }}
    and partner_code = {{ partner }}
    and trade_kind = {{ trade_kind }}
order by policy_rank, basis_id, year
