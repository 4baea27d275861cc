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
