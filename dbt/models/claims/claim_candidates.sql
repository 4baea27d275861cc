{{ config(tags=["question"]) }}

-- Every reading, release, definition and slip that was tried for a claim, with what it comes to.
with
    claims as (select * from {{ ref("claims") }}),

    hypotheses as (

        select
            h.*,
            c.reporter_iso3,
            c.partner_code,
            c.trade_kind,
            c.transform,
            c.unit_kind,
            c.quantity as claimed_quantity,
            c.direction,
            {{
                cell_id(
                    "c.reporter_iso3",
                    "c.partner_code",
                    "c.trade_kind",
                    "h.definition_id",
                    "h.period_start",
                    "h.period_end",
                )
            }} as cell_id,
            {{
                cell_id(
                    "c.reporter_iso3",
                    "c.partner_code",
                    "c.trade_kind",
                    "h.definition_id",
                    "h.base_start",
                    "h.base_end",
                )
            }} as base_cell_id,
            {{
                cell_id(
                    "c.reporter_iso3",
                    "c.partner_code",
                    "c.trade_kind",
                    "'total:total'",
                    "h.period_start",
                    "h.period_end",
                )
            }} as whole_cell_id
        from {{ ref("int_claims__hypotheses") }} as h
        inner join claims as c on h.claim_id = c.claim_id
        -- Money in another currency is compared when a rate is held, and none is.
        where c.currency is null or c.currency = 'USD'

    ),

    quantities as (select * from {{ ref("int_figures__quantities") }}),

    levels as (

        select
            h.claim_id,
            h.hypothesis,
            h.definition_id,
            h.definition_rank,
            h.cell_id,
            cast(null as varchar) as base_cell_id,
            cast(null as varchar) as part_claim_id,
            q.quantity,
            q.token,
            q.vintage,
            q.reported_by,
            q.export_leg_id,
            q.import_leg_id,
            q.basis_key,
            cast(
                case
                    when h.transform = 'size' or q.quantity <> h.claimed_quantity
                    then abs(q.value_usd)
                    else h.direction * q.value_usd
                end as decimal(32, 6)
            ) as value,
            cast(q.half_width_usd as decimal(32, 6)) as half_width,
            cast(q.revision_usd as decimal(32, 6)) as revision,
            q.evidence_kind,
            q.release_key,
            q.known_from,
            q.known_from_earliest
        from hypotheses as h
        inner join quantities as q on h.cell_id = q.cell_id and h.quantity = q.quantity
        where h.transform in ('level', 'size')

    ),

    -- Two figures of one basis at one moment: a period beside its base, a part beside its whole.
    paired as (

        select
            h.claim_id,
            h.hypothesis,
            h.definition_id,
            h.definition_rank,
            h.cell_id,
            q.cell_id as partner_cell_id,
            h.transform,
            h.unit_kind,
            p.quantity,
            p.token,
            p.vintage,
            p.reported_by,
            p.export_leg_id,
            p.import_leg_id,
            p.basis_key,
            h.direction * p.value_usd as a,
            h.direction * q.value_usd as b,
            cast(p.half_width_usd as double) as a_half,
            cast(q.half_width_usd as double) as b_half,
            cast(p.revision_usd as double) as a_revision,
            cast(q.revision_usd as double) as b_revision,
            case
                when p.evidence_kind = q.evidence_kind then p.evidence_kind else 'mixed'
            end as evidence_kind,
            case
                when p.release_key = q.release_key
                then p.release_key
                else
                    least(p.release_key, q.release_key)
                    || ' + '
                    || greatest(p.release_key, q.release_key)
            end as release_key,
            greatest(p.known_from, q.known_from) as known_from,
            greatest(p.known_from_earliest, q.known_from_earliest) as known_from_earliest
        from hypotheses as h
        inner join quantities as p on h.cell_id = p.cell_id and h.quantity = p.quantity
        inner join
            quantities as q
            on q.cell_id
            = case when h.transform = 'share' then h.whole_cell_id else h.base_cell_id end
            and p.quantity = q.quantity
            and p.token = q.token
            and p.basis_key = q.basis_key
        where h.transform in ('change', 'growth', 'ratio', 'share') and h.hypothesis = 'as_stated'

    ),

    derived as (

        select
            claim_id,
            hypothesis,
            definition_id,
            definition_rank,
            cell_id,
            partner_cell_id as base_cell_id,
            cast(null as varchar) as part_claim_id,
            quantity,
            token,
            vintage,
            reported_by,
            export_leg_id,
            import_leg_id,
            basis_key,
            cast(
                case
                    when transform = 'change' and unit_kind = 'sign'
                    -- Within a thousandth of the base nothing has moved.
                    then case when abs(a - b) <= abs(b) / 1000 then 0 else sign(a - b) end
                    when transform = 'change'
                    then a - b
                    when b <= 0
                    then null
                    when transform = 'growth'
                    then (cast(a as double) / cast(b as double) - 1) * 100
                    when transform = 'ratio'
                    then cast(a as double) / cast(b as double)
                    when transform = 'share'
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
                        * case when transform = 'ratio' then 1 else 100 end
                end as decimal(32, 6)
            ) as half_width,
            cast(
                case
                    when unit_kind = 'sign'
                    then 0
                    when transform = 'change'
                    then a_revision + b_revision
                    when b <= 0
                    then null
                    else
                        (a_revision + abs(cast(a as double) / cast(b as double)) * b_revision)
                        / cast(b as double)
                        * case when transform = 'ratio' then 1 else 100 end
                end as decimal(32, 6)
            ) as revision,
            evidence_kind,
            release_key,
            known_from,
            known_from_earliest
        from paired

    ),

    -- The text's own part over each reading of the whole: it tells which whole the text had in
    -- mind.
    parts as (

        select
            h.claim_id,
            h.hypothesis,
            'as printed: ' || p.claim_id as definition_id,
            h.definition_rank,
            q.cell_id,
            cast(null as varchar) as base_cell_id,
            p.claim_id as part_claim_id,
            q.quantity,
            q.token,
            q.vintage,
            q.reported_by,
            q.export_leg_id,
            q.import_leg_id,
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
            ) as half_width,
            cast(0 as decimal(32, 6)) as revision,
            q.evidence_kind,
            q.release_key,
            q.known_from,
            q.known_from_earliest
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
            and (
                (c.reporter_iso3 = p.reporter_iso3 and c.partner_code = p.partner_code)
                or (
                    h.quantity in ('balance', 'two_way')
                    and c.reporter_iso3 = p.partner_code
                    and c.partner_code = p.reporter_iso3
                )
            )
        inner join quantities as q on h.whole_cell_id = q.cell_id and h.quantity = q.quantity
        where h.transform = 'share' and h.hypothesis = 'as_stated' and h.definition_rank = 1

    ),

    ranks as (

        select
            h.claim_id,
            -- Where the whole year is not out, the months that are stand for it and say so.
            case
                when r.period_end = h.period_end then 'as_stated' else 'as_stated, of ' || r.period
            end as hypothesis,
            h.definition_id,
            h.definition_rank,
            r.rank_id as cell_id,
            cast(null as varchar) as base_cell_id,
            cast(null as varchar) as part_claim_id,
            h.quantity,
            r.source_id || ' ' || r.release_id as token,
            r.known_from as vintage,
            'reporter' as reported_by,
            r.export_leg_id,
            r.import_leg_id,
            r.export_leg_id || ' + ' || r.import_leg_id as basis_key,
            cast(r.rank_two_way_trade as decimal(32, 6)) as value,
            cast(0 as decimal(32, 6)) as half_width,
            cast(0 as decimal(32, 6)) as revision,
            'statistic' as evidence_kind,
            r.source_id || ' ' || r.release_id as release_key,
            r.known_from,
            r.known_from_earliest
        from hypotheses as h
        inner join
            {{ ref("partner_ranks") }} as r
            on h.reporter_iso3 = r.reporter_iso3
            and h.partner_code = r.partner_code
            and h.trade_kind = r.trade_kind
            and h.period_start = r.period_start
            and h.period_end >= r.period_end
        where h.transform = 'rank' and r.known_from <= {{ as_of_day() }}

    ),

    streaks as (

        select
            h.claim_id,
            h.hypothesis,
            h.definition_id,
            h.definition_rank,
            h.cell_id,
            cast(null as varchar) as base_cell_id,
            cast(null as varchar) as part_claim_id,
            h.quantity,
            cast(s.known_from as varchar) as token,
            s.known_from as vintage,
            s.reported_by,
            s.export_leg_id,
            s.import_leg_id,
            s.export_leg_id || ' + ' || s.import_leg_id as basis_key,
            cast(
                case when s.balance_sign = h.direction then s.years_in_a_row else 0 end as decimal(
                    32, 6
                )
            ) as value,
            -- A run cut off by the first year held may be of any greater length.
            cast(
                case
                    when s.is_lower_bound and s.balance_sign = h.direction then 1000 else 0
                end as decimal(32, 6)
            ) as half_width,
            cast(0 as decimal(32, 6)) as revision,
            case
                when s.is_lower_bound and s.balance_sign = h.direction
                then 'lower bound'
                else s.evidence_kind
            end as evidence_kind,
            s.release_key,
            s.known_from,
            s.known_from as known_from_earliest
        from hypotheses as h
        inner join
            {{ ref("int_claims__streaks") }} as s
            on h.reporter_iso3 = s.reporter_iso3
            and h.partner_code = s.partner_code
            and h.trade_kind = s.trade_kind
            and year(h.period_start) = s.reference_year
        where h.transform = 'streak'

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

    ),

    judged as (

        select
            x.*,
            c.low,
            c.high,
            c.published_on,
            case
                when
                    (x.value > c.low or (x.value = c.low and c.low_is_closed))
                    and (x.value < c.high or (x.value = c.high and c.high_is_closed))
                    -- What is known only to a coarser unit than the claim's cannot confirm it.
                    and (x.evidence_kind = 'statistic' or x.half_width <= (c.high - c.low) / 2)
                then 'exact'
                when
                    x.value + x.half_width >= c.low
                    and x.value - x.half_width <= c.high
                    -- A run cut off by the first year held is longer than is seen, never shorter.
                    and (x.evidence_kind <> 'lower bound' or x.value <= c.high)
                then 'possible'
                else 'none'
            end as fit,
            cast(
                case
                    when x.value < c.low
                    then c.low - x.value
                    when x.value > c.high
                    then x.value - c.high
                    else 0
                end as decimal(32, 6)
            ) as distance
        from candidates as x
        inner join claims as c on x.claim_id = c.claim_id
        where x.value is not null

    ),

    -- The same rows seen on several days are one candidate, known since the first of them.
    numbered as (

        select
            *,
            min(vintage) over (
                partition by
                    claim_id,
                    hypothesis,
                    definition_id,
                    quantity,
                    basis_key,
                    release_key,
                    evidence_kind,
                    value
            ) as first_known,
            row_number() over (
                partition by
                    claim_id,
                    hypothesis,
                    definition_id,
                    quantity,
                    basis_key,
                    release_key,
                    evidence_kind,
                    value
                order by half_width, vintage desc, token desc
            ) as recency
        from judged

    )

select
    claim_id
    || ' | '
    || hypothesis
    || ' | '
    || definition_id
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
    definition_id,
    definition_rank,
    quantity,
    cell_id,
    base_cell_id,
    part_claim_id,
    reported_by,
    export_leg_id,
    import_leg_id,
    basis_key,
    token,
    vintage,
    release_key,
    evidence_kind,
    value,
    half_width,
    revision,
    fit,
    distance,
    -- Nearer than the figure's own rounding nothing was revised: it is held too coarsely.
    fit <> 'exact'
    and evidence_kind = 'statistic'
    and distance <= revision
    and distance > half_width as is_within_revision,
    first_known as known_from,
    case
        when published_on is null
        then 'unknown'
        when first_known <= published_on
        then 'known'
        when known_from_earliest > published_on
        then 'later'
        else 'possible'
    end as known_at_publication
from numbered
where recency = 1
