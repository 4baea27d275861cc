-- Two countries' records of one flow that differ by more than the rule's factor.
select
    'mirror_disagrees' as rule,
    export_observation_id as figure_id,
    import_observation_id as compared_figure_id,
    exporter_reported_usd as found_usd,
    importer_reported_usd as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from {{ ref("mirror_flows") }}
where exporter_reported_usd <> importer_reported_usd
