-- Publishers and datasets: the kind of evidence and the order of preference.
with
    listed as (select * from {{ ref("source_list") }}),

    counted as (

        select
            source_id,
            count(*) as releases,
            max(known_from) as latest_known_from,
            sum(observations) as observations,
            max(last_period_end) as last_period_end
        from {{ ref("releases") }}
        group by source_id

    )

select
    l.source_id,
    l.publisher,
    l.dataset,
    l.evidence_kind,
    l.source_rank,
    l.rank_reason,
    l.licence,
    l.is_redistributable,
    l.address,
    coalesce(h.releases, 0) as releases,
    h.latest_known_from,
    cast(coalesce(h.observations, 0) as bigint) as observations,
    h.last_period_end
from listed as l
left join counted as h on l.source_id = h.source_id
