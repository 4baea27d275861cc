{#
id = "mirror"
title = "{{ year }}: bilateral asymmetry, the same goods as recorded by exporter and importer"
unit = """
Millions of US dollars; the gap is the importer's figure less the exporter's. It combines freight,
timing, re-exports and errors."""
basis = "one row per pair of series"
releases = ["export_release_key", "import_release_key"]
columns = [
    "exporter_iso3", "importer_iso3", "exporter_reported_usd", "importer_reported_usd",
    "gap_usd", "importer_to_exporter_ratio", "export_series_code", "import_series_code",
]
absence = "No flow in {{ year }} is available from both sides."
#}
-- One flow as recorded by both countries, in both directions.
select
    m.exporter_iso3,
    m.importer_iso3,
    m.exporter_reported_usd,
    m.importer_reported_usd,
    m.gap_usd,
    m.importer_to_exporter_ratio,
    m.export_series_code,
    m.import_series_code,
    e.source_id || ' ' || e.last_release_id as export_release_key,
    i.source_id || ' ' || i.last_release_id as import_release_key,
    m.export_observation_id,
    m.import_observation_id
from marts.mirror_flows as m
inner join marts.observations as e on m.export_observation_id = e.observation_id
inner join marts.observations as i on m.import_observation_id = i.observation_id
where
    m.year = {{ year }}
    and m.product_code = 'total'
    and (
        (m.exporter_iso3 = {{ reporter }} and m.importer_iso3 = {{ partner }})
        or (m.exporter_iso3 = {{ partner }} and m.importer_iso3 = {{ reporter }})
    )
order by m.exporter_iso3 <> {{ reporter }}, abs(m.gap_usd), m.mirror_id
