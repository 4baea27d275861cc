{{ config(tags=["question"]) }}

-- The place of a claim's period among the same months of the years before, on the headline basis
-- and on the partner's, each release compared with what was known beside it. Years up to the base
-- do not count.
with
    hypotheses as (

        select
            h.claim_id,
            h.product_group,
            h.definition_rank,
            h.quantity,
            h.period_start,
            h.period_end,
            h.base_end,
            k.reporter_iso3,
            k.partner_code,
            k.trade_kind,
            k.published_on,
            k.high,
            k.direction,
            -- Among the lowest, the smallest figure is the first.
            k.direction * case when k.transform = 'lowest' then -1 else 1 end as sign
        from {{ ref("int_claims__hypotheses") }} as h
        inner join {{ ref("claims") }} as k on h.claim_id = k.claim_id
        where h.hypothesis like 'as_stated%' and k.transform in ('record', 'lowest')

    ),

    years as (

        select
            h.*,
            c.cell_id,
            c.cell_key,
            year(c.period_start) as counted_year,
            c.period_start = h.period_start as is_of_claim
        from hypotheses as h
        inner join
            {{ ref("int_figures__cells") }} as c
            on h.reporter_iso3 = c.reporter_iso3
            and h.partner_code = c.partner_code
            and h.trade_kind = c.trade_kind
            and h.product_group = c.product_group
            and month(h.period_start) = month(c.period_start)
            and {{ months_between("h.period_start", "h.period_end") }} = c.months
            and h.period_start >= c.period_start
            and (h.base_end is null or year(c.period_start) > year(h.base_end))

    ),

    -- How far revisions move a value, as a part of itself, by the day on which the text quotes it.
    revisable as (

        select v.value_id, s.age, pow(v.value_usd * s.share_p90, 2) as squared, c.period_end
        from {{ ref("int_figures__values") }} as v
        inner join {{ ref("int_figures__cells") }} as c on v.cell_id = c.cell_id
        inner join {{ ref("int_figures__value_revisions") }} as s on v.value_id = s.value_id
        where v.cell_id in (select cell_id from years)

    ),

    -- Adjusted for the season, only months are quoted.
    figures as (

        select
            y.*,
            q.reported_by,
            q.export_series_code,
            q.import_series_code,
            q.basis_key,
            replace(q.export_series_code, '.sa', '.nsa') as counted_export_series,
            replace(q.import_series_code, '.sa', '.nsa') as counted_import_series,
            y.sign * q.value_usd as signed_usd,
            y.quantity = 'balance' and y.direction * q.value_usd < 0 as is_opposite,
            q.valid_from,
            q.valid_to,
            q.known_from_earliest,
            q.exports_value_id,
            q.imports_value_id,
            coalesce(x.squared, 0) + coalesce(m.squared, 0) as squared_revision
        from years as y
        inner join
            {{ ref("int_figures__measures") }} as q
            on y.cell_id = q.cell_id
            and y.quantity = q.quantity
            and q.evidence_kind = 'statistic'
        left join
            revisable as x
            on q.exports_value_id = x.value_id
            and {{ age_of_print("coalesce(y.published_on, y.period_end)", "x.period_end") }} = x.age
        left join
            revisable as m
            on q.imports_value_id = m.value_id
            and {{ age_of_print("coalesce(y.published_on, y.period_end)", "m.period_end") }} = m.age
        where
            {{ months_between("y.period_start", "y.period_end") }} = 1
            or q.basis_key not like '%.sa%'

    ),

    headlines as (

        select reporter_iso3, partner_code, trade_kind, export_series_code, import_series_code
        from {{ ref("bases") }}
        where reported_by = 'reporter'
        qualify
            policy_rank
            = min(policy_rank) over (partition by reporter_iso3, partner_code, trade_kind)

    ),

    -- A count of years is right on some basis or other too often: only the headline's counts.
    judged as (

        select
            f.*,
            least(
                case when f.valid_from <= f.published_on then f.published_on end,
                coalesce(f.valid_to - 1, {{ as_of_day() }})
            ) as vintage_date
        from figures as f
        where
            f.is_of_claim
            and (
                f.reported_by = 'partner'
                or exists (
                    select 1
                    from headlines as h
                    where
                        f.reporter_iso3 = h.reporter_iso3
                        and f.partner_code = h.partner_code
                        and f.trade_kind = h.trade_kind
                        and coalesce(f.counted_export_series, h.export_series_code)
                        = h.export_series_code
                        and coalesce(f.counted_import_series, h.import_series_code)
                        = h.import_series_code
                )
            )

    ),

    placed as (

        select
            j.claim_id,
            j.product_group,
            j.definition_rank,
            j.quantity,
            j.cell_id,
            j.cell_key,
            j.reported_by,
            j.export_series_code,
            j.import_series_code,
            j.basis_key,
            j.vintage_date,
            j.valid_from,
            j.valid_to,
            j.known_from_earliest,
            j.exports_value_id,
            j.imports_value_id,
            j.high,
            j.is_opposite,
            year(j.base_end) as base_year,
            j.counted_year as last_year,
            min(o.counted_year) as first_year_before,
            count(o.counted_year) as years_before,
            1 + count(*) filter (where o.signed_usd > j.signed_usd) as place,
            1 + count(*) filter (
                where o.signed_usd > j.signed_usd + sqrt(o.squared_revision + j.squared_revision)
            ) as best_place,
            1 + count(*) filter (
                where o.signed_usd > j.signed_usd - sqrt(o.squared_revision + j.squared_revision)
            ) as worst_place
        from judged as j
        left join
            figures as o
            on j.claim_id = o.claim_id
            and j.product_group = o.product_group
            and j.basis_key = o.basis_key
            and j.base_end is not distinct from o.base_end
            and not o.is_of_claim
            and o.valid_from <= j.vintage_date
            and (o.valid_to is null or o.valid_to > j.vintage_date)
        group by all

    )

select distinct
    claim_id,
    case
        when is_opposite
        then 'as_stated, with the opposite sign'
        else 'as_stated, since ' || coalesce(first_year_before, last_year)
    end as hypothesis,
    product_group,
    definition_rank,
    quantity,
    cell_id,
    cell_key,
    reported_by,
    export_series_code,
    import_series_code,
    basis_key,
    vintage_date,
    valid_from,
    valid_to,
    known_from_earliest,
    exports_value_id,
    imports_value_id,
    cast(coalesce(first_year_before, last_year) as integer) as first_year,
    cast(last_year as integer) as last_year,
    -- A surplus is no deficit, not even the lowest.
    cast(case when is_opposite then years_before + 2 else place end as integer) as place,
    -- Without a base, a record needs some years of history, and all that follow the first.
    not is_opposite
    and years_before < case
        when base_year is not null
        then last_year - 1 - base_year
        else
            greatest(
                coalesce(last_year - first_year_before, 0), {{ var("least_years_of_a_record") }} - 1
            )
    end as is_lower_bound,
    -- Whether revisions may have moved it by a place towards the claim. It is moved by more only if
    -- several years are revised past each other at once.
    case
        when is_opposite
        then 0
        when place > high
        then least(place - best_place, 1)
        else least(worst_place - place, 1)
    end as places_revised
from placed
