{{ config(tags=["question"]) }}

-- Every basis, release, product group and mix-up compared with a claim, with its value.
with
    claims as (select * from {{ ref("claims") }}),

    cells as (select * from {{ ref("int_figures__cells") }}),

    hypotheses as (

        select
            h.*,
            k.reporter_iso3,
            k.transform,
            k.unit_kind,
            k.quantity as claimed_quantity,
            k.direction,
            c.cell_id,
            c.cell_key,
            b.cell_id as base_cell_id,
            b.cell_key as base_cell_key,
            w.cell_id as whole_cell_id,
            w.cell_key as whole_cell_key
        from {{ ref("int_claims__hypotheses") }} as h
        inner join claims as k on h.claim_id = k.claim_id
        inner join
            cells as c
            on k.reporter_iso3 = c.reporter_iso3
            and h.partner_code = c.partner_code
            and h.trade_kind = c.trade_kind
            and h.product_group = c.product_group
            and h.period_start = c.period_start
            and h.period_end = c.period_end
        left join
            cells as b
            on k.reporter_iso3 = b.reporter_iso3
            and h.partner_code = b.partner_code
            and h.trade_kind = b.trade_kind
            and h.product_group = b.product_group
            and h.base_start = b.period_start
            and h.base_end = b.period_end
        left join
            cells as w
            on k.reporter_iso3 = w.reporter_iso3
            and h.whole_partner_code = w.partner_code
            and h.trade_kind = w.trade_kind
            and h.whole_product_group = w.product_group
            and h.period_start = w.period_start
            and h.period_end = w.period_end
        -- Money in another currency needs an exchange rate, and none is available.
        where k.currency is null or k.currency = 'USD'

    ),

    -- Only the figures that claims are about: a few of very many. Adjusted for the season, only
    -- months are quoted.
    measures as materialized(

        select q.*
        from {{ ref("int_figures__measures") }} as q
        inner join {{ ref("int_figures__cells") }} as c on q.cell_id = c.cell_id
        where
            q.cell_id in (
                select cell_id
                from hypotheses
                union
                select base_cell_id
                from hypotheses
                union
                select whole_cell_id
                from hypotheses
            )
            and (
                c.period_kind = 'month'
                or not exists (
                    select 1
                    from {{ ref("int_trade__series_listed") }} as s
                    where
                        s.series_id in (q.export_series_id, q.import_series_id)
                        and s.seasonal_adjustment <> 'nsa'
                )
            )

    ),

    levels as (

        select
            h.claim_id,
            h.hypothesis,
            h.product_group,
            h.definition_rank,
            h.cell_key as cell_id,
            cast(null as varchar) as base_cell_id,
            cast(null as varchar) as part_claim_id,
            q.quantity,
            q.reported_by,
            q.export_series_code,
            q.import_series_code,
            q.basis_key,
            cast(
                case
                    when h.transform = 'size' or q.quantity <> h.claimed_quantity
                    then abs(q.value_usd)
                    else h.direction * h.sign * q.value_usd
                end
                * h.factor
                * 12
                / h.months_in_one as decimal(32, 6)
            ) as value,
            cast(
                q.rounding_margin_usd * h.factor * 12 / h.months_in_one as decimal(32, 6)
            ) as rounding_margin,
            cast(h.months_in_one / 12 as decimal(32, 6)) as divisor,
            cast(null as decimal(32, 6)) as revision,
            q.evidence_kind,
            cast(null as varchar) as release_key,
            q.valid_from,
            q.valid_to,
            q.known_from_earliest,
            q.page_release_no,
            q.exports_value_id,
            q.imports_value_id,
            cast(null as integer) as base_exports_value_id,
            cast(null as integer) as base_imports_value_id
        from hypotheses as h
        inner join measures as q on h.cell_id = q.cell_id and h.quantity = q.quantity
        where h.transform in ('level', 'size', 'average')

    ),

    compared_cells as (

        select
            *,
            coalesce(whole_cell_id, base_cell_id) as other_cell_id,
            coalesce(whole_cell_key, base_cell_key) as other_cell_key
        from hypotheses
        where transform in ('change', 'growth', 'ratio', 'share', 'share_of_world', 'times_partner')

    ),

    -- Two figures of one basis at one moment: a period and its base, a part and its whole.
    paired as (

        select
            h.claim_id,
            h.hypothesis,
            h.product_group,
            h.definition_rank,
            h.cell_key as cell_id,
            h.other_cell_key as partner_cell_id,
            h.transform,
            h.unit_kind,
            p.quantity,
            p.reported_by,
            p.export_series_code,
            p.import_series_code,
            p.basis_key,
            h.direction * p.value_usd as a,
            h.direction * q.value_usd as b,
            cast(p.rounding_margin_usd as double) as a_half,
            cast(q.rounding_margin_usd as double) as b_half,
            case
                when p.evidence_kind = q.evidence_kind then p.evidence_kind else 'mixed'
            end as evidence_kind,
            greatest(p.valid_from, q.valid_from) as valid_from,
            least(p.valid_to, q.valid_to) as valid_to,
            greatest(p.known_from_earliest, q.known_from_earliest) as known_from_earliest,
            p.page_release_no,
            p.exports_value_id,
            p.imports_value_id,
            q.exports_value_id as base_exports_value_id,
            q.imports_value_id as base_imports_value_id
        from compared_cells as h
        inner join measures as p on h.cell_id = p.cell_id and h.quantity = p.quantity
        inner join
            measures as q
            on h.other_cell_id = q.cell_id
            and h.quantity = q.quantity
            and p.basis_key = q.basis_key
            and coalesce(p.page_release_no, 0) = coalesce(q.page_release_no, 0)
        where
            (q.valid_to is null or p.valid_from < q.valid_to)
            and (p.valid_to is null or q.valid_from < p.valid_to)

    ),

    derived as (

        select
            claim_id,
            hypothesis,
            product_group,
            definition_rank,
            cell_id,
            partner_cell_id as base_cell_id,
            cast(null as varchar) as part_claim_id,
            quantity,
            reported_by,
            export_series_code,
            import_series_code,
            basis_key,
            cast(
                case
                    when transform = 'change' and unit_kind = 'sign'
                    -- A change within a thousandth of the base is no change.
                    then case when abs(a - b) <= abs(b) / 1000 then 0 else sign(a - b) end
                    when transform = 'change'
                    then a - b
                    when b <= 0
                    then null
                    when transform = 'growth'
                    then (cast(a as double) / cast(b as double) - 1) * 100
                    when transform in ('ratio', 'times_partner')
                    then cast(a as double) / cast(b as double)
                    when transform in ('share', 'share_of_world')
                    then cast(a as double) / cast(b as double) * 100
                end as decimal(32, 6)
            ) as value,
            cast(
                case
                    when unit_kind = 'sign'
                    then 0
                    when transform = 'change'
                    then a_half + b_half
                    when b <= 0
                    then null
                    else
                        (a_half + abs(cast(a as double) / cast(b as double)) * b_half)
                        / cast(b as double)
                        * case when transform in ('ratio', 'times_partner') then 1 else 100 end
                end as decimal(32, 6)
            ) as rounding_margin,
            cast(b as decimal(32, 6)) as divisor,
            cast(null as decimal(32, 6)) as revision,
            evidence_kind,
            cast(null as varchar) as release_key,
            valid_from,
            valid_to,
            known_from_earliest,
            page_release_no,
            exports_value_id,
            imports_value_id,
            base_exports_value_id,
            base_imports_value_id
        from paired

    ),

    -- The article's own part over the whole on each basis: shows which whole the article meant.
    parts as (

        select
            h.claim_id,
            h.hypothesis,
            'as quoted: ' || p.claim_id as product_group,
            h.definition_rank,
            h.whole_cell_key as cell_id,
            cast(null as varchar) as base_cell_id,
            p.claim_id as part_claim_id,
            q.quantity,
            q.reported_by,
            q.export_series_code,
            q.import_series_code,
            q.basis_key,
            cast(
                case
                    when h.direction * q.value_usd > 0
                    then
                        100 * cast(
                            p.claimed
                            * p.direction
                            * h.direction
                            * case
                                when c.reporter_iso3 = p.reporter_iso3 or q.quantity <> 'balance'
                                then 1
                                else -1
                            end as double
                        )
                        / cast(h.direction * q.value_usd as double)
                end as decimal(32, 6)
            ) as value,
            cast(
                100
                * cast(p.half as double)
                / nullif(abs(cast(q.value_usd as double)), 0) as decimal(32, 6)
            ) as rounding_margin,
            cast(null as decimal(32, 6)) as divisor,
            cast(null as decimal(32, 6)) as revision,
            q.evidence_kind,
            cast(null as varchar) as release_key,
            q.valid_from,
            q.valid_to,
            q.known_from_earliest,
            q.page_release_no,
            q.exports_value_id,
            q.imports_value_id,
            cast(null as integer) as base_exports_value_id,
            cast(null as integer) as base_imports_value_id
        from hypotheses as h
        inner join claims as c on h.claim_id = c.claim_id
        inner join
            claims as p
            on c.document_id = p.document_id
            and c.claim_id <> p.claim_id
            and c.trade_kind = p.trade_kind
            and c.sector = p.sector
            and c.period = p.period
            and p.transform = 'level'
            and p.currency = 'USD'
            and p.quantity = h.quantity
            -- The same two countries, in either direction for a quantity that both have in common.
            and least(c.reporter_iso3, c.partner_code) = least(p.reporter_iso3, p.partner_code)
            and greatest(c.reporter_iso3, c.partner_code)
            = greatest(p.reporter_iso3, p.partner_code)
            and (c.reporter_iso3 = p.reporter_iso3 or h.quantity in ('balance', 'two_way'))
        inner join measures as q on h.whole_cell_id = q.cell_id and h.quantity = q.quantity
        where h.transform = 'share' and h.hypothesis = 'as_stated' and h.definition_rank = 1

    ),

    ranks as (

        select
            h.claim_id,
            -- Where the year is incomplete, the available months are flagged.
            case
                when r.period_end = h.period_end then 'as_stated' else 'as_stated, of ' || r.period
            end as hypothesis,
            h.product_group,
            h.definition_rank,
            r.rank_id as cell_id,
            cast(null as varchar) as base_cell_id,
            cast(null as varchar) as part_claim_id,
            h.quantity,
            'reporter' as reported_by,
            r.export_series_code,
            r.import_series_code,
            r.export_series_code || ' + ' || r.import_series_code as basis_key,
            cast(
                case
                    when h.quantity = 'exports'
                    then r.rank_exports
                    when h.quantity = 'imports'
                    then r.rank_imports
                    when h.quantity = 'two_way'
                    then r.rank_two_way_trade
                    when h.direction < 0
                    then r.rank_deficit
                    else r.rank_surplus
                end as decimal(32, 6)
            ) as value,
            cast(0 as decimal(32, 6)) as rounding_margin,
            cast(null as decimal(32, 6)) as divisor,
            cast(null as decimal(32, 6)) as revision,
            'statistic' as evidence_kind,
            r.source_id || ' ' || r.release_id as release_key,
            r.known_from as valid_from,
            cast(null as date) as valid_to,
            r.known_from_earliest,
            cast(null as integer) as page_release_no,
            cast(null as integer) as exports_value_id,
            cast(null as integer) as imports_value_id,
            cast(null as integer) as base_exports_value_id,
            cast(null as integer) as base_imports_value_id
        from hypotheses as h
        inner join
            {{ ref("partner_ranks") }} as r
            on h.reporter_iso3 = r.reporter_iso3
            and h.partner_code = r.partner_code
            and h.trade_kind = r.trade_kind
            and h.period_start = r.period_start
            and h.period_end >= r.period_end
        where h.transform = 'rank' and r.known_from <= {{ as_of_day() }}
        -- Ranks of a part of the year count only where none of more months is available.
        qualify r.period_end = max(r.period_end) over (partition by h.claim_id)

    ),

    streaks as (

        select
            h.claim_id,
            h.hypothesis,
            h.product_group,
            h.definition_rank,
            h.cell_key as cell_id,
            cast(null as varchar) as base_cell_id,
            cast(null as varchar) as part_claim_id,
            h.quantity,
            s.reported_by,
            s.export_series_code,
            s.import_series_code,
            s.export_series_code || ' + ' || s.import_series_code as basis_key,
            cast(
                case when s.balance_sign = h.direction then s.years_in_a_row else 0 end as decimal(
                    32, 6
                )
            ) as value,
            -- A streak cut off by the first available year may be of any greater length.
            cast(
                case
                    when s.is_lower_bound and s.balance_sign = h.direction then 1000 else 0
                end as decimal(32, 6)
            ) as rounding_margin,
            cast(null as decimal(32, 6)) as divisor,
            cast(null as decimal(32, 6)) as revision,
            case
                when s.is_lower_bound and s.balance_sign = h.direction
                then 'lower bound'
                else s.evidence_kind
            end as evidence_kind,
            s.release_key,
            s.known_from as valid_from,
            cast(null as date) as valid_to,
            s.known_from as known_from_earliest,
            cast(null as integer) as page_release_no,
            cast(null as integer) as exports_value_id,
            cast(null as integer) as imports_value_id,
            cast(null as integer) as base_exports_value_id,
            cast(null as integer) as base_imports_value_id
        from hypotheses as h
        inner join
            {{ ref("int_claims__streaks") }} as s
            on h.reporter_iso3 = s.reporter_iso3
            and h.partner_code = s.partner_code
            and h.trade_kind = s.trade_kind
            and year(h.period_start) = s.reference_year
        where h.transform = 'streak'

    ),

    records as (

        select
            claim_id,
            hypothesis,
            product_group,
            definition_rank,
            cell_key as cell_id,
            cast(null as varchar) as base_cell_id,
            cast(null as varchar) as part_claim_id,
            quantity,
            reported_by,
            export_series_code,
            import_series_code,
            basis_key,
            cast(place as decimal(32, 6)) as value,
            -- More years could only bring more that are higher.
            cast(
                case when is_lower_bound then 1000 else 0 end as decimal(32, 6)
            ) as rounding_margin,
            cast(null as decimal(32, 6)) as divisor,
            cast(places_revised as decimal(32, 6)) as revision,
            case when is_lower_bound then 'lower bound' else 'statistic' end as evidence_kind,
            cast(null as varchar) as release_key,
            valid_from,
            valid_to,
            known_from_earliest,
            cast(null as integer) as page_release_no,
            exports_value_id,
            imports_value_id,
            cast(null as integer) as base_exports_value_id,
            cast(null as integer) as base_imports_value_id
        from {{ ref("int_claims__records") }}

    ),

    candidates as (

        select *
        from levels
        union all
        select *
        from derived
        union all
        select *
        from parts
        union all
        select *
        from ranks
        union all
        select *
        from streaks
        union all
        select *
        from records

    ),

    -- The day as of which a candidate is judged: the day of publication if it was known then, else
    -- its last.
    dated as (

        select
            x.*,
            row_number() over (
                order by
                    x.claim_id,
                    x.hypothesis,
                    x.product_group,
                    x.quantity,
                    x.basis_key,
                    x.evidence_kind,
                    x.value,
                    x.valid_from,
                    x.page_release_no,
                    x.release_key
            ) as candidate_no,
            c.low,
            c.high,
            c.low_is_closed,
            c.high_is_closed,
            c.published_on,
            c.transform,
            c.unit_kind,
            c.is_exact,
            least(
                case when x.valid_from <= c.published_on then c.published_on end,
                coalesce(x.valid_to - 1, {{ as_of_day() }})
            ) as vintage_date
        from candidates as x
        inner join claims as c on x.claim_id = c.claim_id
        where x.value is not null

    ),

    -- The releases that gave it on that day.
    parts_of_candidates as (

        {% for part in ["exports", "imports", "base_exports", "base_imports"] %}
            select
                candidate_no,
                vintage_date,
                published_on,
                {{ part.startswith("base") }} as is_base,
                {{ part }}_value_id as value_id
            from dated {{ "union all" if not loop.last }}
        {% endfor %}

    ),

    valued as (

        select p.candidate_no, p.vintage_date, p.published_on, p.is_base, v.*
        from parts_of_candidates as p
        inner join {{ ref("int_figures__values") }} as v on p.value_id = v.value_id

    ),

    earlier as (

        select v.candidate_no, v.value_id, max(f.release_no) as release_no
        from valued as v
        inner join
            {{ ref("int_figures__value_figures") }} as f
            on v.value_id = f.value_id
            and f.known_from <= v.vintage_date
        where v.known_from > v.vintage_date
        group by v.candidate_no, v.value_id

    ),

    released as (

        select
            v.candidate_no,
            string_agg(distinct r.release_key, ' + ' order by r.release_key) as release_key
        from valued as v
        left join earlier as e on v.candidate_no = e.candidate_no and v.value_id = e.value_id
        inner join
            {{ ref("int_trade__releases_ordered") }} as r
            on coalesce(e.release_no, v.release_no) = r.release_no
        group by v.candidate_no

    ),

    -- How far revisions move the figures of the period and of its base, each by itself; of several
    -- years, each by its age.
    revised as (

        select
            v.candidate_no,
            -- Added in one order, so that every run gives the same last digit.
            list_sum(
                list(
                    pow(v.value_usd / y.years * s.share_p90, 2) order by v.value_id, y.years_before
                ) filter (where not v.is_base)
            ) as squared,
            list_sum(
                list(
                    pow(v.value_usd / y.years * s.share_p90, 2) order by v.value_id, y.years_before
                ) filter (where v.is_base)
            ) as base_squared
        from valued as v
        inner join cells as c on v.cell_id = c.cell_id
        inner join
            (
                select months, years, unnest(range(years)) as years_before
                from
                    (
                        select distinct
                            months, cast(greatest(floor(months / 12), 1) as integer) as years
                        from cells
                    )
            ) as y
            on c.months = y.months
        inner join
            {{ ref("int_figures__value_revisions") }} as s
            on v.value_id = s.value_id
            and {{
                age_of_print(
                    "coalesce(v.published_on, c.period_end)",
                    "cast(c.period_end - to_years(cast(y.years_before as integer)) as date)",
                )
            }} = s.age
        group by v.candidate_no

    ),

    judged as (

        select
            x.claim_id,
            x.hypothesis,
            x.product_group,
            x.definition_rank,
            x.cell_id,
            x.base_cell_id,
            x.part_claim_id,
            x.quantity,
            x.reported_by,
            x.export_series_code,
            x.import_series_code,
            x.basis_key,
            x.value,
            x.rounding_margin,
            cast(
                case
                    when x.revision is not null
                    then x.revision
                    when
                        v.candidate_no is null
                        or x.unit_kind = 'sign'
                        or x.part_claim_id is not null
                    then 0
                    else
                        sqrt(
                            coalesce(v.squared, 0)
                            + coalesce(v.base_squared, 0)
                            * case
                                x.transform
                                when 'growth'
                                then pow(1 + x.value / 100, 2)
                                when 'share'
                                then pow(x.value / 100, 2)
                                when 'share_of_world'
                                then pow(x.value / 100, 2)
                                when 'ratio'
                                then pow(x.value, 2)
                                when 'times_partner'
                                then pow(x.value, 2)
                                else 1
                            end
                        ) * case
                            when x.transform in ('growth', 'share', 'share_of_world')
                            then 100
                            else 1
                        end
                        / case when x.transform = 'change' then 1 else coalesce(x.divisor, 1) end
                end as decimal(32, 6)
            ) as revision,
            x.evidence_kind,
            coalesce(r.release_key, p.release_key, x.release_key) as release_key,
            x.valid_from,
            x.vintage_date,
            x.published_on,
            x.is_exact,
            x.known_from_earliest,
            x.page_release_no,
            x.exports_value_id,
            x.imports_value_id,
            x.base_exports_value_id,
            x.base_imports_value_id,
            case
                when
                    (x.value > x.low or (x.value = x.low and x.low_is_closed))
                    and (x.value < x.high or (x.value = x.high and x.high_is_closed))
                    -- A figure known only to a coarser unit than the claim's cannot confirm it.
                    and (x.evidence_kind = 'statistic' or x.rounding_margin <= (x.high - x.low) / 2)
                then 'exact'
                -- A figure quoted to the last digit of the rows differs from their sum by rounding.
                when
                    x.evidence_kind = 'statistic'
                    and x.rounding_margin > 0
                    and x.value + x.rounding_margin >= x.low
                    and x.value - x.rounding_margin <= x.high
                    and x.high - x.low between x.rounding_margin and 2 * x.rounding_margin
                then 'exact'
                when
                    x.value + x.rounding_margin >= x.low
                    and x.value - x.rounding_margin <= x.high
                    -- Over more years than are available, a streak may be longer and a record have
                    -- more years above it, never fewer.
                    and (x.evidence_kind <> 'lower bound' or x.value <= x.high)
                then 'possible'
                else 'none'
            end as fit,
            cast(
                case
                    when x.value < x.low
                    then x.low - x.value
                    when x.value > x.high
                    then x.value - x.high
                    else 0
                end as decimal(32, 6)
            ) as distance
        from dated as x
        left join released as r on x.candidate_no = r.candidate_no
        left join revised as v on x.candidate_no = v.candidate_no
        left join {{ ref("int_trade__releases_ordered") }} as p on x.page_release_no = p.release_no

    ),

    -- The same figures from the same releases are one candidate, known since the first of them.
    numbered as (

        select
            *,
            min(valid_from) over candidate as first_known,
            row_number() over (
                partition by
                    claim_id,
                    hypothesis,
                    product_group,
                    quantity,
                    basis_key,
                    release_key,
                    evidence_kind,
                    value
                order by
                    rounding_margin,
                    vintage_date desc,
                    valid_from desc,
                    -- Rows before the page that quotes them; then any order that is always the
                    -- same.
                    page_release_no nulls first,
                    exports_value_id,
                    imports_value_id,
                    base_exports_value_id,
                    base_imports_value_id
            ) as recency
        from judged
        window
            candidate as (
                partition by
                    claim_id,
                    hypothesis,
                    product_group,
                    quantity,
                    basis_key,
                    release_key,
                    evidence_kind,
                    value
            )

    )

select
    claim_id
    || ' | '
    || hypothesis
    || ' | '
    || product_group
    || ' | '
    || quantity
    || ' | '
    || basis_key
    || ' | '
    || release_key
    || ' | '
    || evidence_kind
    || ' | '
    || cast(value as varchar) as candidate_id,
    claim_id,
    hypothesis,
    hypothesis like 'as_stated%' as is_as_stated,
    product_group,
    definition_rank,
    quantity,
    cell_id,
    base_cell_id,
    part_claim_id,
    reported_by,
    export_series_code,
    import_series_code,
    basis_key,
    vintage_date,
    release_key,
    evidence_kind,
    value,
    rounding_margin,
    revision,
    fit,
    distance,
    -- Below the figure's own rounding no revision can be detected: it is known too coarsely.
    fit <> 'exact'
    and is_exact
    and evidence_kind = 'statistic'
    and distance <= revision
    and distance > rounding_margin
    -- An earlier figure that nobody has seen is supposed on the reporter's headline basis only.
    and reported_by = 'reporter'
    and basis_key not in (
        select basis_key
        from {{ ref("bases") }}
        where is_named and reported_by = 'reporter'
        qualify policy_rank > min(policy_rank) over (partition by reporter_iso3, trade_kind)
    ) as is_within_revision,
    first_known as known_from,
    case
        when published_on is null
        then 'unknown'
        when first_known <= published_on
        then 'known'
        when known_from_earliest > published_on
        then 'later'
        else 'possible'
    end as known_at_publication,
    page_release_no,
    exports_value_id,
    imports_value_id,
    base_exports_value_id,
    base_imports_value_id
from numbered
where recency = 1
