{#- From a value `v` to the figures `f` that it can be computed from, release by release. A join
    instead of a view, so that a query about one value starts from that value. -#}
{% macro figures_of_values() %}
    inner join {{ ref("int_figures__cells") }} as c on v.cell_id = c.cell_id
    inner join
        {{ ref("int_figures__period_routes") }} as p
        on v.route = p.route
        and c.period_start = p.period_start
        and c.period_end = p.period_end
    inner join
        {{ ref("int_figures__series_parts") }} as k
        on v.route = k.route
        and v.series_id = k.series_id
    inner join
        {{ ref("int_figures__route_products") }} as g
        on v.route = g.route
        and k.is_charges = g.is_charges
        and c.product_group_id = g.product_group_id
    inner join
        {{ ref("int_trade__figures") }} as f
        on k.part_series_id = f.series_id
        and v.source_id = f.source_id
        and v.raw_table = f.raw_table
        and f.partner_id
        = case when v.reported_by = 'reporter' then c.partner_id else c.reporter_id end
        and g.product_id = f.product_id
        and p.part_start = f.period_start
        and p.part_end = f.period_end
        -- A figure that occurs twice in one release counts once.
        and f.copy_no = 1
{% endmacro %}

{#- The figures that were current when an interval ended, or are still current. -#}
{% macro is_last_of(stretch) -%}
    case
        when {{ stretch }}.valid_to is null
        then f.known_to is null or f.known_to > {{ as_of_day() }}
        else
            f.known_from < {{ stretch }}.valid_to
            and (f.known_to is null or f.known_to >= {{ stretch }}.valid_to)
    end
{%- endmacro %}
