{#
title = "Source rows of the steps from {{ start }} to {{ end }}"
unit = "As published, each in its own unit."
basis = "each row as published"
columns = [
    "step", "snapshot_file", "row_number", "column_name", "reported_value", "reported_unit",
    "release_key", "snapshot_sha256",
]
absence = "No source row is available for these steps."
#}
-- The source rows of each step of a bridge.
with
    evidence as (

        select step_order, unnest(evidence) as reference_id
        from marts.bridge_steps
        where bridge_id = {{ bridge_id }}

    )

select
    e.step_order as step,
    o.snapshot_file,
    o.row_number,
    o.column_name,
    o.reported_value,
    o.reported_unit,
    o.source_id || ' ' || o.release_id as release_key,
    o.snapshot_sha256,
    o.reference_id
from evidence as e
inner join marts.raw_references as o on e.reference_id = o.reference_id
order by e.step_order, o.snapshot_file, o.row_number, o.column_name
