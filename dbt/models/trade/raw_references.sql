{{ config(materialized="view") }}

-- The position of each figure in its publisher's file: one row per figure and release.
select
    f.figure_id as reference_id,
    f.observation_id,
    r.source_id,
    r.release_id,
    r.known_from,
    f.known_to,
    f.raw_table,
    s.snapshot_file,
    s.snapshot_sha256,
    f.row_number,
    f.column_name,
    f.reported_value,
    f.reported_unit,
    f.value_usd,
    -- A quoted figure has the address of its own page.
    coalesce(p.address, s.address) as address,
    s.licence
from {{ ref("int_trade__figures") }} as f {{ places_of_figures() }}
