{{ config(tags=["question"]) }}

-- Both ends of every bridge as points in the coordinates of a figure.
with
    requested as (select * from {{ ref("int_bridges__requested") }}),

    asked as (

        select
            bridge_id,
            'a' as side,
            reporter_iso3,
            partner_code,
            trade_kind,
            quantity,
            direction,
            a_reading_id as reading_id,
            a_as_of as as_of,
            a_definition_id as definition_id,
            a_period_start as period_start,
            a_period_end as period_end
        from requested
        where a_claim_id is null
        union all
        select
            bridge_id,
            'b' as side,
            reporter_iso3,
            partner_code,
            trade_kind,
            quantity,
            direction,
            b_reading_id as reading_id,
            b_as_of as as_of,
            b_definition_id as definition_id,
            b_period_start as period_start,
            b_period_end as period_end
        from requested
        where b_claim_id is null

    ),

    quantities as (select * from {{ ref("int_figures__quantities") }}),

    asked_found as (

        select
            a.bridge_id,
            a.side,
            a.reporter_iso3,
            a.partner_code,
            a.trade_kind,
            a.quantity,
            cast(coalesce(a.direction, sign(q.value_usd)) as integer) as direction,
            a.reading_id,
            cast(null as varchar) as claim_id,
            a.definition_id,
            a.period_start,
            a.period_end,
            q.reported_by,
            q.export_leg_id,
            q.import_leg_id,
            q.token,
            q.release_key,
            q.value_usd,
            cast(null as decimal(24, 3)) as printed_usd,
            cast(0 as decimal(24, 3)) as printed_half_usd,
            row_number() over (
                partition by a.bridge_id, a.side
                order by
                    q.vintage desc,
                    q.observation_id is not null,
                    q.export_leg_id,
                    q.import_leg_id,
                    q.token
            ) as preference
        from asked as a
        inner join
            {{ ref("int_readings__named") }} as n
            on a.reporter_iso3 = n.reporter_iso3
            and a.partner_code = n.partner_code
            and a.trade_kind = n.trade_kind
            and a.reading_id = n.reading_id
        inner join
            quantities as q
            on q.cell_id
            = {{
                cell_id(
                    "a.reporter_iso3",
                    "a.partner_code",
                    "a.trade_kind",
                    "a.definition_id",
                    "a.period_start",
                    "a.period_end",
                )
            }}
            and a.quantity = q.quantity
            and n.reported_by = q.reported_by
            and (q.export_leg_id is null or n.export_leg_id = q.export_leg_id)
            and (q.import_leg_id is null or n.import_leg_id = q.import_leg_id)
            and (a.as_of is null or q.vintage <= a.as_of)

    ),

    readings as (

        select * from {{ ref("readings") }} where not is_page and is_named and period_kind = 'year'

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by cell_id
                order by known_to is not null, policy_rank, known_from desc, figure_id
            ) as preference
        from readings

    ),

    preferred as (select * from ranked where preference = 1),

    -- Between any two readings of a year, the preferred one first, on the day both are known.
    between_readings as (

        select
            'reading: '
            || p.cell_id
            || ' | '
            || p.reading_id
            || ' to '
            || r.reading_id as bridge_id,
            p.cell_id,
            p.reading_id as a_reading_id,
            p.reported_by as a_reported_by,
            p.export_leg_id as a_export_leg_id,
            p.import_leg_id as a_import_leg_id,
            p.balance_usd as a_value_usd,
            p.release_key as a_release_key,
            greatest(p.known_from, r.known_from) as a_token,
            r.reading_id as b_reading_id,
            r.reported_by as b_reported_by,
            r.export_leg_id as b_export_leg_id,
            r.import_leg_id as b_import_leg_id,
            r.balance_usd as b_value_usd,
            r.release_key as b_release_key,
            greatest(p.known_from, r.known_from) as b_token
        from ranked as p
        inner join
            ranked as r
            on p.cell_id = r.cell_id
            and p.reading_id <> r.reading_id
            and p.preference < r.preference
        where p.known_to is null and r.known_to is null

    ),

    -- From the first release of the preferred reading to the last.
    between_releases as (

        select
            'release: '
            || p.cell_id
            || ' | '
            || p.reading_id
            || ' '
            || r.release_key
            || ' to '
            || p.release_key as bridge_id,
            p.cell_id,
            r.reading_id as a_reading_id,
            r.reported_by as a_reported_by,
            r.export_leg_id as a_export_leg_id,
            r.import_leg_id as a_import_leg_id,
            r.balance_usd as a_value_usd,
            r.release_key as a_release_key,
            r.known_from as a_token,
            p.reading_id as b_reading_id,
            p.reported_by as b_reported_by,
            p.export_leg_id as b_export_leg_id,
            p.import_leg_id as b_import_leg_id,
            p.balance_usd as b_value_usd,
            p.release_key as b_release_key,
            p.known_from as b_token
        from preferred as p
        inner join
            readings as r
            on p.cell_id = r.cell_id
            and p.export_leg_id = r.export_leg_id
            and p.import_leg_id = r.import_leg_id
            and p.known_from > r.known_from
            and p.balance_usd <> r.balance_usd
        where p.known_to is null

    ),

    held_pairs as (

        select *
        from between_readings
        union all
        select *
        from between_releases

    ),

    held_ends as (

        select
            h.bridge_id,
            'a' as side,
            h.cell_id,
            h.a_reading_id as reading_id,
            h.a_reported_by as reported_by,
            h.a_export_leg_id as export_leg_id,
            h.a_import_leg_id as import_leg_id,
            h.a_value_usd as value_usd,
            h.a_release_key as release_key,
            cast(h.a_token as varchar) as token
        from held_pairs as h
        union all
        select
            h.bridge_id,
            'b' as side,
            h.cell_id,
            h.b_reading_id as reading_id,
            h.b_reported_by as reported_by,
            h.b_export_leg_id as export_leg_id,
            h.b_import_leg_id as import_leg_id,
            h.b_value_usd as value_usd,
            h.b_release_key as release_key,
            cast(h.b_token as varchar) as token
        from held_pairs as h

    ),

    -- Claims that some reading makes true, as the reading and the printed figure.
    claims as (

        select
            k.claim_id,
            k.reporter_iso3,
            k.partner_code,
            k.trade_kind,
            k.sector,
            k.period,
            k.quantity,
            cast(
                case
                    when k.transform = 'size' then sign(q.value_usd) else k.direction
                end as integer
            ) as direction,
            j.reading_id,
            j.definition_id,
            k.period_start,
            k.period_end,
            j.reported_by,
            j.export_leg_id,
            j.import_leg_id,
            q.token,
            q.vintage,
            j.release_key as judged_release_key,
            q.release_key,
            -- A size is printed without its sign; the reading that makes it true has one.
            cast(
                case when k.transform = 'size' then sign(q.value_usd) else k.direction end
                * k.claimed as decimal(24, 3)
            ) as printed_usd,
            cast(
                greatest(k.high - k.claimed, k.claimed - k.low) as decimal(24, 3)
            ) as printed_half_usd,
            q.value_usd
        from {{ ref("claims") }} as k
        inner join {{ ref("int_claims__judged") }} as j on k.claim_id = j.claim_id
        inner join
            quantities as q
            on j.cell_id = q.cell_id
            and j.quantity = q.quantity
            and j.basis_key = q.basis_key
            and (j.evidence_kind = 'printed') = (q.evidence_kind = 'printed')
            and j.value = cast(
                case
                    when k.transform = 'size' then abs(q.value_usd) else k.direction * q.value_usd
                end as decimal(32, 6)
            )
        where
            k.transform in ('level', 'size')
            and k.currency = 'USD'
            and (j.fit = 'exact' or j.is_within_revision)
            and j.part_claim_id is null

    ),

    -- A bridge that was asked for by a claim starts or ends at the printed figure.
    asked_options as (

        select
            bridge_id,
            side,
            claim_id,
            token,
            release_key,
            release_key as judged_release_key,
            cast(null as date) as vintage
        from asked_found
        where preference = 1
        union all
        select
            r.bridge_id,
            'a' as side,
            c.claim_id,
            c.token,
            c.release_key,
            c.judged_release_key,
            c.vintage
        from requested as r
        inner join claims as c on r.a_claim_id = c.claim_id
        union all
        select
            r.bridge_id,
            'b' as side,
            c.claim_id,
            c.token,
            c.release_key,
            c.judged_release_key,
            c.vintage
        from requested as r
        inner join claims as c on r.b_claim_id = c.claim_id

    ),

    options as (

        select
            a.bridge_id,
            a.claim_id as a_claim_id,
            a.token as a_token,
            a.release_key as a_release_key,
            a.judged_release_key as a_judged_release_key,
            a.vintage as a_vintage,
            b.claim_id as b_claim_id,
            b.token as b_token,
            b.release_key as b_release_key,
            b.judged_release_key as b_judged_release_key,
            b.vintage as b_vintage
        from asked_options as a
        inner join asked_options as b on a.bridge_id = b.bridge_id and b.side = 'b'
        where a.side = 'a' and (a.claim_id is not null or b.claim_id is not null)

        union all

        select
            'claims: ' || a.claim_id || ' to ' || b.claim_id as bridge_id,
            a.claim_id as a_claim_id,
            a.token as a_token,
            a.release_key as a_release_key,
            a.judged_release_key as a_judged_release_key,
            a.vintage as a_vintage,
            b.claim_id as b_claim_id,
            b.token as b_token,
            b.release_key as b_release_key,
            b.judged_release_key as b_judged_release_key,
            b.vintage as b_vintage
        from claims as a
        inner join
            claims as b
            on a.reporter_iso3 = b.reporter_iso3
            and a.partner_code = b.partner_code
            and a.trade_kind = b.trade_kind
            and a.sector = b.sector
            and a.period = b.period
            and a.quantity = b.quantity
            and abs(a.printed_usd) < abs(b.printed_usd)

    ),

    claim_pairs as (

        select bridge_id, a_claim_id, a_token, b_claim_id, b_token
        from options
        -- Both ends on one day where one day knows both: no revision comes between them then.
        qualify
            row_number() over (
                partition by bridge_id
                order by
                    case when a_token = b_token then 1 else 2 end,
                    case when a_release_key = a_judged_release_key then 1 else 2 end,
                    case when b_release_key = b_judged_release_key then 1 else 2 end,
                    a_vintage desc,
                    b_vintage desc,
                    a_token,
                    b_token
            )
            = 1

    ),

    claim_ends as (

        select
            p.bridge_id,
            s.side,
            c.reporter_iso3,
            c.partner_code,
            c.trade_kind,
            c.quantity,
            c.direction,
            c.reading_id,
            c.claim_id,
            c.definition_id,
            c.period_start,
            c.period_end,
            c.reported_by,
            c.export_leg_id,
            c.import_leg_id,
            c.token,
            c.release_key,
            c.value_usd,
            c.printed_usd,
            c.printed_half_usd
        from claim_pairs as p
        cross join (select unnest(['a', 'b']) as side) as s
        inner join
            claims as c
            on c.claim_id = case when s.side = 'a' then p.a_claim_id else p.b_claim_id end
            and c.token = case when s.side = 'a' then p.a_token else p.b_token end

    )

select
    bridge_id,
    side,
    reporter_iso3,
    partner_code,
    trade_kind,
    quantity,
    direction,
    reading_id,
    claim_id,
    definition_id,
    period_start,
    period_end,
    reported_by,
    export_leg_id,
    import_leg_id,
    token,
    release_key,
    value_usd,
    printed_usd,
    printed_half_usd
from asked_found
where preference = 1

union all

select
    h.bridge_id,
    h.side,
    c.reporter_iso3,
    c.partner_code,
    c.trade_kind,
    'balance' as quantity,
    1 as direction,
    h.reading_id,
    cast(null as varchar) as claim_id,
    c.definition_id,
    c.period_start,
    c.period_end,
    h.reported_by,
    h.export_leg_id,
    h.import_leg_id,
    h.token,
    h.release_key,
    h.value_usd,
    cast(null as decimal(24, 3)) as printed_usd,
    cast(0 as decimal(24, 3)) as printed_half_usd
from held_ends as h
inner join {{ ref("int_figures__cells") }} as c on h.cell_id = c.cell_id

union all

select
    bridge_id,
    side,
    reporter_iso3,
    partner_code,
    trade_kind,
    quantity,
    direction,
    reading_id,
    claim_id,
    definition_id,
    period_start,
    period_end,
    reported_by,
    export_leg_id,
    import_leg_id,
    token,
    release_key,
    value_usd,
    printed_usd,
    printed_half_usd
from claim_ends
