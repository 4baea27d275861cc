{{ config(tags=["question", "question_input"], materialized="view") }}

-- The pairs of releases to be compared. A build compares none: a query names two.
select source_id, release_id as a_release_id, release_id as b_release_id
from {{ ref("int_trade__releases_ordered") }}
where false
