-- Exports and imports by definition of a sector, each with its share of all products.
with
    held as (

        select
            *,
            row_number() over (
                partition by trade_kind, definition_id, quantity order by leg_id
            ) as place
        from marts.trade_by_sector_year
        where reporter_iso3 = {{ reporter }} and partner_code = {{ partner }} and year = {{ year }}

    ),

    paired as (

        select
            coalesce(e.trade_kind, i.trade_kind) as trade_kind,
            coalesce(e.sector_id, i.sector_id) as sector_id,
            coalesce(e.definition_id, i.definition_id) as definition_id,
            coalesce(e.partition_name, i.partition_name) as partition_name,
            e.value_usd as exports_usd,
            e.share_of_total as exports_share,
            i.value_usd as imports_usd,
            i.share_of_total as imports_share,
            coalesce(e.place, i.place) as place,
            e.leg_id as export_leg_id,
            i.leg_id as import_leg_id,
            e.release_key as export_release_key,
            i.release_key as import_release_key,
            coalesce(e.is_remainder, i.is_remainder) as is_remainder
        from (select * from held where quantity = 'exports') as e
        full outer join
            (select * from held where quantity = 'imports') as i
            on e.trade_kind = i.trade_kind
            and e.definition_id = i.definition_id
            and e.place = i.place

    )

select
    p.sector_id,
    coalesce(s.sector_name, p.definition_id) as sector,
    coalesce(s.definition_name, 'what its definitions leave of the total') as definition,
    p.exports_usd,
    p.exports_share,
    p.imports_usd,
    p.imports_share,
    p.definition_id,
    p.partition_name,
    p.export_leg_id,
    p.import_leg_id,
    p.export_release_key,
    p.import_release_key,
    p.trade_kind
from paired as p
left join marts.sectors as s on p.definition_id = s.definition_id
order by
    p.trade_kind,
    p.partition_name nulls first,
    p.is_remainder,
    coalesce(p.exports_usd, 0) + coalesce(p.imports_usd, 0) desc,
    p.definition_id,
    p.place
