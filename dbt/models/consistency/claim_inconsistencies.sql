-- Figures of one article that cannot all be true at once, whatever the statistics say.
select
    inconsistency_id,
    document_id,
    claim_ids,
    equation,
    about,
    left_claim_ids,
    left_low,
    left_high,
    right_claim_ids,
    right_low,
    right_high,
    suspect_claim_id,
    repairs
from {{ ref("int_consistency__contradictions") }}
