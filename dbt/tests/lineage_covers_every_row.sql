{% set keys = {
    "revisions": "cast(observation_id as varchar)",
    "trade_by_year": "figure_id",
    "trade_by_year_to_date": "figure_id",
    "trade_by_sector_year": "figure_id",
    "figure_comparisons": "comparison_id",
    "partner_ranks": "rank_id",
    "mirror_flows": "mirror_id",
    "claim_verdicts": "case when len(evidence) > 0 then claim_id end",
    "bridge_steps": "case when len(evidence) > 0 then bridge_id || ' #' || cast(step_order as varchar) end",
} %}

with
    shown as (

        {% for mart, key in keys.items() %}
            select '{{ mart }}' as mart, {{ key }} as row_key
            from {{ ref(mart) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}

    ),

    led_back as (

        select distinct mart, row_key
        from {{ ref("lineage") }}
        where mart in ('{{ keys.keys() | join("', '") }}')

    )

select coalesce(s.mart, l.mart) as mart, coalesce(s.row_key, l.row_key) as row_key
from (select mart, row_key from shown where row_key is not null) as s
full join led_back as l on s.mart = l.mart and s.row_key = l.row_key
where s.row_key is null or l.row_key is null
