{#- Exact dollars from a decimal(18, 6) in millions. The whole millions and the rest are multiplied
    separately, each in 64 bits: narrowing the 128-bit product takes twenty times as long. -#}
{% macro dollars_of_millions(value) -%}
    cast(
        cast(trunc({{ value }}) as bigint) * 1000000
        + cast(({{ value }} - trunc({{ value }})) * 1000000 as bigint) as decimal(24, 3)
    )
{%- endmacro %}
