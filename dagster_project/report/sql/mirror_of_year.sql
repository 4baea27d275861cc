-- One flow as both countries recorded it, both ways.
select
    exporter_iso3,
    importer_iso3,
    exporter_reported_usd,
    importer_reported_usd,
    gap_usd,
    importer_to_exporter_ratio,
    export_leg_id,
    import_leg_id,
    export_observation_id,
    import_observation_id
from marts.mirror_flows
where
    year = {{ year }}
    and product_code = 'total'
    and (
        (exporter_iso3 = {{ reporter }} and importer_iso3 = {{ partner }})
        or (exporter_iso3 = {{ partner }} and importer_iso3 = {{ reporter }})
    )
order by exporter_iso3 <> {{ reporter }}, abs(gap_usd), mirror_id
