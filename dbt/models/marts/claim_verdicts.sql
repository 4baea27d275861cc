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

    evidence as (

        select candidate_id, list(observation_id order by observation_id) as evidence
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
                || printf('%.6g', cast(x.value as double) / k.multiplier),
                ', '
                order by
                    coalesce(n.reading_id, x.basis_key)
                    || ' '
                    || printf('%.6g', cast(x.value as double) / k.multiplier)
            ) as readings
        from judged as j
        inner join claims as k on j.claim_id = k.claim_id
        inner join
            candidates as x
            on j.claim_id = x.claim_id
            and x.fit = 'exact'
            and x.hypothesis like 'as_stated%'
        left join
            {{ ref("int_readings__named") }} as n
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
            case
                when not k.is_in_scope
                then 'out_of_scope'
                when j.fit = 'exact' and j.is_on_another_basis
                then 'other_basis'
                when j.fit = 'exact' and j.part_claim_id is not null
                then 'as its part'
                when j.fit = 'exact' and (j.readings_left = 1 or not k.is_exact)
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
                else 'contradicted'
            end as status
        from judged as j
        inner join claims as k on j.claim_id = k.claim_id
        left join missing as m on j.claim_id = m.claim_id

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

    shown as (

        select
            s.*,
            case
                when s.status = 'mislabelled' then x.candidate_id else s.candidate_id
            end as shown_candidate_id,
            case
                when s.status = 'mislabelled' then x.hypothesis else s.hypothesis
            end as shown_hypothesis,
            case
                when s.status = 'mislabelled' then x.definition_id else s.definition_id
            end as shown_definition_id,
            case
                when s.status = 'mislabelled' then x.release_key else s.release_key
            end as shown_release,
            case when s.status = 'mislabelled' then x.value else s.value end as shown_value,
            case
                when s.status = 'mislabelled'
                then x.known_at_publication
                else s.known_at_publication
            end as shown_known,
            case
                when s.status = 'mislabelled'
                then coalesce(n.reading_id, x.basis_key)
                else s.reading_id
            end as shown_reading,
            case when s.status = 'mislabelled' then x.basis_key else s.basis_key end as shown_basis,
            l.hypothesis as slip_hypothesis,
            l.value as slip_value
        from settled as s
        inner join claims as k on s.claim_id = k.claim_id
        left join
            candidates as x on s.slip_candidate_id = x.candidate_id and s.status = 'mislabelled'
        left join candidates as l on s.slip_candidate_id = l.candidate_id
        left join
            {{ ref("int_readings__named") }} as n
            on k.reporter_iso3 = n.reporter_iso3
            and k.partner_code = n.partner_code
            and k.trade_kind = n.trade_kind
            and x.basis_key = n.basis_key

    )

select
    s.claim_id,
    k.document_id,
    s.status,
    case
        when s.status in ('undetermined', 'out_of_scope') then null else s.shown_reading
    end as reading_id,
    case
        when s.status in ('undetermined', 'out_of_scope') then null else s.shown_basis
    end as basis_key,
    case
        when s.status in ('undetermined', 'out_of_scope') then null else s.shown_definition_id
    end as definition_id,
    case
        when s.status in ('undetermined', 'out_of_scope') then null else s.shown_hypothesis
    end as hypothesis,
    case
        when s.status in ('undetermined', 'out_of_scope') then null else s.shown_release
    end as release_key,
    case
        when s.status in ('undetermined', 'out_of_scope') then null else s.shown_known
    end as known_at_publication,
    case
        when s.status in ('undetermined', 'out_of_scope')
        then null
        else cast(cast(s.shown_value as double) / k.multiplier as decimal(32, 6))
    end as value,
    k.unit,
    case
        when s.status not in ('undetermined', 'out_of_scope') and k.unit_kind = 'money'
        then s.shown_value
    end as value_usd,
    case
        s.status
        when 'confirmed'
        then
            'The '
            || coalesce(s.shown_reading, 'held')
            || ' reading gives '
            || printf('%.6g', cast(s.shown_value as double) / k.multiplier)
            || ' '
            || k.unit
            || ' ('
            || s.shown_release
            || ')'
            || case
                when s.shown_hypothesis <> 'as_stated' then ', ' || s.shown_hypothesis else ''
            end
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
            || coalesce(s.shown_reading, 'held')
            || ' reading ('
            || printf('%.6g', cast(s.shown_value as double) / k.multiplier)
            || ' '
            || k.unit
            || ', '
            || s.shown_release
            || '), which is not the one the rest of the text uses'
        when 'ambiguous'
        then 'Several readings give this figure: ' || coalesce(r.readings, '')
        when 'revised'
        then
            'The '
            || coalesce(s.shown_reading, 'held')
            || ' reading gives '
            || printf('%.6g', cast(s.shown_value as double) / k.multiplier)
            || ' '
            || k.unit
            || ' today ('
            || s.shown_release
            || '), within what revisions have moved this series'
        when 'mislabelled'
        then
            'What is printed is '
            || s.shown_hypothesis
            || ': '
            || printf('%.6g', cast(s.shown_value as double) / k.multiplier)
            || ' '
            || k.unit
            || ' ('
            || s.shown_release
            || ')'
        when 'contradicted'
        then
            'No reading held gives this figure; the '
            || coalesce(s.shown_reading, 'nearest')
            || ' reading gives '
            || printf('%.6g', cast(s.shown_value as double) / k.multiplier)
            || ' '
            || k.unit
            || ' ('
            || s.shown_release
            || ')'
        when 'out_of_scope'
        then 'Not a figure of trade statistics'
        else
            'Not decided by the rows held' || case
                when s.slip_hypothesis is not null
                then '; it equals ' || s.slip_hypothesis
                when s.candidate_id is not null
                then
                    '; nearest held: '
                    || printf('%.6g', cast(s.value as double) / k.multiplier)
                    || ' '
                    || k.unit
                    || ' ('
                    || coalesce(s.reading_id, s.basis_key)
                    || ', '
                    || s.definition_id
                    || ', '
                    || s.release_key
                    || ')'
                else ''
            end
    end as reason,
    case
        when s.status = 'undetermined'
        then
            coalesce(
                s.missing_rows,
                'the figure in a finer unit than it is held: ' || coalesce(s.release_key, '')
            )
        when s.status = 'ambiguous'
        then
            'the figure with one digit more, or another figure of the same speaker: '
            || coalesce(r.readings, '')
        when s.status = 'revised'
        then
            'the release of '
            || s.basis_key
            || ' that was current on '
            || coalesce(cast(k.published_on as varchar), 'the day of print')
    end as missing,
    case
        when s.status in ('undetermined', 'out_of_scope') then [] else coalesce(e.evidence, [])
    end as evidence,
    s.shown_candidate_id as candidate_id,
    s.candidates_tried,
    s.readings_fitting,
    s.claims_explained
from shown as s
inner join claims as k on s.claim_id = k.claim_id
left join rivals as r on s.claim_id = r.claim_id
left join evidence as e on s.candidate_id = e.candidate_id
