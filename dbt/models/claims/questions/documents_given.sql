{{ config(tags=["question", "question_input"]) }}

-- The documents the claims stand in, with the day they were printed.
select document_id, publisher, title_in_short, published_on
from {{ ref("stg_articles__documents") }}
