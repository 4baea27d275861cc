-- The cost of freight and insurance estimated from each year's pairs: one row per coefficient of
-- the fit.
with
    fits as (select * from {{ ref("int_mirror__cif_fits") }}),

    releases as (

        select year, max(source_id) as source_id, max(release_id) as latest_release_id
        from {{ ref("int_mirror__releases") }}
        where recency = 1
        group by year

    ),

    terms as (

        {% for term in cif_terms() %}
            select
                year,
                '{{ term }}' as term,
                {{ term }} as coefficient,
                standard_error_{{ term }} as standard_error
            from fits
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}

    )

select
    t.year,
    t.term,
    t.coefficient,
    t.standard_error,
    f.r_squared,
    f.sigma as residual_sigma,
    f.cells as flows_used,
    f.cells_dropped as flows_dropped,
    f.mean_cif_rate,
    f.is_pooled,
    r.source_id,
    r.latest_release_id
from terms as t
inner join fits as f on t.year = f.year
inner join releases as r on t.year = r.year
