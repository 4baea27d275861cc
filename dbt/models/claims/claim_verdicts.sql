{{ config(tags=["question"]) }}

-- One verdict a claim: what makes it true, how surely, and what would decide where nothing does.
with
    claims as (

        select c.*, u.multiplier
        from {{ ref("claims") }} as c
        inner join {{ ref("units") }} as u on c.unit = u.unit

    ),

    judged as (select * from {{ ref("int_claims__judged") }}),

    candidates as (select * from {{ ref("claim_candidates") }}),

    missing as (

        select claim_id, string_agg(distinct missing_row, '; ' order by missing_row) as missing_rows
        from {{ ref("int_claims__missing") }}
        group by claim_id

    ),

    conceivable as (

        select
            claim_id,
            string_agg(distinct missing_row, '; ' order by missing_row) as conceivable_rows
        from {{ ref("int_claims__conceivable") }}
        group by claim_id

    ),

    evidence as (

        select candidate_id, list(figure_id order by figure_id) as evidence
        from {{ ref("int_claims__evidence") }}
        group by candidate_id

    ),

    -- Every reading that is left, by name and amount, for a claim that several make true.
    rivals as (

        select
            j.claim_id,
            string_agg(
                distinct coalesce(n.reading_id, x.basis_key)
                || ' '
                || {{ in_its_unit("x.value", "k.multiplier", "k.unit") }},
                ', '
                order by
                    coalesce(n.reading_id, x.basis_key)
                    || ' '
                    || {{ in_its_unit("x.value", "k.multiplier", "k.unit") }}
            ) as readings
        from judged as j
        inner join claims as k on j.claim_id = k.claim_id
        inner join candidates as x on j.claim_id = x.claim_id and x.fit = 'exact' and x.is_as_stated
        left join
            {{ ref("bases") }} as n
            on k.reporter_iso3 = n.reporter_iso3
            and k.partner_code = n.partner_code
            and k.trade_kind = n.trade_kind
            and x.basis_key = n.basis_key
        group by j.claim_id

    ),

    first_look as (

        select
            j.*,
            k.is_in_scope,
            k.is_exact,
            m.missing_rows,
            c.conceivable_rows,
            case
                when not k.is_in_scope
                then 'out_of_scope'
                when j.fit = 'exact' and j.is_on_another_basis
                then 'other_basis'
                when j.fit = 'exact' and j.part_claim_id is not null
                then 'as its part'
                -- A count is the same count on every reading that gives it.
                when
                    j.fit = 'exact'
                    and (j.readings_left = 1 or not k.is_exact or k.unit_kind in ('rank', 'years'))
                then 'confirmed'
                when j.fit = 'exact'
                then 'ambiguous'
                when j.is_within_revision
                then 'revised'
                when
                    m.missing_rows is not null
                    or j.candidates_possible > 0
                    or j.candidates_tried = 0
                then 'undetermined'
                when j.slip_candidate_id is not null
                then 'mislabelled'
                when c.conceivable_rows is not null
                then 'undetermined'
                else 'contradicted'
            end as status
        from judged as j
        inner join claims as k on j.claim_id = k.claim_id
        left join missing as m on j.claim_id = m.claim_id
        left join conceivable as c on j.claim_id = c.claim_id

    ),

    -- A share of the text's own part agrees with the text; that is no evidence, so it stands or
    -- falls with the part.
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
        from first_look as f
        left join first_look as p on f.part_claim_id = p.claim_id

    ),

    -- What is asserted: the chosen candidate, or the slip; nothing where nothing is decided.
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
                then slip_candidate_id
                else candidate_id
            end as shown_candidate_id
        from settled

    ),

    shown as (

        select
            s.claim_id,
            s.status,
            s.missing_rows,
            s.conceivable_rows,
            s.candidates_possible,
            s.candidates_tried,
            s.readings_fitting,
            s.claims_explained,
            s.candidate_id as nearest_candidate_id,
            s.definition_id as nearest_definition_id,
            s.release_key as nearest_release_key,
            coalesce(s.reading_id, s.basis_key) as nearest_reading,
            {{ in_its_unit("s.value", "k.multiplier", "k.unit") }} as nearest_figure,
            s.shown_candidate_id,
            x.hypothesis,
            x.definition_id,
            x.release_key,
            x.known_at_publication,
            x.basis_key,
            x.value,
            {{ in_its_unit("x.value", "k.multiplier", "k.unit") }} as figure,
            case
                when s.status = 'mislabelled'
                then coalesce(n.reading_id, x.basis_key)
                when x.candidate_id is not null
                then s.reading_id
            end as reading_id,
            l.hypothesis as slip_hypothesis
        from asserted as s
        inner join claims as k on s.claim_id = k.claim_id
        left join candidates as x on s.shown_candidate_id = x.candidate_id
        left join candidates as l on s.slip_candidate_id = l.candidate_id
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
    s.reading_id,
    s.basis_key,
    s.definition_id,
    s.hypothesis,
    s.release_key,
    s.known_at_publication,
    cast(cast(s.value as double) / k.multiplier as decimal(32, 6)) as value,
    k.unit,
    case when k.unit_kind = 'money' then s.value end as value_usd,
    case
        s.status
        when 'confirmed'
        then
            'The '
            || coalesce(s.reading_id, 'held')
            || ' reading gives '
            || s.figure
            || ' ('
            || s.release_key
            || ')'
            || case when s.hypothesis <> 'as_stated' then ', ' || s.hypothesis else '' end
            || case
                when s.claims_explained > 1
                then
                    '; it explains '
                    || cast(s.claims_explained as varchar)
                    || ' figures of the same speaker'
                else ''
            end
            || case
                when s.readings_fitting > 1
                then '; every fitting reading: ' || coalesce(r.readings, '')
                else ''
            end
        when 'other_basis'
        then
            'True of the '
            || coalesce(s.reading_id, 'held')
            || ' reading ('
            || s.figure
            || ', '
            || s.release_key
            || '), which is not the one the rest of the text uses'
        when 'ambiguous'
        then 'Several readings give this figure: ' || coalesce(r.readings, '')
        when 'revised'
        then
            'The '
            || coalesce(s.reading_id, 'held')
            || ' reading gives '
            || s.figure
            || ' today ('
            || s.release_key
            || '), within what revisions have moved this series'
        when 'mislabelled'
        then
            'What is printed is '
            || s.hypothesis
            || ': '
            || s.figure
            || ' ('
            || s.release_key
            || ')'
        when 'contradicted'
        then
            'No reading held gives this figure; the '
            || coalesce(s.reading_id, 'nearest')
            || ' reading gives '
            || s.figure
            || ' ('
            || s.release_key
            || ')'
        when 'out_of_scope'
        then 'Not a figure of trade statistics'
        else
            'Not decided by the rows held' || case
                when s.slip_hypothesis is not null
                then '; it equals ' || s.slip_hypothesis
                when s.nearest_candidate_id is not null
                then
                    '; nearest held: '
                    || s.nearest_figure
                    || ' ('
                    || s.nearest_reading
                    || ', '
                    || s.nearest_definition_id
                    || ', '
                    || s.nearest_release_key
                    || ')'
                else ''
            end
    end as reason,
    case
        s.status
        when 'undetermined'
        then
            coalesce(
                s.missing_rows,
                case
                    when s.candidates_possible > 0
                    then 'the figure in a finer unit than it is held: ' || s.nearest_release_key
                end,
                s.conceivable_rows,
                'figures of one sign at both ends: growth and ratios have no meaning across zero'
            )
        when 'ambiguous'
        then
            'the figure with one digit more, or another figure of the same speaker: '
            || coalesce(r.readings, '')
        when 'revised'
        then
            'the release of '
            || s.basis_key
            || ' that was current on '
            || coalesce(cast(k.published_on as varchar), 'the day of print')
    end as missing,
    coalesce(e.evidence, cast([] as bigint[])) as evidence,
    s.shown_candidate_id as candidate_id,
    s.candidates_tried,
    s.readings_fitting,
    s.claims_explained
from shown as s
inner join claims as k on s.claim_id = k.claim_id
left join rivals as r on s.claim_id = r.claim_id
left join evidence as e on s.shown_candidate_id = e.candidate_id
