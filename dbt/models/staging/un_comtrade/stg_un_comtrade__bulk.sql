with
    source as (select * from {{ source("raw", "un_comtrade__bulk") }}),

    renamed as (

        select
            release_id,
            snapshot_file,
            snapshot_sha256,
            type_code,
            freq_code,
            ref_year as year,
            case when freq_code = 'M' then ref_month end as reference_month,
            period as reference_period,
            -- Area codes of the publisher, as in seeds.country_list and seeds.comtrade_areas.
            reporter_code as reporter_area_code,
            partner_code as partner_area_code,
            partner2_code as partner2_area_code,
            flow_code,
            classification_code,
            cmd_code,
            customs_code,
            mos_code,
            mot_code,
            qty_unit_code,
            qty as quantity,
            net_weight_kg,
            cif_value as cif_value_usd,
            fob_value as fob_value_usd,
            primary_value as value_usd,
            is_reported,
            is_aggregate
        from source

    )

select *
from renamed
