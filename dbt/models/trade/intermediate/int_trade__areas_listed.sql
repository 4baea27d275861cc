-- Reporters and partners under one key: countries, groups and the world.
with
    codes as (

        select reporter_iso3 as area_code
        from {{ ref("int_trade__keys_listed") }}
        union
        select partner_code as area_code
        from {{ ref("int_trade__keys_listed") }}

    )

select cast(row_number() over (order by area_code) as integer) as area_id, area_code
from codes
