{{ config(tags=["question"]) }}

-- The walk in the standard order. A point without rows is passed over, so that the step before
-- it and the step after it become one step with both names.
with
    states as (

        select *, differing - mask as unchanged
        from {{ ref("int_bridges__states") }}
        where value_usd is not null

    ),

    -- On the standard way every changed coordinate comes before every unchanged one.
    on_the_way as (select * from states where unchanged = 0 or mask < (unchanged & - unchanged)),

    walked as (

        select
            *,
            lag(mask) over (partition by bridge_id order by mask) as before_mask,
            lag(value_usd) over (partition by bridge_id order by mask) as before_usd,
            lag(cell_id) over (partition by bridge_id order by mask) as before_cell_id,
            lag(token) over (partition by bridge_id order by mask) as before_token,
            lag(outbound_leg_id) over (
                partition by bridge_id order by mask
            ) as before_outbound_leg_id,
            lag(inbound_leg_id) over (partition by bridge_id order by mask) as before_inbound_leg_id
        from on_the_way

    ),

    steps as (select *, mask - before_mask as step_mask from walked where before_mask is not null),

    coordinates as (

        select bit, code
        from
            (
                values
                    (1, 'PERIOD_DEFINITION'),
                    (2, 'SECTOR_DEFINITION'),
                    (4, 'RELEASE'),
                    (8, 'REEXPORT'),
                    (16, 'GENERAL_VS_CONSUMPTION'),
                    (32, 'VALUATION'),
                    (64, 'BOP_ADJUSTMENT'),
                    (128, 'SEASONAL'),
                    (256, 'MIRROR_WEST'),
                    (512, 'MIRROR_EAST')
            ) as t(bit, code)

    ),

    import_sides as (

        select
            *,
            case
                when outbound_leg_id like '%.import.%' then outbound_leg_id else inbound_leg_id
            end as import_leg_id,
            case
                when before_outbound_leg_id like '%.import.%'
                then before_outbound_leg_id
                else before_inbound_leg_id
            end as before_import_leg_id
        from steps

    ),

    named as (

        select
            s.bridge_id,
            s.mask,
            string_agg(
                case
                    when
                        c.code = 'VALUATION'
                        and list_sort(
                            [
                                split_part(s.import_leg_id, '.', 4),
                                split_part(s.before_import_leg_id, '.', 4)
                            ]
                        )
                        = ['cif', 'customs']
                    then 'CIF'
                    else c.code
                end,
                ' + '
                order by c.bit
            ) as cause_code
        from import_sides as s
        inner join coordinates as c on s.step_mask & c.bit > 0
        group by s.bridge_id, s.mask

    ),

    -- Every other order that the rows allow passes this coordinate at another point.
    edges as (

        select
            f.bridge_id,
            t.mask - f.mask as step_mask,
            min(t.value_usd - f.value_usd) as amount_min_usd,
            max(t.value_usd - f.value_usd) as amount_max_usd
        from states as f
        inner join
            states as t
            on f.bridge_id = t.bridge_id
            and t.changed = f.changed + 1
            and f.mask & ~ t.mask = 0
        group by f.bridge_id, t.mask - f.mask

    )

select
    s.bridge_id,
    row_number() over (partition by s.bridge_id order by s.mask) as step_order,
    n.cause_code,
    cast(s.value_usd - s.before_usd as decimal(24, 3)) as amount_usd,
    cast(
        coalesce(e.amount_min_usd, s.value_usd - s.before_usd) as decimal(24, 3)
    ) as amount_min_usd,
    cast(
        coalesce(e.amount_max_usd, s.value_usd - s.before_usd) as decimal(24, 3)
    ) as amount_max_usd,
    s.before_usd,
    s.value_usd as after_usd,
    s.before_cell_id,
    s.cell_id as after_cell_id,
    s.before_token,
    s.token as after_token,
    s.before_outbound_leg_id,
    s.before_inbound_leg_id,
    s.outbound_leg_id as after_outbound_leg_id,
    s.inbound_leg_id as after_inbound_leg_id,
    s.quantity
from steps as s
inner join named as n on s.bridge_id = n.bridge_id and s.mask = n.mask
left join edges as e on s.bridge_id = e.bridge_id and s.step_mask = e.step_mask
