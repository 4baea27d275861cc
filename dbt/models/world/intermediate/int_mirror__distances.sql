-- Geography of two countries for the CIF rate: great-circle distance and a common border.
with
    places as (

        select iso3, is_landlocked, radians(latitude) as latitude, radians(longitude) as longitude
        from {{ ref("country_geography") }}
        where latitude is not null and longitude is not null

    ),

    borders as (

        select iso3 as exporter_iso3, neighbour_iso3 as importer_iso3
        from {{ ref("country_borders") }}
        union all
        select neighbour_iso3, iso3
        from {{ ref("country_borders") }}

    ),

    -- The haversine formula, which stays exact for near neighbours where the arc cosine does not.
    chords as (

        select
            x.iso3 as exporter_iso3,
            m.iso3 as importer_iso3,
            x.is_landlocked as is_exporter_landlocked,
            m.is_landlocked as is_importer_landlocked,
            sin((m.latitude - x.latitude) / 2) * sin((m.latitude - x.latitude) / 2)
            + cos(x.latitude)
            * cos(m.latitude)
            * sin((m.longitude - x.longitude) / 2)
            * sin((m.longitude - x.longitude) / 2) as squared_half_chord
        from places as x
        cross join places as m
        where x.iso3 <> m.iso3

    ),

    distances as (

        select
            exporter_iso3,
            importer_iso3,
            is_exporter_landlocked,
            is_importer_landlocked,
            -- For antipodes the sum may exceed one in its last digit.
            2
            * 6371.0
            * asin(
                sqrt(case when squared_half_chord > 1 then 1 else squared_half_chord end)
            ) as distance_km
        from chords

    )

select
    d.exporter_iso3,
    d.importer_iso3,
    d.distance_km,
    b.exporter_iso3 is not null as is_contiguous,
    d.is_exporter_landlocked,
    d.is_importer_landlocked
from distances as d
left join borders as b on d.exporter_iso3 = b.exporter_iso3 and d.importer_iso3 = b.importer_iso3
-- A former country and the one that kept its capital never existed at the same time.
where d.distance_km > 0
