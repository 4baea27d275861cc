{#- The centre of deviations: one step from zero, with each deviation limited to `far`. A deviation
    beyond that has another cause and only its sign counts. -#}
{% macro bounded_centre(deviation, weight, far) -%}
    sum({{ weight }} * least(greatest({{ deviation }}, -{{ far }}), {{ far }}))
    / nullif(sum(case when abs({{ deviation }}) < {{ far }} then {{ weight }} end), 0)
{%- endmacro %}
