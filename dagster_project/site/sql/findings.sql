{#
title = "Findings in the publishers' data"
unit = """
Figures that contradict other figures of the same publisher, or that a later release changed
strongly; amounts in millions of US dollars. The 100 largest."""
basis = "one row per rule and figure"
columns = [
    "severity", "detail", "partner_name", "period", "found_usd", "expected_usd", "release_id",
    "snapshot_file", "row_number", "column_name",
]
absence = "Nothing was found."
#}
-- What the rules find in the publishers' data, the gravest and largest first.
select
    f.severity,
    f.detail,
    c.partner_name,
    f.period,
    f.found_usd,
    f.expected_usd,
    f.source_id,
    f.release_id,
    f.snapshot_file,
    f.row_number,
    f.column_name,
    f.rule,
    f.finding_id
from marts.data_findings as f
left join marts.countries as c on f.partner_code = c.partner_code
order by
    f.severity = 'error' desc,
    f.severity = 'warning' desc,
    abs(f.found_usd - coalesce(f.expected_usd, 0)) desc nulls last,
    f.finding_id
limit 100
