{#- Rows of the publisher that can be compared with a mirror: goods of a year by product, totals
    over second partners, procedures and modes. The last chapters are left to each country. -#}
{% macro is_mirrored_row(row="") -%}
    {%- set at = row ~ "." if row else "" -%}
    {{ at }}type_code = 'C'
    and {{ at }}freq_code = 'A'
    and {{ at }}flow_code in ('M', 'X', 'RX')
    and length({{ at }}cmd_code) in (2, 4, 6)
    and substr({{ at }}cmd_code, 1, 2) not in ('98', '99')
    and {{ at }}partner2_area_code = '0'
    and {{ at }}customs_code = 'C00'
    and {{ at }}mot_code = '0'
    and {{ at }}mos_code = '0'
{%- endmacro %}

{#- What is counted of the rows of a file: how many, how many have both values, and their ratio. -#}
{% macro rows_of_dataset(row="") -%}
    {%- set at = row ~ "." if row else "" -%}
    cast(count(*) as bigint) as rows_reported,
    cast(
        count(
            case when {{ at }}cif_value_usd > 0 and {{ at }}fob_value_usd > 0 then 1 end
        ) as bigint
    ) as rows_valued_twice,
    cast(
        count(
            case
                when
                    {{ at }}cif_value_usd > 0
                    and {{ at }}fob_value_usd > 0
                    and {{ at }}cif_value_usd = {{ at }}fob_value_usd
                then 1
            end
        ) as bigint
    ) as rows_valued_alike,
    sum(
        case
            when {{ at }}cif_value_usd > 0 and {{ at }}fob_value_usd > 0
            then ln({{ at }}cif_value_usd / {{ at }}fob_value_usd)
        end
    ) as sum_ln_cif
{%- endmacro %}

{#- Terms of the CIF regression, in the order used by `dagster_project/world/cif.py`. -#}
{% macro cif_terms() %}
    {{
        return(
            [
                "intercept",
                "ln_distance",
                "ln_distance_squared",
                "contiguous",
                "landlocked_exporter",
                "landlocked_importer",
                "ln_unit_value",
            ]
        )
    }}
{% endmacro %}

{#- The terms of a flow, from distance and geography and the unit value of its product. -#}
{% macro cif_regressors(distances, ln_unit_value) -%}
    1.0 as intercept,
    ln({{ distances }}.distance_km) as ln_distance,
    ln({{ distances }}.distance_km) * ln({{ distances }}.distance_km) as ln_distance_squared,
    case when {{ distances }}.is_contiguous then 1.0 else 0.0 end as contiguous,
    case when {{ distances }}.is_exporter_landlocked then 1.0 else 0.0 end as landlocked_exporter,
    case when {{ distances }}.is_importer_landlocked then 1.0 else 0.0 end as landlocked_importer,
    {{ ln_unit_value }} as ln_unit_value
{%- endmacro %}

{#- The moments for weighted least squares: for each pair of terms, including the response, the sum
    of weight x first x second. -#}
{% macro cif_moments() -%}
    {%- set terms = cif_terms() + ["ln_ratio"] -%}
    cast(count(*) as bigint) as cells
    {%- for first in terms -%}
        {%- for second in terms[loop.index0 :] -%}
            , sum(weight * {{ first }} * {{ second }}) as sum__{{ first }}__{{ second }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- The fitted logarithm of a row with the terms, from the coefficients of a fit. -#}
{% macro cif_fitted(fit, row) -%}
    {%- for term in cif_terms() -%}
        {{ " + " if not loop.first }}{{ fit }}.{{ term }} * {{ row }}.{{ term }}
    {%- endfor -%}
{%- endmacro %}

{#- The leverage of a row, apart from its weight: its terms around the inverse moments. -#}
{% macro cif_leverage(fit, row) -%}
    {%- set terms = cif_terms() -%}
    {%- for first in terms -%}
        {%- set place = loop.index0 -%}
        {%- for second in terms[place:] -%}
            {{ " + " if place or not loop.first }}
            {%- if not loop.first %} 2 * {% endif -%}
            {{ fit }}.inverse_{{ place }}_{{ place + loop.index0 }}
            * {{ row }}.{{ first }}
            * {{ row }}.{{ second }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#- A flow that both sides report, so that their distance can be computed. -#}
{% macro is_mirrored_flow() -%}
    exporter_reported_usd > 0
    and importer_fob_usd > 0
    and exporter_reported_usd + importer_fob_usd > 1
{%- endmacro %}

{#- Of what importers record beyond the exports reported to them, the share that other countries
    report as re-exports to them and that the importers record under the country of origin. -#}
{% macro share_through_hubs() -%}
    coalesce(
        sum(
            greatest(
                least(
                    coalesce(re_exported_usd, 0),
                    coalesce(exporter_reported_usd, 0) - coalesce(importer_fob_usd, 0)
                ),
                0
            )
        ) / nullif(
            sum(
                greatest(
                    coalesce(importer_fob_usd, 0)
                    - coalesce(exporter_reported_usd, 0)
                    - nes_allocated_usd,
                    0
                )
            ),
            0
        ),
        0
    )
{%- endmacro %}

{#- The rules for combining two reports, the default first: weight of the exporter's report, and the
    kind of mean. -#}
{% macro mirror_rules() %}
    {{
        return(
            [
                ("inverse_variance", "geometric"),
                ("baci", "arithmetic"),
                ("baci_ls_means", "arithmetic"),
                ("gehlhar", "arithmetic"),
                ("growth_lab", "arithmetic"),
                ("simple_mean", "arithmetic"),
                ("exporter_only", "arithmetic"),
                ("importer_only", "arithmetic"),
            ]
        )
    }}
{% endmacro %}

{#- One value from two reports by a rule; from one report, that report. -#}
{% macro reconciled(mean, weight, exporter="exporter_usd", importer="importer_fob_usd") -%}
    case
        when {{ importer }} is null or {{ importer }} <= 0
        then {{ exporter }}
        when {{ exporter }} is null or {{ exporter }} <= 0
        then {{ importer }}
        {%- if mean == "geometric" %}
            else exp({{ weight }} * ln({{ exporter }}) + (1 - {{ weight }}) * ln({{ importer }}))
        {%- else %} else {{ weight }} * {{ exporter }} + (1 - {{ weight }}) * {{ importer }}
        {%- endif %}
    end
{%- endmacro %}

{#- The logarithm of the variance of a log-normal error with median one:
    f(s) = exp(s^2) (exp(s^2) - 1). -#}
{% macro ln_variance(sigma) -%}
    ({{ sigma }} * {{ sigma }} + ln(exp({{ sigma }} * {{ sigma }}) - 1))
{%- endmacro %}

{#- A flow that a country would have reported, and did not, is zero. -#}
{% macro mirror_flow_rows() %}
    with
        asked as (
            select
                of_year as year,
                of_exporter as exporter_iso3,
                of_importer as importer_iso3,
                of_product as product_code,
                exists (
                    select 1
                    from {{ ref("int_mirror__reporters_counted") }} as r
                    where
                        r.year = of_year
                        and (
                            (r.reporter_iso3 = of_exporter and r.flow = 'export')
                            or (r.reporter_iso3 = of_importer and r.flow = 'import')
                        )
                ) as is_reported
        )
    select
        a.year,
        a.exporter_iso3,
        a.importer_iso3,
        a.product_code,
        coalesce(
            f.provenance, case when a.is_reported then 'zero' else 'missing' end
        ) as provenance,
        coalesce(f.reconciled_usd, case when a.is_reported then 0.0 end) as reconciled_usd,
        f.exporter_usd,
        f.importer_fob_usd,
        f.exporter_weight,
        f.cif_rate,
        f.sigma_exporter,
        f.sigma_importer
    from asked as a
    left join
        {{ this }} as f
        on f.year = of_year
        and f.exporter_iso3 = of_exporter
        and f.importer_iso3 = of_importer
        and f.product_code = of_product
{% endmacro %}
