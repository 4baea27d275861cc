-- Products with available figures: a code in its classification.
with
    codes as (select distinct product_system, product_code from {{ ref("int_trade__keys_listed") }})

select
    cast(row_number() over (order by product_system, product_code) as integer) as product_id,
    product_system,
    product_code
from codes
