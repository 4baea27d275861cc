-- From a cell of a mart to the raw rows under it: file, row, column, hash, release and address.
with
    observations as (select * from {{ ref("observations") }}),

    pieces as (select * from {{ ref("int_figures__pieces") }}),

    legs as (select * from {{ ref("int_figures__legs") }}),

    leg_rows as (

        select l.cell_id, l.vintage, l.leg_id, p.observation_id
        from legs as l
        inner join
            pieces as p
            on l.cell_id = p.cell_id
            and l.vintage = p.vintage
            and l.leg_id = p.leg_id
            and l.source_id = p.source_id
            and l.raw_table = p.raw_table
            and l.route = p.route

    ),

    readings as (

        select
            r.figure_id,
            r.cell_id,
            r.known_from,
            r.export_leg_id,
            r.import_leg_id,
            r.is_page,
            r.release_key
        from {{ ref("readings") }} as r

    ),

    reading_rows as (

        select r.figure_id as row_key, l.observation_id
        from readings as r
        inner join
            leg_rows as l
            on r.cell_id = l.cell_id
            and r.known_from = l.vintage
            and l.leg_id in (r.export_leg_id, r.import_leg_id)
        where not r.is_page

        union

        select r.figure_id as row_key, q.observation_id
        from readings as r
        inner join
            {{ ref("int_figures__quantities") }} as q
            on r.cell_id = q.cell_id
            and r.release_key = q.token
            and coalesce(q.export_leg_id, r.export_leg_id) = r.export_leg_id
            and coalesce(q.import_leg_id, r.import_leg_id) = r.import_leg_id
        where r.is_page and q.observation_id is not null

    ),

    trade_rows as (

        select 'readings' as mart, row_key, observation_id
        from reading_rows
        union all
        select 'trade_by_year' as mart, y.figure_id as row_key, r.observation_id
        from {{ ref("trade_by_year") }} as y
        inner join reading_rows as r on y.figure_id = r.row_key
        union all
        select 'trade_by_month' as mart, m.figure_id as row_key, r.observation_id
        from {{ ref("trade_by_month") }} as m
        inner join reading_rows as r on m.figure_id = r.row_key
        union all
        select 'figure_comparisons' as mart, c.comparison_id as row_key, r.observation_id
        from {{ ref("figure_comparisons") }} as c
        inner join reading_rows as r on r.row_key in (c.preferred_figure_id, c.other_figure_id)

    ),

    sector_rows as (

        select 'trade_by_sector_year' as mart, s.figure_id as row_key, l.observation_id
        from {{ ref("trade_by_sector_year") }} as s
        inner join
            (
                select
                    cell_id,
                    leg_id,
                    observation_id,
                    rank() over (partition by cell_id order by vintage desc) as recency
                from leg_rows
                where vintage <= {{ as_of_day() }}
            ) as l
            on s.figure_id = l.cell_id || ' | ' || l.leg_id
            and l.recency = 1

    ),

    remainder_rows as (

        select distinct 'trade_by_sector_year' as mart, r.figure_id as row_key, p.observation_id
        from {{ ref("trade_by_sector_year") }} as r
        inner join
            {{ ref("trade_by_sector_year") }} as s
            on r.is_remainder
            and not s.is_remainder
            and r.partition_name = s.partition_name
            and r.reporter_iso3 = s.reporter_iso3
            and r.partner_code = s.partner_code
            and r.trade_kind = s.trade_kind
            and r.year = s.year
            and r.leg_id = s.leg_id
        inner join sector_rows as p on s.figure_id = p.row_key

    ),

    other_rows as (

        select 'claim_verdicts' as mart, claim_id as row_key, unnest(evidence) as observation_id
        from {{ ref("claim_verdicts") }}
        union all
        select
            'bridge_steps' as mart,
            bridge_id || ' #' || cast(step_order as varchar) as row_key,
            unnest(evidence) as observation_id
        from {{ ref("bridge_steps") }}
        union all
        select 'partner_ranks' as mart, rank_id as row_key, export_observation_id as observation_id
        from {{ ref("partner_ranks") }}
        union all
        select 'partner_ranks' as mart, rank_id as row_key, import_observation_id as observation_id
        from {{ ref("partner_ranks") }}
        union all
        select 'mirror_flows' as mart, mirror_id as row_key, export_observation_id as observation_id
        from {{ ref("mirror_flows") }}
        union all
        select 'mirror_flows' as mart, mirror_id as row_key, import_observation_id as observation_id
        from {{ ref("mirror_flows") }}
        union all
        select 'observations' as mart, observation_id as row_key, observation_id
        from observations
        union all
        select 'revisions' as mart, observation_id as row_key, observation_id
        from {{ ref("revisions") }}

    ),

    all_rows as (

        select mart, row_key, observation_id
        from trade_rows
        union
        select mart, row_key, observation_id
        from sector_rows
        union
        select mart, row_key, observation_id
        from remainder_rows
        union
        select mart, row_key, observation_id
        from other_rows

    ),

    files as (

        select snapshot_file, table_name, address, licence from {{ ref("stg_snapshots__files") }}

    ),

    pages as (select snapshot_file, row_number, address from {{ ref("stg_published__figures") }})

select
    r.mart,
    r.row_key,
    r.observation_id,
    o.source_id,
    o.release_id,
    o.known_from,
    o.raw_table,
    o.snapshot_file,
    o.snapshot_sha256,
    o.row_number,
    o.column_name,
    o.reported_value,
    o.reported_unit,
    coalesce(p.address, f.address) as address,
    f.licence
from all_rows as r
inner join observations as o on r.observation_id = o.observation_id
left join files as f on o.snapshot_file = f.snapshot_file and o.raw_table = f.table_name
left join
    pages as p
    on o.raw_table = 'published__figures'
    and o.snapshot_file = p.snapshot_file
    and o.row_number = p.row_number
