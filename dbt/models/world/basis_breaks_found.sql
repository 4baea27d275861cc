-- Years in which a reporter's imports stand on another valuation than in most of its years, as rows
-- show: what was found, by which evidence, and how far it lies above its noise.
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
