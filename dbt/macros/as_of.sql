{#- The day whose knowledge the build shows; without one, everything that is available. -#}
{% macro as_of_day() -%}
    cast('{{ env_var("BILATERAL_AS_OF", "") or "9999-12-31" }}' as date)
{%- endmacro %}

{#- A mart of trade and its as-of macro are one statement: the build gives it the day to look
    from, and after it `marts.trade_by_year_as_of('2017-07-12')` gives it any other. -#}
{% macro as_of_macro(relation, model) %}
    create or replace macro {{ relation.schema }}.{{ relation.identifier }}_as_of(as_of_day) as table {{ statement_as_of(model) }}
{% endmacro %}

{#- The compiled statement of a model with the day of the build left open. -#}
{% macro statement_as_of(model) -%}
    {{ model.get("compiled_code", "") | replace(as_of_day(), "cast(as_of_day as date)") }}
{%- endmacro %}

{#- What the marts by year and by month say of a balance, in this order. -#}
{% macro trade_columns() %}
    reading_id,
    reported_by,
    exports_usd,
    imports_usd,
    balance_usd,
    two_way_usd,
    half_width_usd,
    evidence_kind,
    release_key,
    known_from,
    policy_rank,
    export_leg_id,
    import_leg_id
{% endmacro %}

{#- Observations as a day knew them: releases that came later have said nothing yet. -#}
{% macro observations_as_of(relation) %}
    create or replace macro {{ relation.schema }}.{{ relation.identifier }}_as_of(as_of_day) as table {{ observations_known(relation) }}
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
