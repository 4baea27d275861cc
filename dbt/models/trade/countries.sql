-- Partners by the code the marts use: countries by ISO 3166, groups by their publisher's code.
with
    countries as (select * from {{ ref("country_list") }}),

    census as (select * from {{ ref("census_partners") }}),

    by_country as (

        select
            c.iso3 as partner_code,
            c.name as partner_name,
            c.iso3,
            c.iso2,
            c.m49_code,
            p.census_code,
            false as is_aggregate,
            false as is_world
        from countries as c
        left join census as p on c.iso3 = p.partner_code

    ),

    bea_groups as (

        select
            partner_code,
            area_name as partner_name,
            cast(null as varchar) as iso3,
            cast(null as varchar) as iso2,
            cast(null as varchar) as m49_code,
            cast(null as varchar) as census_code,
            is_aggregate,
            false as is_world
        from {{ ref("bea_areas") }}
        where partner_code like 'bea:%'

    ),

    comtrade_areas as (

        select
            code as partner_code,
            name as partner_name,
            cast(null as varchar) as iso3,
            cast(null as varchar) as iso2,
            cast(null as varchar) as m49_code,
            cast(null as varchar) as census_code,
            area_kind = 'group' as is_aggregate,
            false as is_world
        from {{ ref("comtrade_areas") }}
        where code like 'comtrade:%'

    ),

    korea_customs as (

        select
            partner_code,
            partner_name,
            iso3,
            cast(null as varchar) as iso2,
            cast(null as varchar) as m49_code,
            cast(null as varchar) as census_code,
            is_aggregate,
            false as is_world
        from {{ ref("korea_customs_partners") }}
        where partner_code like 'korea_customs:%'

    ),

    others as (

        select
            p.partner_code,
            p.partner_name,
            p.iso3,
            cast(null as varchar) as iso2,
            cast(null as varchar) as m49_code,
            p.census_code,
            p.is_aggregate,
            p.is_world
        from census as p
        left join countries as c on p.partner_code = c.iso3
        where c.iso3 is null

    )

select *
from by_country
union all
select *
from others
union all
select *
from bea_groups
union all
select *
from comtrade_areas
union all
select *
from korea_customs
