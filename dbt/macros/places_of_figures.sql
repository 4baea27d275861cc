{#- From figures `f` to their release `r`, file `s` and, for a quoted figure, page `p`. Each figure
    has its release and file; left joins keep DuckDB from starting with these. -#}
{% macro places_of_figures() %}
    left join {{ ref("int_trade__releases_ordered") }} as r on f.release_no = r.release_no
    left join {{ ref("int_trade__files_listed") }} as s on f.file_no = s.file_no
    left join
        {{ ref("int_trade__page_addresses") }} as p
        on f.file_no = p.file_no
        and f.row_number = p.row_number
        and f.column_name = p.column_name
{% endmacro %}
