{{ config(tags=["question", "question_input"]) }}

-- The articles with the claims, and their publication dates.
select document_id, publisher, title_in_short, published_on
from {{ ref("stg_articles__documents") }}
