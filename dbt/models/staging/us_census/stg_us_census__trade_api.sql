with
    source as (select * from {{ source("raw", "us_census__trade_api") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            endpoint,
            comm_lvl,
            commodity_code,
            year as reference_year,
            month as reference_month,
            last_month,
            cty_code as census_code,
            -- CON_VAL_MO and CON_VAL_YR are one variable over two periods.
            substr(variable, 1, length(variable) - 3) as variable,
            domestic_foreign,
            -- The API marks all commodities '-', and '00' in the NAICS tables too. Codes of another
            -- length belong to another system: one contains the other.
            case
                when comm_lvl = '-' or commodity_code = '-'
                then 'total'
                when endpoint like '%/naics' and commodity_code = '00'
                then 'total'
                when endpoint like '%/enduse' and length(commodity_code) = 3
                then 'end_use'
                when endpoint like '%/enduse'
                then 'end_use' || cast(length(commodity_code) as varchar)
                when endpoint like '%/hitech'
                then 'hitech'
                else split_part(endpoint, '/', 2) || cast(length(commodity_code) as varchar)
            end as product_system,
            case
                when comm_lvl = '-' or commodity_code = '-'
                then 'total'
                when endpoint like '%/naics' and commodity_code = '00'
                then 'total'
                else commodity_code
            end as product_code,
            cast(value_usd as decimal(24, 3)) as value_usd,
            cast(0.5 as decimal(24, 3)) as rounding_margin_usd,
            cast(value_usd as decimal(24, 3)) as reported_value,
            'USD' as reported_unit
        from source

    )

select *
from renamed
