{#- The unknowns of a text's equations by name: what is told, of which products, when. A name is
    text in six or seven parts, of which the fourth is the sector and the fifth the quantity. -#}
{% macro level_variable(quantity, period="period", currency="currency", sector="sector") -%}
    topic
    || '|'
    || {{ sector }}
    || '|'
    || {{ quantity }}
    || '|'
    || {{ period }}
    || '|'
    || {{ currency }}
{%- endmacro %}

{% macro change_variable(quantity, currency="currency") -%}
    topic
    || '|'
    || sector
    || '|change of '
    || {{ quantity }}
    || '|'
    || period
    || '<'
    || base_period
    || '|'
    || {{ currency }}
{%- endmacro %}

{#- `what` is "factor of" the start or "rise of" it. -#}
{% macro growth_variable(what, quantity) -%}
    topic
    || '|'
    || sector
    || '|{{ what }} '
    || {{ quantity }}
    || '|'
    || period
    || '<'
    || base_period
{%- endmacro %}

{% macro share_variable(quantity) -%}
    topic || '|' || sector || '|share of ' || {{ quantity }} || '|' || period
{%- endmacro %}
