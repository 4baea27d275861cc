{{ config(tags=["question"]) }}

-- The two series of a balance side by side, for as long as both stay the same; and balances quoted
-- from a page, with or without both flows.
with
    series as (select * from {{ ref("int_trade__series_listed") }}),

    vals as (

        select v.*, s.account_basis, s.seasonal_adjustment, s.concept
        from {{ ref("int_figures__values") }} as v
        inner join series as s on v.series_id = s.series_id

    ),

    pairs as (

        select
            x.cell_id,
            x.reported_by,
            case
                when x.reported_by = 'reporter' then x.series_id else m.series_id
            end as export_series_id,
            case
                when x.reported_by = 'reporter' then m.series_id else x.series_id
            end as import_series_id,
            x.value_id as exports_value_id,
            m.value_id as imports_value_id,
            x.value_usd as exports_usd,
            m.value_usd as imports_usd,
            x.rounding_margin_usd + m.rounding_margin_usd as rounding_margin_usd,
            case
                when x.evidence_kind = m.evidence_kind then x.evidence_kind else 'mixed'
            end as evidence_kind,
            x.release_no as exports_release_no,
            m.release_no as imports_release_no,
            x.known_from as exports_known_from,
            m.known_from as imports_known_from,
            greatest(x.valid_from, m.valid_from) as valid_from,
            least(x.valid_to, m.valid_to) as valid_to
        from vals as x
        inner join
            vals as m
            on x.cell_id = m.cell_id
            and x.reported_by = m.reported_by
            and x.account_basis = m.account_basis
            and x.seasonal_adjustment = m.seasonal_adjustment
        where
            x.direction = 'exports'
            and m.direction = 'imports'
            -- Re-exports are a part of exports and do not form a balance with imports.
            and x.concept <> 're_export'
            and m.concept <> 're_export'
            and (m.valid_to is null or x.valid_from < m.valid_to)
            and (x.valid_to is null or m.valid_from < x.valid_to)

    ),

    -- Where one side ends an interval of the other, the other's last release in it was an earlier
    -- one.
    cut_short as (

        select exports_value_id as value_id, valid_to
        from pairs
        where exports_known_from >= valid_to
        union
        select imports_value_id as value_id, valid_to
        from pairs
        where imports_known_from >= valid_to

    ),

    earlier as (

        select c.value_id, c.valid_to, max(f.release_no) as release_no
        from cut_short as c
        inner join
            {{ ref("int_figures__value_figures") }} as f
            on c.value_id = f.value_id
            and f.known_from < c.valid_to
        group by c.value_id, c.valid_to

    ),

    quoted as (select * from {{ ref("int_figures__quoted") }}),

    -- A page may give only a balance, only both flows, or all of them.
    page_bases as (

        select cell_id, release_no, reported_by, export_series_id, import_series_id
        from quoted
        where export_series_id is not null and import_series_id is not null

        union

        select x.cell_id, x.release_no, x.reported_by, x.export_series_id, m.import_series_id
        from quoted as x
        inner join
            quoted as m
            on x.cell_id = m.cell_id
            and x.release_no = m.release_no
            and x.reported_by = m.reported_by
            and x.account_basis = m.account_basis
        where x.import_series_id is null and m.export_series_id is null

    ),

    pages as (

        select
            b.cell_id,
            b.release_no,
            b.reported_by,
            b.export_series_id,
            b.import_series_id,
            min(q.known_from) as known_from,
            min(q.evidence_kind) as evidence_kind,
            max(case when q.quantity = 'exports' then q.value_usd end) as exports_usd,
            max(case when q.quantity = 'imports' then q.value_usd end) as imports_usd,
            max(case when q.quantity = 'balance' then q.value_usd end) as balance_usd,
            max(case when q.quantity = 'two_way' then q.value_usd end) as two_way_usd,
            max(q.rounding_margin_usd) as rounding_margin_usd
        from page_bases as b
        inner join
            quoted as q
            on b.cell_id = q.cell_id
            and b.release_no = q.release_no
            and b.reported_by = q.reported_by
            and coalesce(q.export_series_id, b.export_series_id) = b.export_series_id
            and coalesce(q.import_series_id, b.import_series_id) = b.import_series_id
        group by b.cell_id, b.release_no, b.reported_by, b.export_series_id, b.import_series_id

    ),

    together as (

        select
            p.cell_id,
            p.reported_by,
            p.export_series_id,
            p.import_series_id,
            p.exports_value_id,
            p.imports_value_id,
            coalesce(x.release_no, p.exports_release_no) as exports_release_no,
            coalesce(m.release_no, p.imports_release_no) as imports_release_no,
            p.exports_usd,
            p.imports_usd,
            cast(p.exports_usd - p.imports_usd as decimal(24, 3)) as balance_usd,
            cast(p.exports_usd + p.imports_usd as decimal(24, 3)) as two_way_usd,
            cast(p.rounding_margin_usd as decimal(24, 3)) as rounding_margin_usd,
            p.evidence_kind,
            p.valid_from,
            p.valid_to,
            false as is_page
        from pairs as p
        left join earlier as x on p.exports_value_id = x.value_id and p.valid_to = x.valid_to
        left join earlier as m on p.imports_value_id = m.value_id and p.valid_to = m.valid_to

        union all

        select
            cell_id,
            reported_by,
            export_series_id,
            import_series_id,
            cast(null as integer) as exports_value_id,
            cast(null as integer) as imports_value_id,
            release_no as exports_release_no,
            release_no as imports_release_no,
            exports_usd,
            imports_usd,
            balance_usd,
            two_way_usd,
            rounding_margin_usd,
            evidence_kind,
            known_from as valid_from,
            cast(null as date) as valid_to,
            true as is_page
        from pages

    )

select
    cast(
        row_number() over (
            order by
                cell_id,
                is_page,
                reported_by,
                export_series_id,
                import_series_id,
                valid_from,
                exports_release_no
        ) as integer
    ) as balance_id,
    *
from together
