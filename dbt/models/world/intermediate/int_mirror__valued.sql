{{ config(materialized="ephemeral") }}

-- Both sides of each flow FOB: the importer's figure less the freight and insurance for its
-- distance and product. Nothing is deducted where the importer values imports FOB, or where the
-- fitted rate is negative.
with
    flows as (

        select
            p.year,
            p.exporter_iso3,
            p.importer_iso3,
            p.product_code,
            p.exporter_reported_usd,
            p.importer_reported_usd,
            p.re_exported_usd,
            f.year is not null as has_fit,
            f.mean_cif_rate,
            v.importer_iso3 is not null as is_fob,
            -- A product without a unit value gets the mean of the sample.
            {{ cif_regressors("d", "coalesce(ln(u.unit_value_usd), f.mean_ln_unit_value)") }}
        from {{ ref("int_mirror__pairs") }} as p
        left join
            {{ ref("int_mirror__distances") }} as d
            on p.exporter_iso3 = d.exporter_iso3
            and p.importer_iso3 = d.importer_iso3
        left join
            {{ of_year(ref("int_mirror__unit_values")) }} as u
            on p.year = u.year
            and p.product_code = u.product_code
        left join {{ ref("int_mirror__cif_fits") }} as f on p.year = f.year
        left join
            {{ ref("int_mirror__fob_importers") }} as v
            on p.year = v.year
            and p.importer_iso3 = v.importer_iso3
        where p.exporter_iso3 <> 'nes' and p.importer_iso3 <> 'nes'

    ),

    rated as (

        select
            w.year,
            w.exporter_iso3,
            w.importer_iso3,
            w.product_code,
            w.exporter_reported_usd,
            w.importer_reported_usd,
            w.re_exported_usd,
            case
                when w.importer_reported_usd is null
                then cast(null as double)
                when w.is_fob or not w.has_fit
                then 1.0
                -- A pair without a known distance gets the mean rate of the year.
                when w.ln_distance is null
                then greatest(w.mean_cif_rate, 1.0)
                else greatest(exp({{ cif_fitted("f", "w") }}), 1.0)
            end as cif_rate
        from flows as w
        left join {{ ref("int_mirror__cif_fits") }} as f on w.year = f.year

    )

select *, importer_reported_usd / cif_rate as importer_fob_usd
from rated
