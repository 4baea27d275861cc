{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- What a file contains of a reporter's year that can be compared with a mirror, by direction and
-- number of digits: enough to decide which of its rows count.
select
    year,
    snapshot_sha256,
    reporter_area_code,
    flow_code,
    cast(length(cmd_code) as integer) as digits,
    max(classification_code) as edition_code,
    cast(count(*) as bigint) as rows_reported,
    cast(
        count(case when cif_value_usd > 0 and fob_value_usd > 0 then 1 end) as bigint
    ) as rows_valued_twice,
    cast(
        count(
            case
                when cif_value_usd > 0 and fob_value_usd > 0 and cif_value_usd = fob_value_usd
                then 1
            end
        ) as bigint
    ) as rows_valued_alike,
    sum(
        case when cif_value_usd > 0 and fob_value_usd > 0 then ln(cif_value_usd / fob_value_usd) end
    ) as sum_ln_cif
from {{ of_year(ref("stg_un_comtrade__bulk")) }}
where {{ is_mirrored_row() }}
group by year, snapshot_sha256, reporter_area_code, flow_code, length(cmd_code)
