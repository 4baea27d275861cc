{% set rules = [
    "cif",
    "exports",
    "gaps",
    "mirrors",
    "months",
    "outliers",
    "partners",
    "products",
    "revisions",
    "sectors",
    "series",
    "withdrawals",
] %}

-- What the rules find in publishers' figures: one row per rule and figure. A finding never stops a
-- build.
with
    compared as (

        {% for rule in rules %}
            select
                rule,
                figure_id,
                compared_figure_id,
                cast(found_usd as decimal(24, 3)) as found_usd,
                cast(expected_usd as decimal(24, 3)) as expected_usd,
                cast(rounding_margin_usd as decimal(24, 3)) as rounding_margin_usd
            from {{ ref("int_findings__" ~ rule) }} {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    sized as (

        select
            *,
            greatest(abs(found_usd), abs(expected_usd)) as larger_usd,
            case
                when found_usd is null or expected_usd is null
                then 0
                else least(abs(found_usd), abs(expected_usd))
            end as smaller_usd
        from compared

    ),

    found as (

        select
            c.*,
            r.meaning,
            case
                when c.larger_usd < coalesce(r.warning_minimum_usd, 1e18)
                then 'info'
                when c.larger_usd > r.error_factor * c.smaller_usd
                then 'error'
                when c.larger_usd > r.warning_factor * c.smaller_usd
                then 'warning'
                else 'info'
            end as severity
        from sized as c
        inner join
            {{ ref("finding_rules") }} as r
            on c.rule = r.rule
            and (
                (
                    c.larger_usd >= r.info_minimum_usd
                    and c.larger_usd > r.info_factor * c.smaller_usd
                )
                or (
                    c.larger_usd >= r.warning_minimum_usd
                    and c.larger_usd > r.warning_factor * c.smaller_usd
                )
            )
        where c.larger_usd - c.smaller_usd > c.rounding_margin_usd

    )

select
    d.rule
    || ' '
    || cast(d.figure_id as varchar)
    || coalesce(' ' || cast(d.compared_figure_id as varchar), '') as finding_id,
    d.rule,
    d.severity,
    r.source_id,
    r.release_id,
    r.known_from,
    f.raw_table,
    s.snapshot_file,
    f.row_number,
    f.column_name,
    t.compiler_iso3 as reporter_iso3,
    a.area_code as partner_code,
    t.series_code,
    g.product_system,
    g.product_code,
    {{ period_text("f.period_start", "f.period_end") }} as period,
    f.value_usd,
    d.found_usd,
    d.expected_usd,
    d.figure_id as reference_id,
    d.compared_figure_id as compared_reference_id,
    coalesce(p.address, s.address) as address,
    d.meaning as detail
from found as d
inner join
    {{ ref("int_trade__figures") }} as f on d.figure_id = f.figure_id {{ places_of_figures() }}
inner join
    {{ ref("int_trade__series_listed") }} as t
    on coalesce(f.export_series_id, f.import_series_id) = t.series_id
inner join {{ ref("int_trade__areas_listed") }} as a on f.partner_id = a.area_id
inner join {{ ref("int_trade__products_listed") }} as g on f.product_id = g.product_id

union all

-- Rows that could not be used; a release that could not has one reject, without a row number.
select
    u.rule
    || ' '
    || j.table_name
    || ' '
    || j.snapshot_file
    || coalesce(' ' || cast(j.row_number as varchar) || coalesce(' ' || j.column_name, ''), '')
    || coalesce(' ' || j.copy_no, '') as finding_id,
    u.rule,
    case when j.row_number is null then 'error' else 'warning' end as severity,
    j.source_id,
    j.release_id,
    null as known_from,
    j.table_name as raw_table,
    j.snapshot_file,
    j.row_number,
    j.column_name,
    null as reporter_iso3,
    null as partner_code,
    null as series_code,
    null as product_system,
    null as product_code,
    null as period,
    null as value_usd,
    null as found_usd,
    null as expected_usd,
    null as reference_id,
    null as compared_reference_id,
    null as address,
    j.reason as detail
from
    (
        select
            *,
            nullif(
                row_number() over (
                    partition by table_name, snapshot_file, row_number, column_name order by reason
                ),
                1
            ) as copy_no
        from {{ ref("stg_snapshots__rejects") }}
    ) as j
inner join
    {{ ref("finding_rules") }} as u
    on u.rule = case when j.row_number is null then 'release_unusable' else 'row_rejected' end

union all

select
    u.rule || ' ' || o.raw_table || ' ' || o.release_id as finding_id,
    u.rule,
    'warning' as severity,
    r.source_id,
    r.release_id,
    r.known_from,
    o.raw_table,
    null as snapshot_file,
    null as row_number,
    null as column_name,
    null as reporter_iso3,
    null as partner_code,
    null as series_code,
    null as product_system,
    null as product_code,
    null as period,
    null as value_usd,
    null as found_usd,
    null as expected_usd,
    null as reference_id,
    null as compared_reference_id,
    null as address,
    cast(o.raw_rows as varchar) || ' rows. ' || u.meaning as detail
from {{ ref("row_outcomes") }} as o
inner join {{ ref("finding_rules") }} as u on o.outcome_reason = u.rule
inner join
    (
        select distinct table_name, source_id, release_id, known_from
        from {{ ref("stg_snapshots__files") }}
    ) as r
    on o.raw_table = r.table_name
    and o.release_id = r.release_id
where u.rule = 'parts_without_total'
