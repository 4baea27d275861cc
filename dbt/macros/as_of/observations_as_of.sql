{#- Observations as known on a date, without releases that came later. -#}
{% macro observations_as_of(relation) %}
    create or replace macro {{ relation.schema }}.{{ relation.identifier }}_as_of(as_of_day) as table {{ without_database(observations_known(relation)) }}
{% endmacro %}

{% macro observations_known(relation) %}
    with
        known as (

            select
                f.observation_id,
                count(distinct f.release_no) as releases,
                max(f.release_no) as last_release_no
            from {{ ref("int_trade__figures") }} as f
            where f.known_from <= cast(as_of_day as date)
            group by f.observation_id

        )

    select
        o.* replace (
            r.release_id as last_release_id,
            cast(k.releases as integer) as releases,
            r.known_from as last_known_from
        )
    from {{ relation }} as o
    inner join known as k on o.observation_id = k.observation_id
    inner join {{ ref("int_trade__releases_ordered") }} as r on k.last_release_no = r.release_no
    where o.known_to is null or o.known_to > cast(as_of_day as date)
{% endmacro %}
