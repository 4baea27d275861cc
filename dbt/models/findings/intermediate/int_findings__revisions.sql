-- A figure that a later release changed. The rule's tolerance says from which factor on.
select
    'revised_strongly' as rule,
    observation_id as figure_id,
    previous_observation_id as compared_figure_id,
    value_usd as found_usd,
    previous_value_usd as expected_usd,
    cast(0 as decimal(24, 3)) as rounding_margin_usd
from {{ ref("revisions") }}
where measure = 'trade_value'
