{% for mart in [
    "trade_by_year",
    "trade_by_year_to_date",
    "trade_by_month",
    "trade_by_sector_year",
] %}
    select '{{ mart }}' as mart, figure_id
    from
        (
            select figure_id, 1 as difference
            from {{ ref(mart).schema }}.{{ mart }}_as_of({{ as_of_day() }})
            union all
            select figure_id, -1 as difference
            from {{ ref(mart) }}
        )
    group by figure_id
    having sum(difference) <> 0
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
