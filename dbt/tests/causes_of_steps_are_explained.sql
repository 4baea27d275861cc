with
    named as (

        select distinct unnest(string_split(cause_code, ' + ')) as cause_code
        from {{ ref("bridge_steps") }}

    )

select n.cause_code
from named as n
left join {{ ref("cause_codes") }} as c on n.cause_code = c.cause_code
where c.cause_code is null
