-- What the exporter's report weighs under each rule, for every two countries that are known as
-- exporter and as importer. The rules are those of `dagster_project/mirror/rules.py`.
with
    exporters as (

        select * from {{ ref("int_mirror__reporters_estimated") }} where sigma_exporter is not null

    ),

    importers as (

        select * from {{ ref("int_mirror__reporters_estimated") }} where sigma_importer is not null

    )

select
    x.iso3 as exporter_iso3,
    m.iso3 as importer_iso3,
    x.sigma_exporter,
    m.sigma_importer,
    m.sigma_importer
    * m.sigma_importer
    / (
        x.sigma_exporter * x.sigma_exporter + m.sigma_importer * m.sigma_importer
    ) as weight_inverse_variance,
    1 / (
        1 + exp({{ ln_variance("x.sigma_exporter") }} - {{ ln_variance("m.sigma_importer") }})
    ) as weight_baci,
    1 / (
        1 + exp(
            {{ ln_variance("x.sigma_ls_means_exporter") }}
            - {{ ln_variance("m.sigma_ls_means_importer") }}
        )
    ) as weight_baci_ls_means,
    case
        when x.agreed_share_exporter > m.agreed_share_importer
        then 1.0
        when x.agreed_share_exporter < m.agreed_share_importer
        then 0.0
        else 0.5
    end as weight_gehlhar,
    1 / (1 + exp(m.growth_lab_score_importer - x.growth_lab_score_exporter)) as weight_growth_lab,
    cast(0.5 as double) as weight_simple_mean,
    cast(1.0 as double) as weight_exporter_only,
    cast(0.0 as double) as weight_importer_only
from exporters as x
cross join importers as m
where x.iso3 <> m.iso3
