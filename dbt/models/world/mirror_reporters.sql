-- The distance of each country's reports to its partners', as exporter and as importer: the spread
-- of its errors, its rank, and how much of its trade both sides report.
with
    estimated as (select * from {{ ref("int_mirror__reporters_estimated") }}),

    sums as (select * from {{ ref("int_mirror__pair_sums") }}),

    releases as (

        select max(source_id) as source_id, max(release_id) as latest_release_id
        from {{ ref("int_mirror__releases") }}
        where recency = 1

    ),

    sides as (

        {% for side, reporter in [("export", "exporter"), ("import", "importer")] %}
            select
                e.iso3 as reporter_iso3,
                '{{ side }}' as flow,
                e.cells_{{ reporter }} as flows_mirrored,
                e.partners_{{ reporter }} as partners_mirrored,
                e.sigma_{{ reporter }} as sigma,
                e.sigma_ls_means_{{ reporter }} as sigma_ls_means,
                e.ls_mean_{{ reporter }} as ls_mean_distance,
                e.agreed_share_{{ reporter }} as agreed_share,
                e.growth_lab_score_{{ reporter }} as growth_lab_score,
                t.reported_usd,
                t.mirrored_share
            from estimated as e
            inner join
                (
                    select
                        {{ reporter }}_iso3 as iso3,
                        {% if side == "export" %}
                            sum(exporter_reported_usd) as reported_usd,
                            sum(exporter_value_usd) / sum(exporter_reported_usd) as mirrored_share
                        {% else %}
                            sum(importer_reported_usd) as reported_usd,
                            sum(importer_value_usd) / sum(importer_fob_usd) as mirrored_share
                        {% endif %}
                    from sums
                    group by {{ reporter }}_iso3
                ) as t
                on e.iso3 = t.iso3
            where e.sigma_{{ reporter }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}

    )

select
    s.reporter_iso3,
    s.flow,
    cast(
        row_number() over (partition by s.flow order by s.sigma, s.reporter_iso3) as integer
    ) as reliability_rank,
    s.sigma,
    s.sigma_ls_means,
    s.ls_mean_distance,
    s.agreed_share,
    s.growth_lab_score,
    s.flows_mirrored,
    s.partners_mirrored,
    s.reported_usd,
    s.mirrored_share,
    r.source_id,
    r.latest_release_id
from sides as s
cross join releases as r
