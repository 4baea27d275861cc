-- Years whose imports have a different valuation from most of a reporter's years, as found in the
-- rows: the finding, its evidence, and its size above the noise.
select
    source_id,
    reporter_iso3,
    flow,
    cast(year as integer) as year,
    found_by,
    valuation,
    level as ln_level,
    usual_level as ln_usual_level,
    standard_error,
    years_usual,
    partners,
    flows,
    release_id as latest_release_id
from {{ ref("int_breaks__found") }}
