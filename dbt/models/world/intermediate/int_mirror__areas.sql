-- The meaning of each area code of UN Comtrade in mirror statistics: a country by its ISO code, an
-- area not elsewhere specified, or something without a mirror.
with
    countries as (select * from {{ ref("country_list") }}),

    areas as (select * from {{ ref("comtrade_areas") }}),

    -- A country has one code for each of its borders in time; a test counts them.
    places as (select place from (values (1), (2), (3), (4)) as numbers(place)),

    codes as (

        select
            split_part(c.comtrade_codes, ' ', p.place) as area_code,
            c.iso3 as area_id,
            c.name as area_name,
            'country' as area_kind
        from countries as c
        cross join places as p
        where c.comtrade_codes is not null
        union all
        -- Codes of older downloads, some for countries that the list above has under another code.
        select area_code, code as area_id, name as area_name, area_kind
        from areas

    )

select
    area_code,
    area_kind,
    area_id,
    area_name,
    case when area_kind = 'area_nes' then 'nes' else area_id end as mirror_id
from codes
where area_code <> ''
