{#- An amount in the unit of its claim: US dollars become the billions that it is quoted in. -#}
{% macro in_unit_of_claim(value, multiplier, digits=6) -%}
    cast(cast({{ value }} as double) / {{ multiplier }} as decimal({{ 26 + digits }}, {{ digits }}))
{%- endmacro %}
