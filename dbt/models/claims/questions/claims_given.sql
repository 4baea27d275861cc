{{ config(tags=["question", "question_input"]) }}

-- The claims to be judged: the shipped ones in a build, a user's own when a file is checked.
select
    claim_id,
    document_id,
    says,
    trade_kind,
    measure,
    reporter_iso3,
    partner_code,
    sector,
    period,
    base_period,
    reported_value,
    unit,
    rounding,
    hedge,
    attributed_to,
    compared_with,
    release_id,
    snapshot_file,
    snapshot_sha256,
    row_number
from {{ ref("stg_articles__claims") }}
