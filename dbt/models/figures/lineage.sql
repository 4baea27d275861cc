{{ config(materialized="view") }}

-- From a row of a mart to the raw rows under it: file, row, column, hash, release and address.
-- Nothing of it is stored: joins lead from a mart to its figures, and from these to the file.
with
    figures as (select * from {{ ref("int_figures__value_figures") }}),

    value_rows as (select * from {{ ref("int_figures__value_rows") }}),

    balance_values as (

        select balance_id, exports_value_id as value_id, valid_to
        from {{ ref("int_figures__balances") }}
        where not is_page
        union all
        select balance_id, imports_value_id as value_id, valid_to
        from {{ ref("int_figures__balances") }}
        where not is_page

    ),

    balance_rows as (

        select b.balance_id, f.figure_id
        from balance_values as b
        inner join figures as f on b.value_id = f.value_id
        where
            case
                when b.valid_to is null
                then f.known_to is null or f.known_to > {{ as_of_day() }}
                else f.known_from < b.valid_to and (f.known_to is null or f.known_to >= b.valid_to)
            end

        union all

        select b.balance_id, q.figure_id
        from {{ ref("int_figures__balances") }} as b
        inner join
            {{ ref("int_figures__quoted") }} as q
            on b.cell_id = q.cell_id
            and b.exports_release_no = q.release_no
            and b.reported_by = q.reported_by
            and coalesce(q.export_series_id, b.export_series_id) = b.export_series_id
            and coalesce(q.import_series_id, b.import_series_id) = b.import_series_id
        where b.is_page

    ),

    all_rows as (

        select 'readings' as mart, m.figure_id as row_key, r.figure_id as reference_id
        from {{ ref("readings") }} as m
        inner join balance_rows as r on m.balance_id = r.balance_id

        union all

        select 'trade_by_year' as mart, m.figure_id as row_key, r.figure_id as reference_id
        from {{ ref("trade_by_year") }} as m
        inner join balance_rows as r on m.balance_id = r.balance_id

        union all

        select 'trade_by_month' as mart, m.figure_id as row_key, r.figure_id as reference_id
        from {{ ref("trade_by_month") }} as m
        inner join balance_rows as r on m.balance_id = r.balance_id

        union all

        select distinct
            'figure_comparisons' as mart, m.comparison_id as row_key, r.figure_id as reference_id
        from {{ ref("figure_comparisons") }} as m
        inner join balance_rows as r on r.balance_id in (m.preferred_balance_id, m.other_balance_id)

        union all

        select 'trade_by_sector_year' as mart, m.figure_id as row_key, r.figure_id as reference_id
        from {{ ref("trade_by_sector_year") }} as m
        inner join value_rows as r on m.value_id = r.value_id

        union all

        select distinct
            'trade_by_sector_year' as mart, m.figure_id as row_key, r.figure_id as reference_id
        from {{ ref("trade_by_sector_year") }} as m
        inner join
            {{ ref("trade_by_sector_year") }} as p
            on m.partition_name = p.partition_name
            and m.reporter_iso3 = p.reporter_iso3
            and m.partner_code = p.partner_code
            and m.trade_kind = p.trade_kind
            and m.year = p.year
            and m.leg_id = p.leg_id
        inner join value_rows as r on p.value_id = r.value_id
        where m.is_remainder and not p.is_remainder

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

    )

select
    l.mart,
    l.row_key,
    r.reference_id,
    r.observation_id,
    r.source_id,
    r.release_id,
    r.known_from,
    r.raw_table,
    r.snapshot_file,
    r.snapshot_sha256,
    r.row_number,
    r.column_name,
    r.reported_value,
    r.reported_unit,
    r.address,
    r.licence
from all_rows as l
inner join {{ ref("raw_references") }} as r on l.reference_id = r.reference_id
