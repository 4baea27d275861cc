{#- Converts dimensions to text, only in public columns. -#}
{% macro series_code(compiler, flow, concept, valuation, account_basis, seasonal_adjustment) -%}
    {{ compiler }}
    || '.'
    || {{ flow }}
    || '.'
    || {{ concept }}
    || '.'
    || {{ valuation }}
    || '.'
    || {{ account_basis }}
    || '.'
    || {{ seasonal_adjustment }}
{%- endmacro %}

{#- The series of a figure, exports first: two figures with equal series are on the same basis. -#}
{% macro basis_key(export_series_code, import_series_code, joint=" + ") -%}
    coalesce({{ export_series_code }}, '') || case
        when {{ export_series_code }} is not null and {{ import_series_code }} is not null
        then '{{ joint }}'
        else ''
    end
    || coalesce({{ import_series_code }}, '')
{%- endmacro %}

{#- The releases of a figure: one, or two in the order of their names. -#}
{% macro release_keys(one, other) -%}
    case
        when {{ one }} = {{ other }}
        then {{ one }}
        else least({{ one }}, {{ other }}) || ' + ' || greatest({{ one }}, {{ other }})
    end
{%- endmacro %}

{% macro month_index(day) -%} (year({{ day }}) * 12 + month({{ day }})) {%- endmacro %}

{#- Whole months between the first day of one date and the last day of another. -#}
{% macro months_between(first_day, last_day) -%}
    ({{ month_index(last_day) }} - {{ month_index(first_day) }} + 1)
{%- endmacro %}

{% macro period_kind(first_day, last_day) -%}
    case
        when {{ months_between(first_day, last_day) }} = 1
        then 'month'
        when {{ months_between(first_day, last_day) }} = 12 and month({{ first_day }}) = 1
        then 'year'
        when {{ months_between(first_day, last_day) }} = 12
        then 'twelve_months'
        when {{ months_between(first_day, last_day) }} < 12 and month({{ first_day }}) = 1
        then 'year_to_date'
        else 'months'
    end
{%- endmacro %}

{#- How old a year was when a figure of it was printed, in steps of like revisions: the first figures,
    those after the first and the second yearly revision, and all later ones. Without a day, the
    first ones may be meant. -#}
{% macro age_of_print(day, last_day) -%}
    case
        when {{ day }} is null or {{ day }} - {{ last_day }} < 183
        then 0
        when {{ day }} - {{ last_day }} < 548
        then 1
        when {{ day }} - {{ last_day }} < 1096
        then 2
        else 3
    end
{%- endmacro %}

{#- 2016, 2016-11 or 2016-01/2016-11, as the claims files write periods. -#}
{% macro period_text(first_day, last_day) -%}
    case
        when {{ months_between(first_day, last_day) }} = 12 and month({{ first_day }}) = 1
        then cast(year({{ first_day }}) as varchar)
        when {{ months_between(first_day, last_day) }} = 1
        then substr(cast({{ first_day }} as varchar), 1, 7)
        else
            substr(cast({{ first_day }} as varchar), 1, 7)
            || '/'
            || substr(cast({{ last_day }} as varchar), 1, 7)
    end
{%- endmacro %}

{#- First and last day of a period text; null for text that is not a period. -#}
{% macro period_first_day(period) -%}
    try_cast(
        case
            when length({{ period }}) = 4
            then {{ period }} || '-01-01'
            else substr({{ period }}, 1, 7) || '-01'
        end as date
    )
{%- endmacro %}

{% macro period_last_day(period) -%}
    last_day(
        try_cast(
            case
                when length({{ period }}) = 4
                then {{ period }} || '-12-01'
                else substr({{ period }}, length({{ period }}) - 6, 7) || '-01'
            end as date
        )
    )
{%- endmacro %}

{% macro cell_key(reporter, partner, trade_kind, definition, first_day, last_day) -%}
    {{ reporter }}
    || '>'
    || {{ partner }}
    || ' '
    || {{ trade_kind }}
    || ' '
    || {{ definition }}
    || ' '
    || {{ period_text(first_day, last_day) }}
{%- endmacro %}

{#- The model that gives the rows of a raw table their dimensions. -#}
{% macro aligned_model(raw_table) %}
    {{ return("int_trade__" ~ raw_table.replace("__", "_") ~ "_aligned") }}
{% endmacro %}

{#- Columns of each aligned model of a raw table, in order. -#}
{% macro figure_columns() %}
    source_id,
    raw_table,
    release_id,
    snapshot_file,
    row_number,
    column_name,
    reporter_iso3,
    partner_code,
    is_aggregate,
    trade_kind,
    flow,
    measure,
    concept,
    valuation,
    account_basis,
    seasonal_adjustment,
    product_system,
    product_code,
    product_edition,
    period_start,
    period_end,
    reported_value,
    reported_unit,
    value_usd,
    rounding_margin_usd
{% endmacro %}
