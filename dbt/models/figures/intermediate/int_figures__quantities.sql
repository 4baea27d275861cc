{{ config(tags=["question"]) }}

-- Every figure that can be had for a cell: from the rows known on a day, and as printed.
with
    cells as (select * from {{ ref("int_figures__cells") }}),

    scales as (

        select reporter_iso3, partner_code, leg_id, product_system, revision_share
        from {{ ref("int_revisions__scales_measured") }}

    ),

    systems as (

        select distinct definition_id, product_system from {{ ref("int_sectors__members_listed") }}

    ),

    legs as (

        select
            l.*,
            cast(l.value_usd * coalesce(s.revision_share, 0) as decimal(24, 3)) as revision_usd,
            split_part(l.leg_id, '.', 5) as account_basis,
            split_part(l.leg_id, '.', 6) as seasonal_adjustment
        from {{ ref("int_figures__legs") }} as l
        inner join cells as c on l.cell_id = c.cell_id
        left join systems as y on c.definition_id = y.definition_id
        left join
            scales as s
            on l.leg_id = s.leg_id
            and y.product_system = s.product_system
            and s.reporter_iso3
            = case when l.reported_by = 'reporter' then c.reporter_iso3 else c.partner_code end
            and s.partner_code
            = case when l.reported_by = 'reporter' then c.partner_code else c.reporter_iso3 end

    ),

    pairs as (

        select
            o.cell_id,
            o.vintage,
            o.reported_by,
            case when o.reported_by = 'reporter' then o.leg_id else i.leg_id end as export_leg_id,
            case when o.reported_by = 'reporter' then i.leg_id else o.leg_id end as import_leg_id,
            o.value_usd as exports_usd,
            i.value_usd as imports_usd,
            o.half_width_usd + i.half_width_usd as half_width_usd,
            o.revision_usd + i.revision_usd as revision_usd,
            case
                when o.evidence_kind = i.evidence_kind then o.evidence_kind else 'mixed'
            end as evidence_kind,
            case
                when o.release_key = i.release_key
                then o.release_key
                else
                    least(o.release_key, i.release_key)
                    || ' + '
                    || greatest(o.release_key, i.release_key)
            end as release_key,
            greatest(o.known_from, i.known_from) as known_from,
            least(o.known_to, i.known_to) as known_to,
            greatest(o.known_from_earliest, i.known_from_earliest) as known_from_earliest
        from legs as o
        inner join
            legs as i
            on o.cell_id = i.cell_id
            and o.vintage = i.vintage
            and o.reported_by = i.reported_by
            and o.account_basis = i.account_basis
            and o.seasonal_adjustment = i.seasonal_adjustment
        where
            o.direction = 'outbound'
            and i.direction = 'inbound'
            -- Re-exports are a part of exports: with imports they make no reading.
            and split_part(o.leg_id, '.', 3) <> 're_export'
            and split_part(i.leg_id, '.', 3) <> 're_export'

    ),

    printed as (

        select
            c.cell_id,
            o.known_from as vintage,
            case
                when o.reporter_iso3 = c.reporter_iso3 then 'reporter' else 'partner'
            end as reported_by,
            o.export_leg_id,
            o.import_leg_id,
            o.flow,
            o.value_usd,
            o.half_width_usd,
            o.evidence_kind,
            o.source_id || ' ' || o.release_id as release_key,
            o.known_from,
            o.known_from_earliest,
            o.observation_id
        from cells as c
        inner join
            {{ ref("observations") }} as o
            on o.evidence_kind = 'printed'
            and o.measure = 'trade_value'
            and c.trade_kind = o.trade_kind
            and c.definition_id = o.product_system || ':' || o.product_code
            and c.period_start = o.period_start
            and c.period_end = o.period_end
            and (
                (c.reporter_iso3 = o.reporter_iso3 and c.partner_code = o.partner_code)
                or (c.reporter_iso3 = o.partner_code and c.partner_code = o.reporter_iso3)
            )
        where o.known_from <= {{ as_of_day() }}

    ),

    quantities as (

        select
            cell_id,
            cast(vintage as varchar) as token,
            vintage,
            case when direction = 'outbound' then 'exports' else 'imports' end as quantity,
            reported_by,
            case when flow = 'export' then leg_id end as export_leg_id,
            case when flow = 'import' then leg_id end as import_leg_id,
            value_usd,
            half_width_usd,
            revision_usd,
            evidence_kind,
            release_key,
            known_from,
            known_to,
            known_from_earliest,
            cast(null as varchar) as observation_id
        from legs

        union all

        select
            cell_id,
            cast(vintage as varchar) as token,
            vintage,
            'balance' as quantity,
            reported_by,
            export_leg_id,
            import_leg_id,
            exports_usd - imports_usd as value_usd,
            half_width_usd,
            revision_usd,
            evidence_kind,
            release_key,
            known_from,
            known_to,
            known_from_earliest,
            cast(null as varchar) as observation_id
        from pairs

        union all

        select
            cell_id,
            cast(vintage as varchar) as token,
            vintage,
            'two_way' as quantity,
            reported_by,
            export_leg_id,
            import_leg_id,
            exports_usd + imports_usd as value_usd,
            half_width_usd,
            revision_usd,
            evidence_kind,
            release_key,
            known_from,
            known_to,
            known_from_earliest,
            cast(null as varchar) as observation_id
        from pairs

        union all

        select
            cell_id,
            release_key as token,
            vintage,
            case
                when flow = 'two_way' or flow = 'balance'
                then flow
                when (flow = 'export') = (reported_by = 'reporter')
                then 'exports'
                else 'imports'
            end as quantity,
            reported_by,
            export_leg_id,
            import_leg_id,
            case
                when flow = 'balance' and reported_by = 'partner' then - value_usd else value_usd
            end as value_usd,
            half_width_usd,
            cast(0 as decimal(24, 3)) as revision_usd,
            evidence_kind,
            release_key,
            known_from,
            cast(null as date) as known_to,
            known_from_earliest,
            observation_id
        from printed

    )

select
    cell_id,
    token,
    vintage,
    quantity,
    reported_by,
    export_leg_id,
    import_leg_id,
    -- The series a figure is made of: what two figures must share to be the same figure.
    coalesce(export_leg_id, '')
    || case when export_leg_id is not null and import_leg_id is not null then ' + ' else '' end
    || coalesce(import_leg_id, '') as basis_key,
    cast(value_usd as decimal(24, 3)) as value_usd,
    cast(half_width_usd as decimal(24, 3)) as half_width_usd,
    cast(revision_usd as decimal(24, 3)) as revision_usd,
    evidence_kind,
    release_key,
    known_from,
    known_to,
    known_from_earliest,
    observation_id
from quantities
