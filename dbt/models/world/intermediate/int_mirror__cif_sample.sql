{{ config(materialized="ephemeral") }}

-- The pairs with evidence of freight and insurance: both sides with quantities, from an importer
-- that values its imports at the border of arrival, between places whose distance is known.
select
    p.year,
    ln(
        (p.importer_reported_usd / p.importer_kg) / (p.exporter_reported_usd / p.exporter_kg)
    ) as ln_ratio,
    least(p.exporter_kg, p.importer_kg) / greatest(p.exporter_kg, p.importer_kg) as weight,
    {{ cif_regressors("d", "ln(u.unit_value_usd)") }}
from {{ ref("int_mirror__pairs") }} as p
inner join
    {{ ref("int_mirror__distances") }} as d
    on p.exporter_iso3 = d.exporter_iso3
    and p.importer_iso3 = d.importer_iso3
inner join
    {{ of_year(ref("int_mirror__unit_values")) }} as u
    on p.year = u.year
    and p.product_code = u.product_code
left join
    {{ ref("int_mirror__fob_importers") }} as v
    on p.year = v.year
    and p.importer_iso3 = v.importer_iso3
where
    p.exporter_reported_usd > 0
    and p.importer_reported_usd > 0
    and p.exporter_kg > 0
    and p.importer_kg > 0
    and v.importer_iso3 is null
