{{ config(materialized="world_view", post_hook="{{ mirror_flow_macro() }}") }}

-- One FOB value of each flow that a country reported, by the default rule, with its components and
-- the value under each other rule from the same two reports. An estimate, not an observation.
{%- set rules = mirror_rules() %}
with
    weighed as (

        select
            c.*,
            -- A reporter without any mirrored flow has no evidence for or against it.
            {% for rule, mean in rules -%}
                coalesce(w.weight_{{ rule }}, 0.5) as weight_{{ rule }},
            {% endfor -%}
            w.sigma_exporter,
            w.sigma_importer
        from {{ ref("int_mirror__cells") }} as c
        left join
            {{ ref("int_mirror__rule_weights") }} as w
            on c.exporter_iso3 = w.exporter_iso3
            and c.importer_iso3 = w.importer_iso3

    ),

    combined as (

        select
            *,
            {% for rule, mean in rules -%}
                {{ reconciled(mean, "weight_" ~ rule) }} as {{ rule }}_usd,
            {% endfor -%}
            case
                when importer_fob_usd > 0 and exporter_usd > 0
                then weight_{{ rules[0][0] }}
                when exporter_usd > 0
                then 1.0
                else 0.0
            end as exporter_weight
        from weighed

    ),

    spread as (

        select
            *,
            -- With one report, the other side's sigma is irrelevant, known or not.
            case
                when exporter_weight = 1
                then sigma_exporter
                when exporter_weight = 0
                then sigma_importer
                else
                    sqrt(
                        exporter_weight * exporter_weight * sigma_exporter * sigma_exporter
                        + (1 - exporter_weight)
                        * (1 - exporter_weight)
                        * sigma_importer
                        * sigma_importer
                    )
            end as ln_spread
        from combined

    )

select
    year,
    exporter_iso3,
    importer_iso3,
    product_code,
    provenance,
    {{ rules[0][0] }}_usd as reconciled_usd,
    {{ rules[0][0] }}_usd * exp(-1.96 * ln_spread) as band_low_usd,
    {{ rules[0][0] }}_usd * exp(1.96 * ln_spread) as band_high_usd,
    exporter_usd,
    importer_fob_usd,
    exporter_weight,
    exporter_reported_usd,
    nes_allocated_usd,
    importer_reported_usd,
    cif_rate,
    re_exported_usd,
    sigma_exporter,
    sigma_importer,
    {% for rule, mean in rules[1:] -%} {{ rule }}_usd{{ "," if not loop.last }} {% endfor -%}
from spread
