select cty_code, flow, year, month, value_musd from {{ source('raw', 'us_census__country_file') }}
