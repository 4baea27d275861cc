{{ config(materialized="ephemeral") }}

-- The value of each series as known on a date, with the release that gave it by then.
with
    known as (

        select v.*, r.known_from > {{ as_of_day() }} as is_said_again_later
        from {{ ref("int_figures__values") }} as v
        inner join {{ ref("int_trade__releases_ordered") }} as r on v.release_no = r.release_no
        where
            v.valid_from <= {{ as_of_day() }}
            and (v.valid_to is null or v.valid_to > {{ as_of_day() }})

    ),

    earlier as (

        select k.value_id, max(f.release_no) as release_no
        from known as k
        inner join
            {{ ref("int_figures__value_figures") }} as f
            on k.value_id = f.value_id
            and f.known_from <= {{ as_of_day() }}
        where k.is_said_again_later
        group by k.value_id

    )

select
    k.value_id,
    k.cell_id,
    k.series_id,
    k.reported_by,
    k.direction,
    k.members,
    k.members_found,
    k.value_usd,
    k.rounding_margin_usd,
    k.valid_from,
    r.release_no,
    r.release_key,
    r.known_from
from known as k
left join earlier as e on k.value_id = e.value_id
inner join
    {{ ref("int_trade__releases_ordered") }} as r
    on coalesce(e.release_no, k.release_no) = r.release_no
