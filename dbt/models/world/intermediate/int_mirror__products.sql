-- Product codes of later editions of the Harmonized System that have another code in the common
-- edition: the oldest that the publisher's conversion tables reach.
with
    first_step as (select * from {{ ref("hs_conversions") }}),

    -- A table leads from one edition to the previous one; two steps reach the oldest.
    second_step as (select * from {{ ref("hs_conversions") }})

select
    f.from_edition as edition_code,
    f.from_code as reported_code,
    coalesce(s.to_code, f.to_code) as product_code,
    coalesce(s.to_edition, f.to_edition) as product_edition
from first_step as f
left join second_step as s on f.to_edition = s.from_edition and f.to_code = s.from_code
where f.from_code <> coalesce(s.to_code, f.to_code)
