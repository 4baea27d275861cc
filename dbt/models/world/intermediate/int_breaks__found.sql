-- Years whose imports have a different valuation from most of a reporter's years, as found in the
-- rows: by its own two columns, by another source of the same imports, or by its partners. Years
-- are split in two groups where these differ most for their noise; the smaller group is the break
-- if freight can explain the difference.
{%- set least_distance = 5 %}
{%- set least_shift = 0.01 %}
{%- set largest_shift = 0.20 %}
{%- set least_usual_years = 3 %}
with
    levels as (

        select *, 1 / (standard_error * standard_error) as weight
        from {{ ref("int_breaks__levels_measured") }}

    ),

    ordered as (

        select
            *,
            row_number() over levels_in_order as place,
            lead(level) over levels_in_order as next_level,
            count(*) over all_levels as years_available,
            sum(weight) over levels_below as weight_below,
            sum(weight * level) over levels_below as sum_below,
            sum(weight * level * level) over levels_below as squares_below,
            sum(weight) over all_levels as weight_all,
            sum(weight * level) over all_levels as sum_all,
            sum(weight * level * level) over all_levels as squares_all
        from levels
        window
            levels_below as (
                partition by found_by, series, reporter_iso3
                order by level, year
                rows between unbounded preceding and current row
            ),
            levels_in_order as (partition by found_by, series, reporter_iso3 order by level, year),
            all_levels as (partition by found_by, series, reporter_iso3)

    ),

    cuts as (

        select
            *,
            sum_below / weight_below as level_below,
            (sum_all - sum_below) / (weight_all - weight_below) as level_above,
            squares_all
            - sum_below * sum_below / weight_below
            - (sum_all - sum_below) * (sum_all - sum_below) / (weight_all - weight_below) as misfit
        from ordered
        where place < years_available and years_available > {{ least_usual_years }}

    ),

    -- The remaining variation among the years of a group is noise, where it is larger.
    judged as (

        select
            *,
            sqrt(
                greatest(misfit / (years_available - 2), 1.0)
                * (1 / weight_below + 1 / (weight_all - weight_below))
            ) as standard_error_of_shift
        from cuts

    ),

    split_years as (

        select
            *,
            row_number() over (
                partition by found_by, series, reporter_iso3
                order by (level_above - level_below) / standard_error_of_shift desc, place asc
            ) as preference
        from judged

    ),

    -- Imports are valued CIF by recommendation: of two equal groups the higher is the usual one.
    classified as (

        select
            *,
            2 * place <= years_available as is_fall,
            greatest(place, years_available - place) as years_usual
        from split_years
        where
            preference = 1
            and level_above - level_below >= {{ least_distance }} * standard_error_of_shift
            and level_above - level_below between {{ least_shift }} and {{ largest_shift }}
            -- A level that drifts has no step between its groups.
            and 2 * (next_level - level) >= level_above - level_below

    ),

    by_level as (

        select
            o.source_id,
            o.reporter_iso3,
            o.year,
            o.found_by,
            case
                when not t.is_fall
                then 'cif'
                when t.compared_valuation = 'cif'
                then 'fob'
                else t.compared_valuation
            end as valuation,
            o.level,
            case when t.is_fall then t.level_above else t.level_below end as usual_level,
            t.standard_error_of_shift as standard_error,
            t.years_usual,
            o.partners,
            o.flows,
            o.release_id,
            row_number() over (
                partition by o.source_id, o.reporter_iso3, o.year, o.found_by
                order by
                    (t.level_above - t.level_below) / t.standard_error_of_shift desc, o.series asc
            ) as preference
        from ordered as o
        inner join
            classified as t
            on o.found_by = t.found_by
            and o.series = t.series
            and o.reporter_iso3 = t.reporter_iso3
            and (o.place <= t.place) = t.is_fall
        where t.years_usual >= {{ least_usual_years }}

    ),

    -- Both columns are filled in most rows, and either equal throughout or usually different.
    counted as (

        select
            c.*,
            c.rows_valued_alike >= 0.99 * c.rows_valued_twice as is_alike,
            r.source_id,
            r.release_id,
            sum(
                case when c.rows_valued_alike >= 0.99 * c.rows_valued_twice then 1 else 0 end
            ) over (partition by c.reporter_iso3) as years_alike,
            count(*) over (partition by c.reporter_iso3) as years_available,
            avg(
                case when c.rows_valued_alike < 0.99 * c.rows_valued_twice then c.mean_ln_cif end
            ) over (partition by c.reporter_iso3) as level_apart
        from {{ ref("int_mirror__reporters_counted") }} as c
        inner join {{ ref("int_mirror__releases") }} as r on c.year = r.year and r.recency = 1
        where
            c.flow = 'import'
            and 2 * c.rows_valued_twice >= c.rows_reported
            and c.rows_valued_twice > 0
            and (
                c.rows_valued_alike >= 0.99 * c.rows_valued_twice
                or c.rows_valued_alike <= 0.5 * c.rows_valued_twice
            )

    ),

    by_columns as (

        select
            source_id,
            reporter_iso3,
            year,
            'own_columns' as found_by,
            case when is_alike then 'fob' else 'cif' end as valuation,
            mean_ln_cif as level,
            case when is_alike then level_apart else 0.0 end as usual_level,
            cast(null as double) as standard_error,
            greatest(years_alike, years_available - years_alike) as years_usual,
            cast(null as bigint) as partners,
            rows_valued_twice as flows,
            release_id
        from counted
        where
            years_alike > 0
            and years_alike < years_available
            and is_alike = (2 * years_alike <= years_available)
            and greatest(years_alike, years_available - years_alike) >= {{ least_usual_years }}

    )

select
    source_id,
    reporter_iso3,
    'import' as flow,
    year,
    found_by,
    valuation,
    level,
    usual_level,
    standard_error,
    cast(years_usual as integer) as years_usual,
    partners,
    flows,
    release_id
from by_level
where preference = 1
union all
select
    source_id,
    reporter_iso3,
    'import' as flow,
    year,
    found_by,
    valuation,
    level,
    usual_level,
    standard_error,
    cast(years_usual as integer) as years_usual,
    partners,
    flows,
    release_id
from by_columns
