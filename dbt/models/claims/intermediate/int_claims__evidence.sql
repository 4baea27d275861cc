{{ config(tags=["question"]) }}

-- The raw rows behind each chosen candidate and each mix-up, those of the base with those of the
-- period.
with
    wanted as (

        select candidate_id
        from {{ ref("int_claims__best_candidates") }}
        union
        select mix_up_candidate_id
        from {{ ref("int_claims__best_candidates") }}

    ),

    chosen as (

        select c.*
        from {{ ref("claim_candidates") }} as c
        inner join wanted as w on c.candidate_id = w.candidate_id

    ),

    cells as (select * from {{ ref("int_figures__cells") }}),

    parts as (

        select candidate_id, vintage_date, exports_value_id as value_id
        from chosen
        union
        select candidate_id, vintage_date, imports_value_id as value_id
        from chosen
        union
        select candidate_id, vintage_date, base_exports_value_id as value_id
        from chosen
        union
        select candidate_id, vintage_date, base_imports_value_id as value_id
        from chosen

    ),

    -- The years of a streak, and the year that ended the previous one, on the basis of the claim.
    streaks as (

        select h.candidate_id, h.vintage_date, v.value_id
        from chosen as h
        inner join {{ ref("claims") }} as k on h.claim_id = k.claim_id and k.transform = 'streak'
        inner join
            cells as c
            on k.reporter_iso3 = c.reporter_iso3
            and k.partner_code = c.partner_code
            and k.trade_kind = c.trade_kind
            and c.product_group = 'total:total'
            and c.period_kind = 'year'
            and year(c.period_start)
            between year(k.period_start) - cast(h.value as integer) and year(k.period_start)
        inner join {{ ref("int_figures__values") }} as v on c.cell_id = v.cell_id
        inner join {{ ref("int_trade__series_listed") }} as s on v.series_id = s.series_id
        where
            s.series_code in (h.export_series_code, h.import_series_code)
            and v.valid_from <= h.vintage_date
            and (v.valid_to is null or v.valid_to > h.vintage_date)

    ),

    -- The years that a record is the highest of.
    records as (

        select h.candidate_id, h.vintage_date, v.value_id
        from chosen as h
        inner join
            {{ ref("int_claims__records") }} as r
            on h.claim_id = r.claim_id
            and h.product_group = r.product_group
            and h.hypothesis = r.hypothesis
            and h.basis_key = r.basis_key
            and h.vintage_date = r.vintage_date
        inner join cells as m on r.cell_id = m.cell_id
        inner join
            cells as c
            on m.reporter_iso3 = c.reporter_iso3
            and m.partner_code = c.partner_code
            and m.trade_kind = c.trade_kind
            and m.product_group = c.product_group
            and m.months = c.months
            and month(m.period_start) = month(c.period_start)
            and year(c.period_start) between r.first_year and r.last_year
        inner join {{ ref("int_figures__values") }} as v on c.cell_id = v.cell_id
        inner join {{ ref("int_trade__series_listed") }} as s on v.series_id = s.series_id
        where
            s.series_code in (h.export_series_code, h.import_series_code)
            and v.valid_from <= h.vintage_date
            and (v.valid_to is null or v.valid_to > h.vintage_date)

    ),

    valued as (

        select *
        from parts
        where value_id is not null
        union
        select *
        from streaks
        union
        select *
        from records

    ),

    from_rows as (

        select distinct c.candidate_id, f.figure_id
        from valued as c
        inner join
            {{ ref("int_figures__value_figures") }} as f
            on c.value_id = f.value_id
            and f.known_from <= c.vintage_date
            and (f.known_to is null or f.known_to > c.vintage_date)

    ),

    -- The figure on the page, and its base on the same page.
    from_pages as (

        select distinct h.candidate_id, q.page_figure_id as figure_id
        from (select *, unnest([cell_id, base_cell_id]) as cell_key from chosen) as h
        inner join cells as c on h.cell_key = c.cell_key
        inner join
            {{ ref("int_figures__measures") }} as q
            on c.cell_id = q.cell_id
            and h.page_release_no = q.page_release_no
            and coalesce(q.export_series_code, h.export_series_code, '')
            = coalesce(h.export_series_code, '')
            and coalesce(q.import_series_code, h.import_series_code, '')
            = coalesce(h.import_series_code, '')

    ),

    from_ranks as (

        select h.candidate_id, unnest([r.export_reference_id, r.import_reference_id]) as figure_id
        from chosen as h
        inner join {{ ref("partner_ranks") }} as r on h.cell_id = r.rank_id

    )

select *
from from_rows
union
select *
from from_pages
union
select *
from from_ranks
