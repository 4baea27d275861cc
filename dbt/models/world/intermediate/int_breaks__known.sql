-- Importers and years whose imports in UN Comtrade have a different valuation from their other
-- years: given by the reference data, with a reason, or else found in the rows. Evidence from equal
-- columns takes precedence over another source, and that over partners.
with
    years as (select distinct year, source_id from {{ ref("int_mirror__releases") }}),

    breaks as (

        select y.year, b.reporter_iso3, b.valuation, 'reference' as known_by, 1 as preference
        from {{ ref("basis_breaks") }} as b
        inner join
            years as y on b.source_id = y.source_id and y.year between b.first_year and b.last_year
        where b.flow = 'import'
        union all
        select
            year,
            reporter_iso3,
            valuation,
            found_by,
            case found_by when 'own_columns' then 2 when 'two_sources' then 3 else 4 end
        from {{ ref("int_breaks__found") }}
        where source_id in (select source_id from years) and flow = 'import'

    ),

    ranked as (

        select *, row_number() over (partition by year, reporter_iso3 order by preference) as choice
        from breaks

    )

select year, reporter_iso3 as importer_iso3, valuation, known_by
from ranked
where choice = 1
