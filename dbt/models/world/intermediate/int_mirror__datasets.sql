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
    {{ rows_of_dataset() }}
from {{ of_year(ref("stg_un_comtrade__bulk")) }}
where {{ is_mirrored_row() }}
group by year, snapshot_sha256, reporter_area_code, flow_code, length(cmd_code)
