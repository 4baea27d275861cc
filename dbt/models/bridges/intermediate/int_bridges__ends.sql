{{ config(tags=["question"]) }}

-- Both ends of every bridge with their dimensions.
with
    requested as (select * from {{ ref("bridges_requested") }}),

    cells as (select * from {{ ref("int_figures__cells") }}),

    named as (select * from {{ ref("bases") }}),

    releases as (select * from {{ ref("int_trade__releases_ordered") }}),

    measures as (select * from {{ ref("int_figures__measures") }}),

    sides as (

        select
            bridge_id,
            'a' as side,
            reporter_iso3,
            partner_code,
            trade_kind,
            quantity,
            direction,
            a_basis_id as basis_id,
            a_as_of as as_of,
            a_product_group as product_group,
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
            b_basis_id as basis_id,
            b_as_of as as_of,
            b_product_group as product_group,
            b_period_start as period_start,
            b_period_end as period_end
        from requested
        where b_claim_id is null

    ),

    -- The days on which a figure of a pair became known: nothing changes between two of them.
    news as (

        select distinct c.reporter_id, c.partner_id, f.known_from as vintage_date
        from
            (
                select distinct c.reporter_id, c.partner_id
                from cells as c
                inner join
                    sides as s
                    on c.reporter_iso3 = s.reporter_iso3
                    and c.partner_code = s.partner_code
            ) as c
        inner join
            (
                select s.compiler_id, f.partner_id, f.known_from
                from {{ ref("int_trade__observations") }} as f
                inner join
                    {{ ref("int_trade__series_listed") }} as s
                    on coalesce(f.export_series_id, f.import_series_id) = s.series_id
                union
                select s.compiler_id, f.partner_id, f.known_to as known_from
                from {{ ref("int_trade__observations") }} as f
                inner join
                    {{ ref("int_trade__series_listed") }} as s
                    on coalesce(f.export_series_id, f.import_series_id) = s.series_id
                where f.known_to is not null
            ) as f
            on (c.reporter_id = f.compiler_id and c.partner_id = f.partner_id)
            or (c.reporter_id = f.partner_id and c.partner_id = f.compiler_id)
        where f.known_from <= {{ as_of_day() }}

    ),

    -- A basis by name: its figure on the requested day, or the latest.
    by_name as (

        select
            s.bridge_id,
            s.side,
            c.cell_id,
            s.quantity,
            cast(coalesce(s.direction, sign(q.value_usd)) as integer) as direction,
            s.basis_id,
            cast(null as varchar) as claim_id,
            q.reported_by,
            n.export_series_id,
            n.import_series_id,
            q.export_series_id as measured_export_series_id,
            q.import_series_id as measured_import_series_id,
            c.reporter_id,
            c.partner_id,
            q.page_release_no,
            least(
                coalesce(q.valid_to - 1, {{ as_of_day() }}),
                coalesce(s.as_of, {{ as_of_day() }}),
                {{ as_of_day() }}
            ) as last_day,
            q.exports_release_no,
            q.imports_release_no,
            q.exports_value_id,
            q.imports_value_id,
            q.value_usd,
            row_number() over (
                partition by s.bridge_id, s.side
                order by
                    q.page_release_no is not null,
                    q.valid_from desc,
                    q.export_series_code,
                    q.import_series_code,
                    q.page_release_no
            ) as preference
        from sides as s
        inner join
            named as n
            on s.reporter_iso3 = n.reporter_iso3
            and s.partner_code = n.partner_code
            and s.trade_kind = n.trade_kind
            and s.basis_id = n.basis_id
        inner join
            cells as c
            on s.reporter_iso3 = c.reporter_iso3
            and s.partner_code = c.partner_code
            and s.trade_kind = c.trade_kind
            and s.product_group = c.product_group
            and s.period_start = c.period_start
            and s.period_end = c.period_end
        inner join
            measures as q
            on c.cell_id = q.cell_id
            and s.quantity = q.quantity
            and n.reported_by = q.reported_by
            and (q.export_series_id is null or n.export_series_id = q.export_series_id)
            and (q.import_series_id is null or n.import_series_id = q.import_series_id)
            and (s.as_of is null or q.valid_from <= s.as_of)

    ),

    found as (

        select
            b.bridge_id,
            b.side,
            b.cell_id,
            b.quantity,
            b.direction,
            b.basis_id,
            b.claim_id,
            b.reported_by,
            b.measured_export_series_id as export_series_id,
            b.measured_import_series_id as import_series_id,
            b.page_release_no,
            case when b.page_release_no is null then max(n.vintage_date) end as vintage_date,
            b.exports_release_no,
            b.imports_release_no,
            b.exports_value_id,
            b.imports_value_id,
            b.value_usd
        from by_name as b
        left join
            news as n
            on b.reporter_id = n.reporter_id
            and b.partner_id = n.partner_id
            and n.vintage_date <= b.last_day
        where b.preference = 1
        group by
            b.bridge_id,
            b.side,
            b.cell_id,
            b.quantity,
            b.direction,
            b.basis_id,
            b.claim_id,
            b.reported_by,
            b.measured_export_series_id,
            b.measured_import_series_id,
            b.page_release_no,
            b.exports_release_no,
            b.imports_release_no,
            b.exports_value_id,
            b.imports_value_id,
            b.value_usd

    ),

    -- The named balances of every year.
    balances as (

        select
            b.*,
            c.cell_key,
            n.basis_id,
            n.policy_rank,
            {{ release_keys("x.release_key", "m.release_key") }} as release_key
        from {{ ref("int_figures__balances") }} as b
        inner join cells as c on b.cell_id = c.cell_id
        inner join
            named as n
            on c.reporter_id = n.reporter_id
            and c.partner_id = n.partner_id
            and c.trade_kind = n.trade_kind
            and b.reported_by = n.reported_by
            and b.export_series_id = n.export_series_id
            and b.import_series_id = n.import_series_id
        inner join releases as x on b.exports_release_no = x.release_no
        inner join releases as m on b.imports_release_no = m.release_no
        where not b.is_page and n.is_named and c.period_kind = 'year'

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by cell_id
                order by valid_to is not null, policy_rank, valid_from desc, basis_id, release_key
            ) as preference
        from balances

    ),

    -- Between any two bases of a year, the preferred one first, as of the day both are known; and
    -- from each earlier release of the preferred one to the latest.
    available as (

        select
            'basis: ' || a.cell_key || ' | ' || a.basis_id || ' to ' || b.basis_id as bridge_id,
            a.balance_id as a_balance_id,
            b.balance_id as b_balance_id,
            {{ as_of_day() }} as a_vintage_date,
            {{ as_of_day() }} as b_vintage_date
        from ranked as a
        inner join
            ranked as b
            on a.cell_id = b.cell_id
            and a.basis_id <> b.basis_id
            and a.preference < b.preference
        where a.valid_to is null and b.valid_to is null

        union all

        select
            'release: '
            || b.cell_key
            || ' | '
            || b.basis_id
            || ' '
            || a.release_key
            || ' to '
            || b.release_key as bridge_id,
            a.balance_id as a_balance_id,
            b.balance_id as b_balance_id,
            a.valid_to - 1 as a_vintage_date,
            {{ as_of_day() }} as b_vintage_date
        from ranked as b
        inner join
            balances as a
            on b.cell_id = a.cell_id
            and b.export_series_id = a.export_series_id
            and b.import_series_id = a.import_series_id
            and b.valid_from > a.valid_from
            and b.balance_usd <> a.balance_usd
        where b.preference = 1 and b.valid_to is null

    ),

    available_ends as (

        select v.bridge_id, 'a' as side, v.a_vintage_date as vintage_date, b.*
        from available as v
        inner join balances as b on v.a_balance_id = b.balance_id
        union all
        select v.bridge_id, 'b' as side, v.b_vintage_date as vintage_date, b.*
        from available as v
        inner join balances as b on v.b_balance_id = b.balance_id

    ),

    -- Claims that a basis confirms, as the basis and the quoted figure.
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
            j.basis_id,
            c.cell_id,
            q.reported_by,
            q.export_series_id,
            q.import_series_id,
            q.page_release_no,
            q.valid_from,
            q.valid_to,
            q.exports_release_no,
            q.imports_release_no,
            q.exports_value_id,
            q.imports_value_id,
            -- A size is quoted without its sign; the basis that confirms it has one.
            cast(
                case when k.transform = 'size' then sign(q.value_usd) else k.direction end
                * k.claimed as decimal(24, 3)
            ) as quoted_usd,
            cast(
                greatest(k.high - k.claimed, k.claimed - k.low) as decimal(24, 3)
            ) as quoted_margin_usd,
            q.value_usd,
            case
                when d.known_at_publication in ('known', 'unknown')
                then d.vintage_date
                else d.known_from
            end as judged_on,
            q.valid_from <= j.known_from
            and (q.valid_to is null or q.valid_to > j.known_from) as is_the_judged
        from {{ ref("claims") }} as k
        inner join {{ ref("int_claims__best_candidates") }} as j on k.claim_id = j.claim_id
        inner join {{ ref("claim_candidates") }} as d on j.candidate_id = d.candidate_id
        inner join cells as c on j.cell_id = c.cell_key
        inner join
            measures as q
            on c.cell_id = q.cell_id
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

    -- A bridge requested by a claim starts or ends at the quoted figure.
    options as (

        select
            bridge_id,
            side,
            claim_id,
            cast(null as integer) as page_release_no,
            vintage_date as valid_from,
            vintage_date + 1 as valid_to,
            vintage_date as judged_on,
            true as is_the_judged
        from found
        union all
        select
            r.bridge_id,
            s.side,
            c.claim_id,
            c.page_release_no,
            c.valid_from,
            c.valid_to,
            c.judged_on,
            c.is_the_judged
        from requested as r
        cross join
            (
                select 'a' as side
                union all
                select 'b' as side
            ) as s
        inner join
            claims as c
            on c.claim_id = case when s.side = 'a' then r.a_claim_id else r.b_claim_id end

    ),

    paired as (

        select
            a.bridge_id,
            a.claim_id as a_claim_id,
            a.page_release_no as a_page_release_no,
            a.valid_from as a_valid_from,
            a.valid_to as a_valid_to,
            a.judged_on as a_judged_on,
            a.is_the_judged as a_is_the_judged,
            b.claim_id as b_claim_id,
            b.page_release_no as b_page_release_no,
            b.valid_from as b_valid_from,
            b.valid_to as b_valid_to,
            b.judged_on as b_judged_on,
            b.is_the_judged as b_is_the_judged
        from options as a
        inner join options as b on a.bridge_id = b.bridge_id and b.side = 'b'
        where a.side = 'a' and (a.claim_id is not null or b.claim_id is not null)

        union all

        select
            'claims: ' || a.claim_id || ' to ' || b.claim_id as bridge_id,
            a.claim_id as a_claim_id,
            a.page_release_no as a_page_release_no,
            a.valid_from as a_valid_from,
            a.valid_to as a_valid_to,
            a.judged_on as a_judged_on,
            a.is_the_judged as a_is_the_judged,
            b.claim_id as b_claim_id,
            b.page_release_no as b_page_release_no,
            b.valid_from as b_valid_from,
            b.valid_to as b_valid_to,
            b.judged_on as b_judged_on,
            b.is_the_judged as b_is_the_judged
        from claims as a
        inner join
            claims as b
            on a.reporter_iso3 = b.reporter_iso3
            and a.partner_code = b.partner_code
            and a.trade_kind = b.trade_kind
            and a.sector = b.sector
            and a.period = b.period
            and a.quantity = b.quantity
            and abs(a.quoted_usd) < abs(b.quoted_usd)

    ),

    dated as (

        select
            *,
            case
                when a_page_release_no is not null or b_page_release_no is not null
                then a_page_release_no is not distinct from b_page_release_no
                else
                    (b_valid_to is null or a_valid_from < b_valid_to)
                    and (a_valid_to is null or b_valid_from < a_valid_to)
            end as is_one_day,
            -- The first day on which both are known and published.
            least(
                greatest(a_valid_from, b_valid_from, a_judged_on, b_judged_on),
                coalesce(a_valid_to - 1, {{ as_of_day() }}),
                coalesce(b_valid_to - 1, {{ as_of_day() }})
            ) as common_day
        from paired

    ),

    -- Both ends on one day where possible: then no revision is part of the difference.
    chosen as (

        select
            *,
            row_number() over (
                partition by bridge_id
                order by
                    case when is_one_day then 1 else 2 end,
                    case when a_is_the_judged then 1 else 2 end,
                    case when b_is_the_judged then 1 else 2 end,
                    a_valid_from desc,
                    b_valid_from desc,
                    a_page_release_no,
                    b_page_release_no
            ) as preference
        from dated

    ),

    claim_ends as (

        select
            p.bridge_id,
            s.side,
            c.*,
            case
                when c.page_release_no is not null
                then null
                when p.is_one_day
                then p.common_day
                else coalesce(c.valid_to - 1, {{ as_of_day() }})
            end as vintage_date
        from chosen as p
        cross join
            (
                select 'a' as side
                union all
                select 'b' as side
            ) as s
        inner join
            claims as c
            on c.claim_id = case when s.side = 'a' then p.a_claim_id else p.b_claim_id end
            and c.valid_from = case when s.side = 'a' then p.a_valid_from else p.b_valid_from end
            and c.page_release_no is not distinct from case
                when s.side = 'a' then p.a_page_release_no else p.b_page_release_no
            end
        where p.preference = 1

    ),

    -- The releases that were current on the day of a requested end.
    dated_values as (

        select bridge_id, side, exports_value_id as value_id, vintage_date
        from found
        union all
        select bridge_id, side, imports_value_id as value_id, vintage_date
        from found
        union all
        select bridge_id, side, exports_value_id as value_id, vintage_date
        from claim_ends
        union all
        select bridge_id, side, imports_value_id as value_id, vintage_date
        from claim_ends

    ),

    dated_releases as (

        select d.bridge_id, d.side, d.value_id, max(f.release_no) as release_no
        from dated_values as d
        inner join {{ ref("int_figures__value_figures") }} as f on d.value_id = f.value_id
        where f.known_from <= d.vintage_date
        group by d.bridge_id, d.side, d.value_id

    ),

    together as (

        select
            bridge_id,
            side,
            cell_id,
            quantity,
            direction,
            basis_id,
            claim_id,
            reported_by,
            export_series_id,
            import_series_id,
            vintage_date,
            page_release_no,
            exports_release_no,
            imports_release_no,
            exports_value_id,
            imports_value_id,
            value_usd,
            cast(null as decimal(24, 3)) as quoted_usd,
            cast(0 as decimal(24, 3)) as quoted_margin_usd
        from found

        union all

        select
            bridge_id,
            side,
            cell_id,
            'balance' as quantity,
            1 as direction,
            basis_id,
            cast(null as varchar) as claim_id,
            reported_by,
            export_series_id,
            import_series_id,
            vintage_date,
            cast(null as integer) as page_release_no,
            exports_release_no,
            imports_release_no,
            exports_value_id,
            imports_value_id,
            balance_usd as value_usd,
            cast(null as decimal(24, 3)) as quoted_usd,
            cast(0 as decimal(24, 3)) as quoted_margin_usd
        from available_ends

        union all

        select
            bridge_id,
            side,
            cell_id,
            quantity,
            direction,
            basis_id,
            claim_id,
            reported_by,
            export_series_id,
            import_series_id,
            vintage_date,
            page_release_no,
            exports_release_no,
            imports_release_no,
            exports_value_id,
            imports_value_id,
            value_usd,
            quoted_usd,
            quoted_margin_usd
        from claim_ends

    )

select
    t.bridge_id,
    t.side,
    t.cell_id,
    c.reporter_iso3,
    c.partner_code,
    c.trade_kind,
    c.product_group,
    c.period_start,
    c.period_end,
    t.quantity,
    t.direction,
    t.basis_id,
    t.claim_id,
    t.reported_by,
    t.export_series_id,
    t.import_series_id,
    t.vintage_date,
    t.page_release_no,
    t.exports_value_id,
    t.imports_value_id,
    {{ basis_key("x.series_code", "m.series_code") }} as basis_key,
    {{ release_keys("xr.release_key", "mr.release_key") }} as release_key,
    t.value_usd,
    t.quoted_usd,
    t.quoted_margin_usd
from together as t
inner join cells as c on t.cell_id = c.cell_id
left join
    dated_releases as xd
    on t.bridge_id = xd.bridge_id
    and t.side = xd.side
    and t.exports_value_id = xd.value_id
left join
    dated_releases as md
    on t.bridge_id = md.bridge_id
    and t.side = md.side
    and t.imports_value_id = md.value_id
inner join
    releases as xr
    on coalesce(
        xd.release_no,
        case when t.exports_value_id is null then md.release_no end,
        t.exports_release_no
    )
    = xr.release_no
inner join
    releases as mr
    on coalesce(
        md.release_no,
        case when t.imports_value_id is null then xd.release_no end,
        t.imports_release_no
    )
    = mr.release_no
left join {{ ref("int_trade__series_listed") }} as x on t.export_series_id = x.series_id
left join {{ ref("int_trade__series_listed") }} as m on t.import_series_id = m.series_id
