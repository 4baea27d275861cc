-- The level of a reporter's imports of a year relative to the comparison: its partners' exports
-- (`mirror`), or another source of the same imports (`two_sources`). Each partner is compared with
-- itself in other years, so that a change of partners is not a change of level; an exporter's
-- deviation towards all importers is attributed to the exporter.
{%- set partner_noise = 0.05 %}
{%- set far = 0.25 %}
{%- set least_noise = 0.0025 %}
{%- set least_years = 3 %}
{%- set least_partners = {"mirror": 8, "two_sources": 1} %}
with
    comparisons as (

        select
            'mirror' as found_by,
            'un_comtrade__bulk' as series,
            r.source_id,
            'fob' as compared_valuation,
            r.release_id,
            i.importer_iso3 as reporter_iso3,
            i.exporter_iso3 as partner_code,
            i.exporter_iso3 as compared_id,
            i.year,
            i.flows_mirrored as flows,
            i.sum_ln_ratio / i.flows_near as level,
            i.sum_squares / (cast(i.flows_near as double) * i.flows_near) as variance
        from {{ ref("int_mirror__import_levels") }} as i
        inner join {{ ref("int_mirror__releases") }} as r on i.year = r.year and r.recency = 1
        where i.flows_near > 0
        union all
        select
            'two_sources',
            raw_table || ' ' || compared_with,
            source_id,
            compared_valuation,
            release_id,
            reporter_iso3,
            partner_code,
            partner_code || ' ' || product,
            year,
            1,
            ln_ratio,
            0.0
        from {{ ref("int_breaks__imports_compared") }}

    ),

    usual_levels as (

        select
            found_by,
            series,
            reporter_iso3,
            compared_id,
            median(level) as usual_level,
            count(*) as years_available
        from comparisons
        group by found_by, series, reporter_iso3, compared_id

    ),

    deviations as (

        select
            t.*,
            w.usual_level,
            t.level - w.usual_level as deviation,
            1 / ({{ partner_noise }} * {{ partner_noise }} + t.variance) as weight
        from comparisons as t
        inner join
            usual_levels as w
            on t.found_by = w.found_by
            and t.series = w.series
            and t.reporter_iso3 = w.reporter_iso3
            and t.compared_id = w.compared_id
        where w.years_available >= {{ least_years }}

    ),

    exporters as (

        select
            found_by,
            series,
            partner_code,
            year,
            {{ bounded_centre("deviation", "weight", far) }} as effect
        from deviations
        where found_by = 'mirror'
        group by found_by, series, partner_code, year
        having count(*) >= {{ least_years }}

    ),

    cleared as (

        select d.*, d.deviation - coalesce(e.effect, 0) as own_deviation
        from deviations as d
        left join
            exporters as e
            on d.found_by = e.found_by
            and d.series = e.series
            and d.partner_code = e.partner_code
            and d.year = e.year
        where d.found_by <> 'mirror' or e.effect is not null

    ),

    centred as (

        select
            found_by,
            series,
            reporter_iso3,
            year,
            max(source_id) as source_id,
            max(compared_valuation) as compared_valuation,
            max(release_id) as release_id,
            cast(sum(flows) as bigint) as flows,
            count(distinct partner_code) as partners,
            sum(weight * usual_level) / sum(weight) as usual_level,
            {{ bounded_centre("own_deviation", "weight", far) }} as shift,
            count(case when abs(own_deviation) < {{ far }} then 1 end) as near,
            sum(case when abs(own_deviation) < {{ far }} then weight end) as weight
        from cleared
        group by found_by, series, reporter_iso3, year

    ),

    scattered as (

        select
            c.found_by,
            c.series,
            c.reporter_iso3,
            c.year,
            sum(
                d.weight
                * d.weight
                * power(least(greatest(d.own_deviation - c.shift, -{{ far }}), {{ far }}), 2)
            ) as scatter
        from cleared as d
        inner join
            centred as c
            on d.found_by = c.found_by
            and d.series = c.series
            and d.reporter_iso3 = c.reporter_iso3
            and d.year = c.year
        group by c.found_by, c.series, c.reporter_iso3, c.year

    ),

    measured as (

        select
            c.*,
            avg(c.usual_level) over (partition by c.found_by, c.series, c.reporter_iso3)
            + c.shift as level,
            sqrt(s.scatter * c.near / nullif(c.near - 1, 0)) / c.weight as scatter_error
        from centred as c
        inner join
            scattered as s
            on c.found_by = s.found_by
            and c.series = s.series
            and c.reporter_iso3 = s.reporter_iso3
            and c.year = s.year
        where
            {% for found_by, least in least_partners.items() %}
                {{ "or " if not loop.first }} (
                    c.found_by = '{{ found_by }}' and c.near >= {{ least }}
                )
            {% endfor %}

    ),

    -- Where freight is missing, near and distant partners fall by different amounts: a break
    -- scatters the partners, and that scatter must not hide it. The scatter of a reporter's
    -- partners in its median year is used for all its years.
    typical as (

        select found_by, series, reporter_iso3, median(scatter_error * sqrt(near)) as scatter_of_one
        from measured
        group by found_by, series, reporter_iso3

    ),

    doubted as (

        select
            m.*,
            greatest(
                coalesce(t.scatter_of_one / sqrt(m.near), {{ least_noise }}), {{ least_noise }}
            ) as noise
        from measured as m
        inner join
            typical as t
            on m.found_by = t.found_by
            and m.series = t.series
            and m.reporter_iso3 = t.reporter_iso3

    ),

    -- Levels vary from year to year by more than the scatter of partners: the extent is estimated
    -- from most reporters' usual years. 0.4549 is the median of a squared normal deviate.
    dispersions as (

        select found_by, greatest(median(power(shift / noise, 2)) / 0.4549, 1.0) as dispersion
        from doubted
        group by found_by

    )

select
    m.found_by,
    m.series,
    m.source_id,
    m.release_id,
    m.reporter_iso3,
    m.year,
    m.compared_valuation,
    m.level,
    m.noise * sqrt(r.dispersion) as standard_error,
    m.partners,
    m.flows
from doubted as m
inner join dispersions as r on m.found_by = r.found_by
