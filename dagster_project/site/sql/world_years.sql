{#
id = "years"
title = "Reporters, and the distance between their reports"
unit = """
Flows by product; values in millions of US dollars. The mean is the ratio of the importer's to the
exporter's report, both FOB, so it includes an estimated CIF rate."""
basis = "reports by product of all available countries"
columns = [
    "year", "exporters_reporting", "importers_reporting", "flows", "flows_mirrored",
    "mirrored_share", "twice_apart_share", "mean_importer_to_exporter", "exporter_reported_usd",
    "importer_reported_usd", "importer_fob_estimated_usd",
]
absence = "No world trade data is available, so there is nothing to compare."
#}
-- World trade by year: reporters, and the distance between both reports of a flow.
select
    year,
    exporters_reporting,
    importers_reporting,
    flows,
    flows_mirrored,
    mirrored_share,
    twice_apart_share,
    mean_importer_to_exporter,
    exporter_reported_usd,
    importer_reported_usd,
    importer_fob_usd as importer_fob_estimated_usd,
    source_id || ' ' || latest_release_id as release_key
from marts.mirror_years
order by year desc
