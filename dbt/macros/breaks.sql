{#- What deviations are centred on: one step from zero, in which none counts for more than `far`.
    A deviation beyond it comes of something else and says no more than its side. -#}
{% macro bounded_centre(deviation, weight, far) -%}
    sum({{ weight }} * least(greatest({{ deviation }}, -{{ far }}), {{ far }}))
    / nullif(sum(case when abs({{ deviation }}) < {{ far }} then {{ weight }} end), 0)
{%- endmacro %}
