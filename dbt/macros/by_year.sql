{#- Models of world trade are built year by year: one Parquet file per model and year, whose name
    includes a digest of all its inputs. An unchanged year is not rebuilt, and a build that fails
    leaves the previous files in place. The relation is a view over the files. On an engine with its
    own tables the same SQL makes one. -#}
{#- A folder as a part of an SQL literal: its name may have an apostrophe. -#}
{% macro folder_of(variable, default) -%}
    {{ return(env_var(variable, default) | replace("'", "''")) }}
{%- endmacro %}

{#- Years for which a raw table has files, as text. -#}
{% macro years_of(raw_table) %}
    {%- set listed = run_query(
        "select distinct regexp_extract(file, 'year=([0-9]{4})/', 1) as year from glob('"
        ~ folder_of("BILATERAL_RAW", "../data/raw")
        ~ "/"
        ~ raw_table
        ~ "/year=*/*.parquet') order by 1"
    ) -%}
    {{ return(listed.columns[0].values() | list) }}
{% endmacro %}

{#- Ids of everything a model reads, including through ephemeral models. -#}
{% macro read_by(node) %}
    {%- set ids = [] -%}
    {%- for unique_id in node.depends_on.nodes -%}
        {%- do ids.append(unique_id) -%}
        {%- if unique_id in graph.nodes and graph.nodes[
            unique_id
        ].config.materialized == "ephemeral" -%}
            {%- do ids.extend(read_by(graph.nodes[unique_id])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(ids) }}
{% endmacro %}

{#- Inputs of a year's file besides its SQL: the files of the raw table and of models built by year,
    whose names include digests, and the rows of small tables, of that year only where they have
    years. -#}
{% macro state_of_year(raw_table, year) %}
    {%- set state = [run_query("select version()").columns[0].values()[0]] -%}
    {%- set files = run_query(
        "select coalesce(string_agg(parse_filename(file), ' ' order by file), '') from glob('"
        ~ folder_of("BILATERAL_RAW", "../data/raw")
        ~ "/"
        ~ raw_table
        ~ "/year="
        ~ year
        ~ "/*.parquet')"
    ) -%}
    {%- do state.append(files.columns[0].values()[0]) -%}
    {%- for unique_id in read_by(model) | unique | sort if unique_id in graph.nodes -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- if node.config.materialized == "view" -%}
            {%- set rows = run_query(
                "select sql from duckdb_views() where schema_name = '"
                ~ node.schema
                ~ "' and view_name = '"
                ~ node.alias
                ~ "'"
            ) -%}
            {%- do state.append(rows.columns[0].values()[0]) -%}
        {%- elif node.config.materialized == "by_year" -%}
            {%- set rows = run_query(
                "select coalesce(max(file), '') from "
                ~ by_year_files()
                ~ " where model= '"
                ~ node.alias
                ~ "' and year = "
                ~ year
            ) -%}
            {%- do state.append(rows.columns[0].values()[0]) -%}
        {%- elif node.config.materialized in ("table", "seed") -%}
            {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- set columns = (
                adapter.get_columns_in_relation(relation) | map(attribute="name") | list
            ) -%}
            {%- set only = "where t.year = " ~ year if "year" in columns else "" -%}
            {%- set rows = run_query(
                "select count(*) || ' ' || coalesce(sum(cast(hash(t) as hugeint)), 0) from "
                ~ relation
                ~ " as t "
                ~ only
            ) -%}
            {%- do state.append(node.name ~ " " ~ rows.columns[0].values()[0]) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(state | join("\n")) }}
{% endmacro %}

{#- The file of a model's year, and the SQL that made it. -#}
{% macro by_year_files() -%} {{ target.database ~ ".by_year.files" }} {%- endmacro %}

{% macro make_by_year_files() %}
    create schema if not exists {{ target.database ~ ".by_year" }}
    ;
    create table if not exists {{ by_year_files() }} (
        model varchar,
        year integer,
        file varchar,
        made_by varchar,
        primary key (model, year)
    )
    ;
{% endmacro %}

{% materialization by_year, adapter = "duckdb", supported_languages = ["sql"] %}
    {%- set relation = this.incorporate(type="view") -%}
    {%- set raw_table = config.require("years_of") -%}
    {%- set order_by = config.get("order_by") -%}
    {%- set files = [] -%}
    {{ run_hooks(pre_hooks) }}
    {%- for year in years_of(raw_table) -%}
        {%- set sql = compiled_code | replace(is_of_year(), is_of_year(year)) -%}
        {%- set state = [sql, order_by or "", state_of_year(raw_table, year)] | join("\n") -%}
        {%- set stem = (
            folder_of("BILATERAL_WORLD", "../data/world")
            ~ "/"
            ~ this.identifier
            ~ "."
            ~ year
            ~ "."
            ~ local_md5(state)[:16]
        ) -%}
        {#- As the stem, the name is a part of an SQL literal. -#}
        {%- set existing = run_query(
            "select replace(min(file), '''', '''''') from glob('"
            ~ stem
            ~ ".*.parquet')"
        ) -%}
        {%- set file = (
            existing.columns[0].values()[0]
            or stem ~ "." ~ invocation_id[:8] ~ ".parquet"
        ) -%}
        {%- if existing.columns[0].values()[0] is none -%}
            {#- After many conditions the planner expects almost no rows and loads millions of them
                into memory to join a small table: these models put the small table on the right.
                -#}
            {%- do run_query("set disabled_optimizers = 'build_side_probe_side'") -%}
            {%- call statement("copy") -%}
                copy (
                {{ sql }}
                {% if order_by %}
                        order by {{ order_by }}
                {% endif %}
                ) to '{{ file }}' (
                    {#- Decompresses in half the time, which a query about a product waits for, at
                        the cost of an eighth more space. -#}
                    format parquet,
                    parquet_version v2,
                    compression snappy,
                    use_tmp_file true
                )
            {%- endcall -%}
            {%- do run_query("reset disabled_optimizers") -%}
            {%- do log(this.identifier ~ " " ~ year ~ " made", info=true) -%}
        {%- endif -%}
        {%- do files.append(file) -%}
        {%- do run_query(
            "insert or replace into "
            ~ by_year_files()
            ~ " values ('"
            ~ this.identifier
            ~ "', "
            ~ year
            ~ ", '"
            ~ file
            ~ "', '"
            ~ sql
            | replace("'", "''") ~ "')"
        ) -%}
    {%- endfor -%}
    {%- call statement("main") -%}
        create or replace view {{ relation }} as
        {% if files %}
            select *
            from read_parquet(['{{ files | join("', '") }}'], hive_partitioning = false)
        {#- Its inputs may not have been built; models that read it have its columns. -#}
        {% elif model.columns %}
            {{ get_empty_schema_sql(model.columns) }} limit 0
        {% else %}
            select * from ({{ compiled_code }}) as nothing limit 0
        {% endif %}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({"relations": [relation]}) }}
{% endmaterialization %}
