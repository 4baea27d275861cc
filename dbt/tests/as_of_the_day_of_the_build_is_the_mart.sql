{% for mart in ["trade_by_year", "trade_by_month", "trade_by_sector_year"] %}
    (
        select '{{ mart }}' as mart, figure_id
        from {{ ref(mart).schema }}.{{ mart }}_as_of({{ as_of_day() }})
        except all
        select '{{ mart }}' as mart, figure_id
        from {{ ref(mart) }}
    )
    union all
    (
        select '{{ mart }}' as mart, figure_id
        from {{ ref(mart) }}
        except all
        select '{{ mart }}' as mart, figure_id
        from {{ ref(mart).schema }}.{{ mart }}_as_of({{ as_of_day() }})
    )
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
