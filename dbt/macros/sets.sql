{#- Every part of a list but the whole and nothing; a list of six has 62. -#}
{% macro proper_subsets(elements) -%}
    list_transform(
        range(1, (1 << len({{ elements }})) - 1),
        lambda picked:list_filter(
            {{ elements }}, lambda element, place: (picked >> (place - 1)) & 1 = 1
        )
    )
{%- endmacro %}
