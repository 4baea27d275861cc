-- Partners by the code the marts use: countries by ISO 3166, groups by their publisher's code.
with
    countries as (select * from {{ ref("country_list") }}),

    -- The world has several codes; the first is that of the API.
    census as (

        select partner_code, min(census_code) as census_code, bool_or(is_world) as is_world
        from {{ ref("census_partners") }}
        group by partner_code

    ),

    listed as (

        {% for seed, columns in var("partner_lists").items() %}
            select
                {{ loop.index }} as list_order,
                {{ columns.get("partner_code", "partner_code") }} as partner_code,
                {{ columns.get("partner_name", "partner_name") }} as partner_name,
                {{ columns.get("iso3", "iso3") }} as iso3,
                {{ columns.get("is_aggregate", "is_aggregate") }} as is_aggregate
            from {{ ref(seed) }} {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    -- The name of a partner of several lists, such as the world, is that of the first.
    others as (

        select l.*
        from listed as l
        left join countries as c on l.partner_code = c.iso3
        where c.iso3 is null
        qualify
            row_number() over (partition by l.partner_code order by l.list_order, l.partner_name)
            = 1

    )

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
union all
select
    o.partner_code,
    o.partner_name,
    o.iso3,
    cast(null as varchar) as iso2,
    cast(null as varchar) as m49_code,
    p.census_code,
    o.is_aggregate,
    coalesce(p.is_world, o.partner_code = 'WLD') as is_world
from others as o
left join census as p on o.partner_code = p.partner_code
