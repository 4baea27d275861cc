{{ config(materialized="view") }}

-- From a row of a mart to the raw rows behind it: file, row, column, hash, release and address.
-- Nothing is stored: joins lead from a mart to its figures, and from these to the file.
{#- Each mart of balances, its key, and a column that names a balance. -#}
{% set balances = [
    ("balances_by_basis", "figure_id", "balance_id"),
    ("trade_by_year", "figure_id", "balance_id"),
    ("trade_by_year_to_date", "figure_id", "balance_id"),
    ("trade_by_month", "figure_id", "balance_id"),
    ("figure_comparisons", "comparison_id", "preferred_balance_id"),
    ("figure_comparisons", "comparison_id", "other_balance_id"),
] %}

with
    -- A filter on the mart reaches each part of a CTE only where it is not materialized.
    balances as not materialized(

        {% for mart, key, column in balances %}
            select '{{ mart }}' as mart, m.{{ key }} as row_key, b.*
            from {{ ref(mart) }} as m
            inner join {{ ref("int_figures__balances") }} as b on m.{{ column }} = b.balance_id
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}

    ),

    vals as not materialized(

        select mart, row_key, exports_value_id as value_id, valid_to
        from balances

        union all

        select mart, row_key, imports_value_id as value_id, valid_to
        from balances

        union all

        select 'trade_by_sector_year' as mart, m.figure_id as row_key, v.value_id, v.valid_to
        from {{ ref("trade_by_sector_year") }} as m
        inner join {{ ref("int_figures__values") }} as v on m.value_id = v.value_id

        union all

        -- A residual is the total less its parts and has their rows.
        select 'trade_by_sector_year' as mart, m.figure_id as row_key, v.value_id, v.valid_to
        from {{ ref("trade_by_sector_year") }} as m
        inner join
            {{ ref("trade_by_sector_year") }} as s
            on m.is_residual
            and not s.is_residual
            and m.breakdown = s.breakdown
            and m.reporter_iso3 = s.reporter_iso3
            and m.partner_code = s.partner_code
            and m.trade_kind = s.trade_kind
            and m.year = s.year
            and m.series_code = s.series_code
        inner join {{ ref("int_figures__values") }} as v on s.value_id = v.value_id

    ),

    all_rows as (

        -- The figures behind each value, as in the last release of its interval.
        select m.mart, m.row_key, f.figure_id as reference_id
        from vals as m
        inner join
            {{ ref("int_figures__values") }} as v on m.value_id = v.value_id
            {{ figures_of_values() }}
        where f.known_from <= {{ as_of_day() }} and {{ is_last_of("m") }}

        union all

        select b.mart, b.row_key, q.figure_id as reference_id
        from balances as b
        inner join
            {{ ref("int_figures__quoted") }} as q
            on b.is_page
            and b.cell_id = q.cell_id
            and b.exports_release_no = q.release_no
            and b.reported_by = q.reported_by
            and coalesce(q.export_series_id, b.export_series_id) = b.export_series_id
            and coalesce(q.import_series_id, b.import_series_id) = b.import_series_id

        union all

        select 'claim_verdicts' as mart, claim_id as row_key, unnest(evidence) as reference_id
        from {{ ref("claim_verdicts") }}

        union all

        select
            'bridge_steps' as mart,
            bridge_id || ' #' || cast(step_order as varchar) as row_key,
            unnest(evidence) as reference_id
        from {{ ref("bridge_steps") }}

        union all

        select 'partner_ranks' as mart, rank_id as row_key, export_reference_id as reference_id
        from {{ ref("partner_ranks") }}

        union all

        select 'partner_ranks' as mart, rank_id as row_key, import_reference_id as reference_id
        from {{ ref("partner_ranks") }}

        union all

        select 'mirror_flows' as mart, m.mirror_id as row_key, r.figure_id as reference_id
        from {{ ref("mirror_flows") }} as m
        inner join
            {{ ref("int_trade__observations") }} as o
            on o.observation_id in (m.export_observation_id, m.import_observation_id)
        inner join
            {{ ref("int_trade__figures") }} as r
            on o.observation_id = r.observation_id
            and o.last_release_no = r.release_no
            and r.copy_no = 1

        union all

        select 'observations' as mart, cast(observation_id as varchar) as row_key, reference_id
        from {{ ref("raw_references") }}

        union all

        select 'revisions' as mart, cast(m.observation_id as varchar) as row_key, r.reference_id
        from {{ ref("revisions") }} as m
        inner join {{ ref("raw_references") }} as r on m.observation_id = r.observation_id

    ),

    each_once as (select distinct mart, row_key, reference_id from all_rows)

select
    l.mart,
    l.row_key,
    f.figure_id as reference_id,
    f.observation_id,
    r.source_id,
    r.release_id,
    r.known_from,
    f.raw_table,
    s.snapshot_file,
    s.snapshot_sha256,
    f.row_number,
    f.column_name,
    f.reported_value,
    f.reported_unit,
    coalesce(p.address, s.address) as address,
    s.licence
from each_once as l
inner join
    {{ ref("int_trade__figures") }} as f on l.reference_id = f.figure_id {{ places_of_figures() }}
