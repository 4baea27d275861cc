with
    source as (select * from {{ source("raw", "published__figures") }}),

    renamed as (

        select
            release_id as snapshot_release_id,
            snapshot_file,
            snapshot_sha256,
            row_number,
            column_name,
            publisher,
            dataset_or_page,
            published,
            -- A page dated to a year or a month was surely known on its last day.
            cast(
                case
                    when length(published) = 4
                    then published || '-12-31'
                    when length(published) = 7
                    then cast(last_day(cast(published || '-01' as date)) as varchar)
                    else published
                end as date
            ) as known_from,
            cast(
                case
                    when length(published) = 4
                    then published || '-01-01'
                    when length(published) = 7
                    then published || '-01'
                    else published
                end as date
            ) as known_from_earliest,
            case
                when length(published) = 4
                then 'year'
                when length(published) = 7
                then 'month'
                else 'day'
            end as known_from_precision,
            reporter as reporter_iso3,
            partner as partner_code,
            trade_kind,
            measure,
            export_concept,
            import_concept,
            valuation,
            -- Merchandise trade compiled from customs records is one basis, whichever office
            -- names it.
            case
                when account_basis = 'customs' then 'census' else account_basis
            end as account_basis,
            period,
            value as reported_value,
            unit as reported_unit,
            rounding as reported_rounding,
            address
        from source

    )

select *
from renamed
