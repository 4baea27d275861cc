{{ config(tags=["question"]) }}

-- Every point between the ends of a bridge: each subset of the coordinates that differ, changed.
-- Ten coordinates in the order a bridge walks; a mask says which have been changed.
with
    ends as (select * from {{ ref("int_bridges__ends") }}),

    bridges as (

        select
            a.bridge_id,
            a.reporter_iso3,
            a.partner_code,
            a.trade_kind,
            a.quantity,
            a.definition_id as a_definition_id,
            b.definition_id as b_definition_id,
            a.period_start as a_period_start,
            a.period_end as a_period_end,
            b.period_start as b_period_start,
            b.period_end as b_period_end,
            a.token as a_token,
            b.token as b_token,
            a.reported_by as a_reported_by,
            b.reported_by as b_reported_by,
            a.reported_by = b.reported_by as is_one_compiler,
            string_split(a.export_leg_id, '.') as a_export,
            string_split(a.import_leg_id, '.') as a_import,
            string_split(b.export_leg_id, '.') as b_export,
            string_split(b.import_leg_id, '.') as b_import,
            case
                when a.reported_by = 'reporter' then a.export_leg_id else a.import_leg_id
            end as a_outbound,
            case
                when a.reported_by = 'reporter' then a.import_leg_id else a.export_leg_id
            end as a_inbound,
            case
                when b.reported_by = 'reporter' then b.export_leg_id else b.import_leg_id
            end as b_outbound,
            case
                when b.reported_by = 'reporter' then b.import_leg_id else b.export_leg_id
            end as b_inbound
        from ends as a
        inner join ends as b on a.bridge_id = b.bridge_id and b.side = 'b'
        where a.side = 'a'

    ),

    changes as (

        select
            *,
            case
                when a_period_start <> b_period_start or a_period_end <> b_period_end then 1 else 0
            end
            + case when a_definition_id <> b_definition_id then 2 else 0 end
            + case when a_token <> b_token then 4 else 0 end
            + case when is_one_compiler and a_export[3] <> b_export[3] then 8 else 0 end
            + case when is_one_compiler and a_import[3] <> b_import[3] then 16 else 0 end
            + case
                when
                    is_one_compiler
                    and (
                        coalesce(a_export[4] <> b_export[4], false)
                        or coalesce(a_import[4] <> b_import[4], false)
                    )
                then 32
                else 0
            end
            + case
                when
                    is_one_compiler
                    and (
                        coalesce(a_export[5] <> b_export[5], false)
                        or coalesce(a_import[5] <> b_import[5], false)
                    )
                then 64
                else 0
            end
            + case
                when
                    is_one_compiler
                    and (
                        coalesce(a_export[6] <> b_export[6], false)
                        or coalesce(a_import[6] <> b_import[6], false)
                    )
                then 128
                else 0
            end
            + case when not is_one_compiler and a_outbound is not null then 256 else 0 end
            + case
                when not is_one_compiler and a_inbound is not null then 512 else 0
            end as differing
        from bridges

    ),

    masks as (select unnest(range(0, 1024)) as mask),

    points as (

        select
            c.*,
            m.mask,
            bit_count(m.mask) as changed,
            {{
                cell_id(
                    "c.reporter_iso3",
                    "c.partner_code",
                    "c.trade_kind",
                    "case when m.mask & 2 > 0 then c.b_definition_id else c.a_definition_id end",
                    "case when m.mask & 1 > 0 then c.b_period_start else c.a_period_start end",
                    "case when m.mask & 1 > 0 then c.b_period_end else c.a_period_end end",
                )
            }} as cell_id,
            case when m.mask & 4 > 0 then c.b_token else c.a_token end as token,
            case
                when not c.is_one_compiler
                then case when m.mask & 256 > 0 then c.b_outbound else c.a_outbound end
                when c.a_outbound is null
                then null
                when c.a_reported_by = 'reporter'
                then
                    c.a_export[1]
                    || '.export.'
                    || case when m.mask & 8 > 0 then c.b_export[3] else c.a_export[3] end
                    || '.'
                    || case when m.mask & 32 > 0 then c.b_export[4] else c.a_export[4] end
                    || '.'
                    || case when m.mask & 64 > 0 then c.b_export[5] else c.a_export[5] end
                    || '.'
                    || case when m.mask & 128 > 0 then c.b_export[6] else c.a_export[6] end
                else
                    c.a_import[1]
                    || '.import.'
                    || case when m.mask & 16 > 0 then c.b_import[3] else c.a_import[3] end
                    || '.'
                    || case when m.mask & 32 > 0 then c.b_import[4] else c.a_import[4] end
                    || '.'
                    || case when m.mask & 64 > 0 then c.b_import[5] else c.a_import[5] end
                    || '.'
                    || case when m.mask & 128 > 0 then c.b_import[6] else c.a_import[6] end
            end as outbound_leg_id,
            case
                when not c.is_one_compiler
                then case when m.mask & 512 > 0 then c.b_inbound else c.a_inbound end
                when c.a_inbound is null
                then null
                when c.a_reported_by = 'reporter'
                then
                    c.a_import[1]
                    || '.import.'
                    || case when m.mask & 16 > 0 then c.b_import[3] else c.a_import[3] end
                    || '.'
                    || case when m.mask & 32 > 0 then c.b_import[4] else c.a_import[4] end
                    || '.'
                    || case when m.mask & 64 > 0 then c.b_import[5] else c.a_import[5] end
                    || '.'
                    || case when m.mask & 128 > 0 then c.b_import[6] else c.a_import[6] end
                else
                    c.a_export[1]
                    || '.export.'
                    || case when m.mask & 8 > 0 then c.b_export[3] else c.a_export[3] end
                    || '.'
                    || case when m.mask & 32 > 0 then c.b_export[4] else c.a_export[4] end
                    || '.'
                    || case when m.mask & 64 > 0 then c.b_export[5] else c.a_export[5] end
                    || '.'
                    || case when m.mask & 128 > 0 then c.b_export[6] else c.a_export[6] end
            end as inbound_leg_id
        from changes as c
        inner join masks as m on m.mask & ~ c.differing = 0

    ),

    legs as (

        select cell_id, cast(vintage as varchar) as token, leg_id, value_usd
        from {{ ref("int_figures__legs") }}

    ),

    printed as (

        select
            cell_id,
            token,
            quantity,
            reported_by,
            export_leg_id,
            import_leg_id,
            max(value_usd) as value_usd
        from {{ ref("int_figures__quantities") }}
        where observation_id is not null
        group by cell_id, token, quantity, reported_by, export_leg_id, import_leg_id

    )

select
    p.bridge_id,
    p.mask,
    p.changed,
    p.differing,
    p.quantity,
    p.cell_id,
    p.token,
    p.outbound_leg_id,
    p.inbound_leg_id,
    coalesce(
        w.value_usd,
        cast(
            case
                p.quantity
                when 'exports'
                then o.value_usd
                when 'imports'
                then i.value_usd
                when 'balance'
                then o.value_usd - i.value_usd
                else o.value_usd + i.value_usd
            end as decimal(24, 3)
        )
    ) as value_usd
from points as p
left join legs as o on p.cell_id = o.cell_id and p.token = o.token and p.outbound_leg_id = o.leg_id
left join legs as i on p.cell_id = i.cell_id and p.token = i.token and p.inbound_leg_id = i.leg_id
left join
    printed as w
    on p.cell_id = w.cell_id
    and p.token = w.token
    and p.quantity = w.quantity
    and (p.outbound_leg_id is null or p.outbound_leg_id in (w.export_leg_id, w.import_leg_id))
    and (p.inbound_leg_id is null or p.inbound_leg_id in (w.export_leg_id, w.import_leg_id))
