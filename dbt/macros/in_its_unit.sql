{#- A figure as a sentence shows it: six digits in the unit the claim is printed in. -#}
{% macro in_its_unit(value, multiplier, unit) -%}
    printf('%.6g', cast({{ value }} as double) / {{ multiplier }}) || case
        {{ unit }}
        when 'pct'
        then ' %'
        when 'ratio'
        then ''
        when 'sign'
        then ''
        else ' ' || {{ unit }}
    end
{%- endmacro %}
