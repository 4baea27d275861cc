{{ config(tags=["question"]) }}

-- One verdict per claim: what confirms it, how surely, and what would decide it where nothing does.
with
    claims as (

        select c.*, u.multiplier
        from {{ ref("claims") }} as c
        inner join {{ ref("units") }} as u on c.unit = u.unit

    ),

    judged as (select * from {{ ref("int_claims__best_candidates") }}),

    candidates as (select * from {{ ref("claim_candidates") }}),

    missing as (

        select claim_id, list(distinct missing_row order by missing_row) as missing_rows
        from {{ ref("int_claims__missing") }}
        group by claim_id

    ),

    conceivable as (

        select claim_id, list(distinct missing_row order by missing_row) as conceivable_rows
        from {{ ref("int_claims__conceivable") }}
        group by claim_id

    ),

    releases_missing as (

        select claim_id, list(distinct missing_row order by missing_row) as missing_releases
        from {{ ref("int_claims__releases_missing") }}
        group by claim_id

    ),

    evidence as (

        select candidate_id, list(figure_id order by figure_id) as evidence
        from {{ ref("int_claims__evidence") }}
        group by candidate_id

    ),

    fits as (

        select
            x.claim_id,
            coalesce(n.basis_id, x.basis_key) as basis,
            {{ in_unit_of_claim("x.value", "k.multiplier") }} as value
        from candidates as x
        inner join claims as k on x.claim_id = k.claim_id
        left join
            {{ ref("bases") }} as n
            on k.reporter_iso3 = n.reporter_iso3
            and k.partner_code = n.partner_code
            and k.trade_kind = n.trade_kind
            and x.basis_key = n.basis_key
        where x.fit = 'exact' and x.is_as_stated

    ),

    -- Every basis whose figure fits the claim, with that figure.
    fitting as (

        select
            claim_id,
            list(
                distinct{'basis':basis, 'value':value} order by {'basis':basis, 'value':value}
            ) as fitting_bases
        from fits
        group by claim_id

    ),

    -- What each reading of "since the agreement" gives on a basis: the figure that fits, or the
    -- last.
    since_events as (

        select
            claim_id,
            basis_key,
            product_group,
            split_part(hypothesis, ', from ', 2) as base_period,
            value,
            fit = 'exact' as fits,
            row_number() over (
                partition by claim_id, basis_key, product_group, hypothesis
                order by fit = 'exact' desc, known_from desc, candidate_id
            ) as preference
        from candidates
        where hypothesis like 'as_stated, from %'

    ),

    bases_of_comparison as (

        select
            e.claim_id,
            e.basis_key,
            e.product_group,
            list(
                {
                    'base_period':e.base_period,
                    'value':{{ in_unit_of_claim("e.value", "k.multiplier") }},
                    'fits':e.fits
                }
                order by e.base_period
            ) as base_figures
        from since_events as e
        inner join claims as k on e.claim_id = k.claim_id
        where e.preference = 1
        group by e.claim_id, e.basis_key, e.product_group

    ),

    -- What the series says today, where an earlier release gave the asserted figure.
    latest as (

        select
            claim_id,
            hypothesis,
            product_group,
            quantity,
            basis_key,
            arg_max(value, known_from) as value,
            arg_max(release_key, known_from) as release_key
        from candidates
        where evidence_kind = 'statistic' and part_claim_id is null
        group by claim_id, hypothesis, product_group, quantity, basis_key

    ),

    initial_status as (

        select
            j.*,
            k.is_in_scope,
            k.is_exact,
            m.missing_rows,
            r.missing_releases,
            c.conceivable_rows,
            case
                when not k.is_in_scope
                then 'out_of_scope'
                when j.is_counted_by_the_partner or (j.fit = 'exact' and j.is_on_another_basis)
                then 'other_basis'
                when j.fit = 'exact' and j.part_claim_id is not null
                then 'as its part'
                -- What the headline basis gives needs no other; a count is the same on every basis
                -- that gives it.
                when
                    j.fit = 'exact'
                    and (
                        j.bases_left = 1
                        or j.fits_headline
                        or not k.is_exact
                        or k.unit_kind in ('rank', 'years')
                    )
                then 'confirmed'
                when j.fit = 'exact'
                then 'ambiguous'
                -- Where the rows of the claim are missing, only another figure of the same
                -- partner and
                -- period shows a mix-up.
                when
                    j.mix_up_candidate_id is not null
                    and (
                        m.missing_rows is null
                        or j.mix_up_kind in ('another measure', 'another kind', 'another unit')
                    )
                then 'mislabelled'
                when j.is_within_revision
                then 'revised'
                when
                    m.missing_rows is not null
                    or j.candidates_possible > 0
                    or j.candidates_tried = 0
                then 'undetermined'
                when r.missing_releases is not null or c.conceivable_rows is not null
                then 'undetermined'
                else 'contradicted'
            end as status
        from judged as j
        inner join claims as k on j.claim_id = k.claim_id
        left join missing as m on j.claim_id = m.claim_id
        left join releases_missing as r on j.claim_id = r.claim_id
        left join conceivable as c on j.claim_id = c.claim_id

    ),

    -- A share of the article's own part agrees with the article; that is no evidence, so its
    -- verdict follows that of the part.
    settled as (

        select
            f.* replace (
                case
                    when f.status <> 'as its part'
                    then f.status
                    when p.status in ('confirmed', 'other_basis', 'revised')
                    then 'confirmed'
                    else 'undetermined'
                end as status
            )
        from initial_status as f
        left join initial_status as p on f.part_claim_id = p.claim_id

    ),

    -- The asserted figure: the chosen candidate, or the mix-up; null where nothing is decided.
    asserted as (

        select
            *,
            case
                status
                when 'undetermined'
                then null
                when 'out_of_scope'
                then null
                when 'mislabelled'
                then mix_up_candidate_id
                else candidate_id
            end as shown_candidate_id
        from settled

    ),

    shown as (

        select
            s.claim_id,
            s.status,
            case
                s.status
                when 'confirmed'
                then
                    case
                        when s.part_claim_id is not null
                        then 'rests_on_another_claim'
                        when s.hypothesis like 'as_stated, of %'
                        then 'part_of_the_period'
                        when s.bases_left > 1
                        then 'several_bases_fit'
                        when s.bases_fitting > 1
                        then 'basis_of_the_source'
                        else 'one_basis_fits'
                    end
                when 'other_basis'
                then
                    case
                        when s.is_counted_by_the_partner
                        then 'counted_by_the_partner'
                        else 'not_the_basis_of_the_source'
                    end
                when 'ambiguous'
                then 'source_has_no_one_basis'
                when 'revised'
                then 'within_revisions'
                -- The text before the colon names the mix-up: another measure, another period.
                when 'mislabelled'
                then replace(split_part(l.hypothesis, ':', 1), ' ', '_')
                when 'contradicted'
                then 'no_figure_fits'
                when 'out_of_scope'
                then 'not_a_trade_statistic'
                when 'undetermined'
                then
                    case
                        when s.fit = 'exact'
                        then 'rests_on_an_open_claim'
                        when s.missing_rows is not null
                        then 'rows_missing'
                        when s.candidates_possible > 0
                        then 'figure_too_coarse'
                        when s.missing_releases is not null
                        then 'release_missing'
                        when s.conceivable_rows is not null
                        then 'basis_missing'
                        else 'sign_changes'
                    end
            end as reason_code,
            case
                when s.status = 'undetermined'
                then coalesce(s.missing_rows, s.missing_releases, s.conceivable_rows, [])
            end as missing_rows,
            s.candidates_tried,
            s.bases_tried,
            s.releases_tried,
            s.bases_fitting,
            s.claims_explained,
            s.candidate_id as best_candidate_id,
            s.basis_id as best_basis_id,
            s.own_candidate_id,
            s.own_basis_id,
            s.is_counted_by_the_partner,
            s.shown_candidate_id,
            x.hypothesis,
            x.product_group,
            x.quantity,
            x.release_key,
            x.known_at_publication,
            x.basis_key,
            x.value,
            x.revision,
            case
                when s.status = 'mislabelled'
                then coalesce(n.basis_id, x.basis_key)
                when x.candidate_id is not null
                then s.basis_id
            end as basis_id,
            coalesce(x.distance, s.distance) as distance,
            l.hypothesis as mix_up,
            s.part_claim_id
        from asserted as s
        inner join claims as k on s.claim_id = k.claim_id
        left join candidates as x on s.shown_candidate_id = x.candidate_id
        left join
            candidates as l
            -- In the key: with a condition beside it, every claim is compared with every candidate.
            on case when s.status in ('mislabelled', 'undetermined') then s.mix_up_candidate_id end
            = l.candidate_id
        left join
            {{ ref("bases") }} as n
            on k.reporter_iso3 = n.reporter_iso3
            and k.partner_code = n.partner_code
            and k.trade_kind = n.trade_kind
            and x.basis_key = n.basis_key

    )

select
    s.claim_id,
    k.document_id,
    s.status,
    s.reason_code,
    s.basis_id,
    s.basis_key,
    s.product_group,
    s.hypothesis,
    s.release_key,
    s.known_at_publication,
    {{ in_unit_of_claim("s.value", "k.multiplier") }} as value,
    k.unit,
    case when k.unit_kind = 'money' then s.value end as value_usd,
    {{ in_unit_of_claim("s.distance", "k.multiplier", digits=12) }} as distance,
    {{ in_unit_of_claim("s.revision", "k.multiplier", digits=12) }} as revision,
    coalesce(r.fitting_bases, []) as fitting_bases,
    coalesce(w.base_figures, []) as base_figures,
    {{ in_unit_of_claim("t.value", "k.multiplier") }} as latest_value,
    t.release_key as latest_release_key,
    {{ in_unit_of_claim("b.value", "k.multiplier") }} as nearest_value,
    case
        when b.candidate_id = s.best_candidate_id then s.best_basis_id else s.own_basis_id
    end as nearest_basis_id,
    b.basis_key as nearest_basis_key,
    b.product_group as nearest_product_group,
    b.release_key as nearest_release_key,
    s.mix_up,
    s.part_claim_id,
    coalesce(s.missing_rows, []) as missing_rows,
    coalesce(e.evidence, cast([] as bigint[])) as evidence,
    s.shown_candidate_id as candidate_id,
    s.candidates_tried,
    cast(s.bases_tried as integer) as bases_tried,
    cast(s.releases_tried as integer) as releases_tried,
    s.bases_fitting,
    s.claims_explained
from shown as s
inner join claims as k on s.claim_id = k.claim_id
left join fitting as r on s.claim_id = r.claim_id
left join
    latest as t
    on case when s.status = 'confirmed' then s.claim_id end = t.claim_id
    and s.hypothesis = t.hypothesis
    and s.product_group = t.product_group
    and s.quantity = t.quantity
    and s.basis_key = t.basis_key
    and s.value <> t.value
-- The best figure of what the claim states, where the verdict asserts another or none.
left join
    candidates as b
    on b.candidate_id = case
        when s.status = 'mislabelled' or s.is_counted_by_the_partner
        then coalesce(s.own_candidate_id, s.best_candidate_id)
        when s.status = 'undetermined'
        then s.best_candidate_id
    end
left join
    bases_of_comparison as w
    on s.claim_id = w.claim_id
    and coalesce(s.basis_key, b.basis_key) = w.basis_key
    and coalesce(s.product_group, b.product_group) = w.product_group
left join evidence as e on s.shown_candidate_id = e.candidate_id
