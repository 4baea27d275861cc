{#- The partner of the whole that a share refers to: a product group is a part of the trade with its
partner, and a partner's trade in all products is a part of the trade with the world. -#}
{% macro partner_of_whole(product_group, partner_code) -%}
    case when {{ product_group }} = 'total:total' then 'WLD' else {{ partner_code }} end
{%- endmacro %}
