-- The last year of each set of definitions that counts every product once, with what it leaves.
with
    figures as (

        select *
        from marts.trade_by_sector_year
        where
            reporter_iso3 = {{ reporter }}
            and partner_code = {{ partner }}
            and partition_name is not null

    ),

    -- The last year of which as many series are held as of any.
    years as (

        select partition_name, trade_kind, year
        from figures
        group by partition_name, trade_kind, year
        qualify
            row_number() over (
                partition by partition_name, trade_kind
                order by count(distinct leg_id) desc, year desc
            )
            = 1

    )

select
    f.partition_name,
    f.trade_kind,
    f.year,
    f.sector_id,
    if(f.is_remainder, 'What the sections leave of the total', s.sector_name) as sector_name,
    f.definition_id,
    f.quantity,
    f.leg_id,
    f.value_usd,
    f.share_of_total as share,
    f.is_remainder,
    f.release_key,
    f.total_release_key
from figures as f
inner join
    years as y
    on f.partition_name = y.partition_name
    and f.trade_kind = y.trade_kind
    and f.year = y.year
left join marts.sectors as s on f.definition_id = s.definition_id
order by
    f.partition_name,
    f.trade_kind,
    f.is_remainder,
    max(abs(f.value_usd)) over (partition by f.partition_name, f.trade_kind, f.definition_id) desc,
    f.definition_id,
    f.quantity,
    f.leg_id
