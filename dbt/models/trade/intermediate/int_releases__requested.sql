{{ config(tags=["question", "question_input"], materialized="view") }}

-- The pairs of releases that follow one another; a question asks for any other pair.
with
    releases as (

        select
            source_id,
            release_id,
            lead(release_id) over (partition by source_id order by release_order) as next_release_id
        from {{ ref("releases") }}
        where evidence_kind = 'statistic'

    )

select source_id, release_id as a_release_id, next_release_id as b_release_id
from releases
where next_release_id is not null
