{{ config(materialized="by_year", years_of="un_comtrade__bulk") }}

-- Who reported a year: rows, values and the edition of the Harmonized System, by direction.
with
    reported as (

        select f.*, a.mirror_id as reporter_iso3
        from {{ of_year(ref("stg_un_comtrade__bulk")) }} as f
        inner join
            {{ ref("int_mirror__areas") }} as a
            on f.reporter_area_code = a.area_code
            and a.area_kind = 'country'
        inner join
            {{ of_year(ref("int_mirror__levels")) }} as l
            on f.year = l.year
            and length(f.cmd_code) = l.digits
        where {{ is_mirrored_row("f") }} and f.flow_code <> 'RX'

    )

select
    year,
    reporter_iso3,
    case when flow_code = 'X' then 'export' else 'import' end as flow,
    max(classification_code) as edition_code,
    cast(count(*) as bigint) as rows_reported,
    -- Where both are filled and equal in every row, the country values imports as exports.
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
    -- What the two columns lie apart, in logarithms, in the mean of the rows that fill both.
    avg(
        case when cif_value_usd > 0 and fob_value_usd > 0 then ln(cif_value_usd / fob_value_usd) end
    ) as mean_ln_cif
from reported
group by year, reporter_iso3, case when flow_code = 'X' then 'export' else 'import' end
