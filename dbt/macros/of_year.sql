{#- The rows of one year. Compiled, the condition is true of every year; for a file, the
    materialization puts that of its year in the place, and the engine reads no other year. -#}
{% macro of_year(relation) -%}
    (select * from {{ relation }} where {{ is_of_year() }})
{%- endmacro %}

{% macro is_of_year(year="year") -%} year in ({{ year }}) {%- endmacro %}
