-- A definition is a list of product codes; every code held is a definition of itself.
with
    defined as (select definition_id, product_system, product_code from {{ ref("sector_codes") }}),

    held as (

        select distinct
            product_system || ':' || product_code as definition_id, product_system, product_code
        from {{ ref("observations") }}

    ),

    listed as (

        select *
        from defined
        union
        select *
        from held

    )

select
    definition_id,
    product_system,
    product_code,
    count(*) over (partition by definition_id) as members
from listed
