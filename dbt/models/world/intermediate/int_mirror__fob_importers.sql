-- Importers whose imports of a year are valued without freight and insurance: according to the
-- publisher, or to a break of the series.
with
    stated as (

        select
            cast(reference_period as integer) as year,
            reporter_iso3 as importer_iso3,
            import_valuation as valuation,
            2 as preference
        from {{ ref("int_trade__un_comtrade_reporting_chosen") }}
        where type_code = 'C' and freq_code = 'A'

    ),

    -- A break takes precedence over the publisher's valuation.
    broken as (

        select year, importer_iso3, valuation, 1 as preference from {{ ref("int_breaks__known") }}

    ),

    ranked as (

        select
            u.*,
            row_number() over (partition by u.year, u.importer_iso3 order by u.preference) as choice
        from
            (
                select *
                from stated
                union all
                select *
                from broken
            ) as u

    )

select year, importer_iso3, valuation
from ranked
where choice = 1 and valuation <> 'cif'
