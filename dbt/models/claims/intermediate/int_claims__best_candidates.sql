{{ config(tags=["question"]) }}

-- One candidate per claim, given the other figures of the attributed source: a basis that explains
-- more of the figures of one source outranks one that explains fewer.
with
    claims as (select * from {{ ref("claims") }}),

    candidates as (

        select c.*, k.source_key, k.trade_kind, k.reporter_iso3, k.partner_code, k.is_exact
        from {{ ref("claim_candidates") }} as c
        inner join claims as k on c.claim_id = k.claim_id

    ),

    stated as (select * from candidates where is_as_stated),

    bases as (

        select
            reporter_iso3,
            partner_code,
            trade_kind,
            basis_id,
            is_named,
            reported_by,
            export_series_code,
            import_series_code,
            basis_key,
            policy_rank,
            -- The basis of the statistical office's own headline figures.
            reported_by = 'reporter'
            and policy_rank = min(case when reported_by = 'reporter' then policy_rank end) over (
                partition by reporter_iso3, partner_code, trade_kind
            ) as is_headline
        from {{ ref("bases") }}

    ),

    -- Claims of which the partner, or one of its offices, is the source.
    of_the_partner as (

        select distinct k.claim_id
        from claims as k
        inner join
            (
                select iso3, name
                from {{ ref("country_list") }}
                union all
                -- Without what tells two countries apart: Korea, South.
                select iso3, split_part(partner_name, ',', 1) as name
                from {{ ref("census_partners") }}
                union all
                select reporter_iso3 as iso3, publisher as name
                from {{ ref("source_list") }}
            ) as n
            on k.partner_code = n.iso3
            and regexp_matches(
                concat_ws(' ', k.attributed_to, k.document_publisher),
                '\b' || regexp_escape(n.name) || '\b',
                'i'
            )

    ),

    -- A figure of one flow is on every basis that includes its series.
    compatible as (

        select
            s.candidate_id,
            b.basis_key as full_basis_key,
            b.basis_id,
            b.is_named,
            b.policy_rank,
            b.is_headline
        from stated as s
        inner join
            bases as b
            on s.reporter_iso3 = b.reporter_iso3
            and s.partner_code = b.partner_code
            and s.trade_kind = b.trade_kind
            and coalesce(s.export_series_code, b.export_series_code) = b.export_series_code
            and coalesce(s.import_series_code, b.import_series_code) = b.import_series_code

    ),

    scores as (

        select
            s.source_key,
            s.trade_kind,
            c.full_basis_key,
            count(distinct s.claim_id) as claims_explained,
            min(c.policy_rank) as policy_rank
        from stated as s
        inner join compatible as c on s.candidate_id = c.candidate_id
        where s.fit = 'exact' and s.is_exact and s.part_claim_id is null
        group by s.source_key, s.trade_kind, c.full_basis_key

    ),

    -- The established basis of an attributed source: the one that explains most, of at least two
    -- figures.
    established as (

        select source_key, trade_kind, full_basis_key, claims_explained
        from scores as s
        where
            claims_explained >= 2
            and claims_explained = (
                select max(t.claims_explained)
                from scores as t
                where s.source_key = t.source_key and s.trade_kind = t.trade_kind
            )

    ),

    labelled as (

        select
            s.candidate_id,
            c.full_basis_key,
            c.basis_id,
            c.policy_rank,
            coalesce(x.claims_explained, 0) as claims_explained,
            row_number() over (
                partition by s.candidate_id
                order by
                    coalesce(x.claims_explained, 0) desc,
                    c.policy_rank,
                    c.is_named desc,
                    c.full_basis_key
            ) as preference
        from stated as s
        inner join compatible as c on s.candidate_id = c.candidate_id
        left join
            scores as x
            on s.source_key = x.source_key
            and s.trade_kind = x.trade_kind
            and c.full_basis_key = x.full_basis_key

    ),

    headlines as (select distinct candidate_id from compatible where is_headline),

    scored as (

        select
            s.*,
            h.candidate_id is not null as is_headline,
            p.claim_id is not null or s.reported_by = 'reporter' as is_counted_as_claimed,
            -- Seasonal adjustment moves trade between months; it is no other way of counting it.
            replace(s.basis_key, '.sa', '.nsa') || ' ' || s.product_group as counted_as,
            l.basis_id,
            l.full_basis_key,
            coalesce(l.policy_rank, 99) as policy_rank,
            coalesce(l.claims_explained, 0) as claims_explained,
            max(case when s.fit = 'exact' then coalesce(l.claims_explained, 0) end) over (
                partition by s.claim_id
            ) as most_explained
        from stated as s
        left join headlines as h on s.candidate_id = h.candidate_id
        left join of_the_partner as p on s.claim_id = p.claim_id
        left join labelled as l on s.candidate_id = l.candidate_id and l.preference = 1

    ),

    ordered as (

        select
            *,
            row_number() over (
                partition by claim_id
                order by
                    case
                        when fit = 'exact' and is_counted_as_claimed
                        then 1
                        when fit = 'exact'
                        then 2
                        when is_within_revision
                        then 3
                        when fit = 'possible' and evidence_kind <> 'lower bound'
                        then 4
                        else 5
                    end,
                    claims_explained desc,
                    policy_rank,
                    definition_rank,
                    case evidence_kind when 'statistic' then 1 when 'mixed' then 2 else 3 end,
                    distance,
                    case known_at_publication when 'known' then 1 when 'possible' then 2 else 3 end,
                    known_from desc,
                    candidate_id
            ) as preference
        from scored

    ),

    -- Number of different series, or product groups, left after the source's other figures are
    -- considered.
    remaining as (

        select
            claim_id,
            count(
                distinct case
                    when fit = 'exact' and claims_explained = most_explained then counted_as
                end
            ) as bases_left,
            count(distinct case when fit = 'exact' then counted_as end) as bases_fitting,
            count(distinct case when is_within_revision then counted_as end) as bases_near,
            bool_or(fit = 'exact' and is_headline and definition_rank = 1) as fits_headline,
            count(
                case when fit = 'possible' and evidence_kind <> 'lower bound' then 1 end
            ) as candidates_possible,
            count(*) as candidates_tried,
            count(distinct basis_key) as bases_tried,
            count(distinct release_key) as releases_tried
        from scored
        group by claim_id

    ),

    -- The attributed source's own basis gives another value here.
    conflicting_basis as (

        select distinct s.claim_id
        from scored as s
        inner join compatible as c on s.candidate_id = c.candidate_id
        inner join
            established as e
            on s.source_key = e.source_key
            and s.trade_kind = e.trade_kind
            and c.full_basis_key = e.full_basis_key
        where s.fit = 'none'

    ),

    -- A candidate is on the attributed source's basis when an established basis includes its
    -- series.
    on_basis_of_source as (

        select distinct s.candidate_id
        from stated as s
        inner join compatible as c on s.candidate_id = c.candidate_id
        inner join
            established as e
            on s.source_key = e.source_key
            and s.trade_kind = e.trade_kind
            and c.full_basis_key = e.full_basis_key

    ),

    -- Only headline figures are mixed up: with every basis, figures that agree by chance are many.
    mix_ups as (

        select
            c.claim_id,
            c.candidate_id,
            c.hypothesis,
            row_number() over (
                partition by c.claim_id
                order by
                    case evidence_kind when 'statistic' then 1 when 'mixed' then 2 else 3 end,
                    list_position(
                        [
                            'another sign',
                            'another measure',
                            'another unit',
                            'another kind',
                            'another period',
                            'another span',
                            'another sector',
                            'another partner'
                        ],
                        split_part(c.hypothesis, ':', 1)
                    ),
                    distance,
                    hypothesis,
                    candidate_id
            ) as preference
        from candidates as c
        inner join {{ ref("int_figures__cells") }} as e on c.cell_id = e.cell_key
        inner join
            bases as b
            on e.reporter_iso3 = b.reporter_iso3
            and e.partner_code = b.partner_code
            and e.trade_kind = b.trade_kind
            -- Another kind of trade has accounts of its own, and no office has a headline for each.
            and (
                b.is_headline
                or (
                    split_part(c.hypothesis, ':', 1) = 'another kind'
                    and b.is_named
                    and b.reported_by = 'reporter'
                )
            )
            and coalesce(c.export_series_code, b.export_series_code) = b.export_series_code
            and coalesce(c.import_series_code, b.import_series_code) = b.import_series_code
        where not c.is_as_stated and c.fit = 'exact'

    ),

    -- What the reporter's own office says, where only the partner's figures fit.
    own as (

        select
            claim_id,
            candidate_id,
            basis_id,
            row_number() over (
                partition by claim_id
                order by
                    is_headline desc,
                    definition_rank,
                    case known_at_publication when 'known' then 1 when 'possible' then 2 else 3 end,
                    known_from desc,
                    candidate_id
            ) as preference
        from scored
        where reported_by = 'reporter' and evidence_kind = 'statistic'

    )

select
    k.claim_id,
    o.candidate_id,
    o.hypothesis,
    o.product_group,
    o.basis_id,
    o.full_basis_key,
    o.basis_key,
    o.part_claim_id,
    o.cell_id,
    o.base_cell_id,
    o.quantity,
    o.reported_by,
    o.export_series_code,
    o.import_series_code,
    o.release_key,
    o.evidence_kind,
    o.value,
    o.rounding_margin,
    o.revision,
    o.fit,
    o.distance,
    o.is_within_revision,
    o.known_from,
    o.known_at_publication,
    o.claims_explained,
    coalesce(n.bases_left, 0) as bases_left,
    coalesce(n.bases_fitting, 0) as bases_fitting,
    coalesce(n.bases_near, 0) as bases_near,
    coalesce(n.candidates_possible, 0) as candidates_possible,
    coalesce(n.candidates_tried, 0) as candidates_tried,
    coalesce(n.bases_tried, 0) as bases_tried,
    coalesce(n.releases_tried, 0) as releases_tried,
    coalesce(n.fits_headline, false) as fits_headline,
    d.claim_id is not null and w.candidate_id is null as is_on_another_basis,
    o.fit = 'exact' and not o.is_counted_as_claimed as is_counted_by_the_partner,
    u.candidate_id as own_candidate_id,
    u.basis_id as own_basis_id,
    s.candidate_id as mix_up_candidate_id,
    split_part(s.hypothesis, ':', 1) as mix_up_kind
from claims as k
left join ordered as o on k.claim_id = o.claim_id and o.preference = 1
left join remaining as n on k.claim_id = n.claim_id
left join conflicting_basis as d on k.claim_id = d.claim_id
left join on_basis_of_source as w on o.candidate_id = w.candidate_id
left join mix_ups as s on k.claim_id = s.claim_id and s.preference = 1
left join own as u on k.claim_id = u.claim_id and u.preference = 1
