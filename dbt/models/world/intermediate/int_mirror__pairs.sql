{{ config(materialized="ephemeral") }}

-- One flow of a product in a year: the exporter's figure beside the importer's.
{%- set columns %}
    year,
    exporter_iso3,
    importer_iso3,
    product_code,
    exporter_reported_usd,
    importer_reported_usd,
    re_exported_usd,
    exporter_kg,
    importer_kg
{%- endset %}
select {{ columns }}
from {{ of_year(ref("int_mirror__pairs_summed")) }}
where is_settled
union all
select {{ columns }}
from {{ of_year(ref("int_mirror__pairs_deduplicated")) }}
