-- The weight of the exporter's report under each rule, for every pair of countries of which one
-- reports. The rules are those of `dagster_project/world/rules.py`. A side without any flow that
-- both reported has no sigma and no weight; the other side's sigma still applies.
with
    traders as (

        select exporter_iso3 as iso3
        from {{ ref("int_mirror__pair_sums") }}
        union
        select importer_iso3
        from {{ ref("int_mirror__pair_sums") }}

    ),

    reporters as (

        select t.iso3 as trader_iso3, e.*
        from traders as t
        left join {{ ref("int_mirror__reporters_estimated") }} as e on t.iso3 = e.iso3

    )

select
    x.trader_iso3 as exporter_iso3,
    m.trader_iso3 as importer_iso3,
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
    cast(
        case
            when x.agreed_share_exporter > m.agreed_share_importer
            then 1
            when x.agreed_share_exporter < m.agreed_share_importer
            then 0
            when x.agreed_share_exporter = m.agreed_share_importer
            then 0.5
        end as double
    ) as weight_gehlhar,
    1 / (1 + exp(m.growth_lab_score_importer - x.growth_lab_score_exporter)) as weight_growth_lab,
    cast(0.5 as double) as weight_simple_mean,
    cast(1.0 as double) as weight_exporter_only,
    cast(0.0 as double) as weight_importer_only
from reporters as x
cross join reporters as m
where x.trader_iso3 <> m.trader_iso3
