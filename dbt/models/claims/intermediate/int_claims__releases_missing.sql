{{ config(tags=["question"]) }}

-- The release that was current when the text was published, where the available ones all came out
-- later and give a figure as near as a revision could leave it: that release would decide the
-- claim.
with
    claims as (select * from {{ ref("claims") }} where published_on is not null and is_exact),

    -- How far the flows of any series have been revised, for a series that has no second release.
    widest as (

        select
            max(s.share_p90) filter (where l.flow = 'export') as exports,
            max(s.share_p90) filter (where l.flow = 'import') as imports
        from {{ ref("int_trade__revision_sizes") }} as s
        inner join {{ ref("int_trade__series_listed") }} as l on s.series_id = l.series_id
        where s.product_system = 'total'

    ),

    nearest as (

        select j.*, k.published_on
        from {{ ref("int_claims__best_candidates") }} as j
        inner join claims as k on j.claim_id = k.claim_id
        inner join {{ ref("claim_candidates") }} as c on j.candidate_id = c.candidate_id
        left join {{ ref("int_figures__values") }} as e on c.exports_value_id = e.value_id
        left join {{ ref("int_figures__values") }} as m on c.imports_value_id = m.value_id
        cross join widest as w
        where
            j.fit = 'none'
            and not j.is_within_revision
            and j.evidence_kind = 'statistic'
            and j.distance <= greatest(
                j.revision,
                case
                    when j.revision = 0
                    then {{ var("farthest_unmeasured_revision") }}
                    else {{ var("farthest_revision") }}
                end
                * abs(j.value),
                -- A balance moves with its flows, which may be many times as large.
                case
                    when j.revision = 0 and j.quantity = 'balance'
                    then
                        sqrt(
                            pow(coalesce(w.exports, 0) * e.value_usd, 2)
                            + pow(coalesce(w.imports, 0) * m.value_usd, 2)
                        )
                    else 0
                end
            )

    ),

    -- All available vintages of the same figure.
    vintages as (

        select
            n.claim_id,
            min(c.known_from) as first_known_from,
            count(*) filter (where c.known_at_publication = 'known') as vintages_known
        from nearest as n
        inner join
            {{ ref("claim_candidates") }} as c
            on n.claim_id = c.claim_id
            and n.hypothesis = c.hypothesis
            and n.basis_key = c.basis_key
            and n.product_group = c.product_group
            and c.evidence_kind = 'statistic'
        group by n.claim_id

    ),

    sources as (

        select distinct
            claim_id, split_part(unnest(string_split(release_key, ' + ')), ' ', 1) as source_id
        from nearest

    )

select
    n.claim_id,
    s.source_id,
    'release of '
    || s.source_id
    || ' known on '
    || n.published_on
    || ' (first release available: '
    || v.first_known_from
    || ')' as missing_row
from nearest as n
inner join vintages as v on n.claim_id = v.claim_id and v.vintages_known = 0
inner join sources as s on n.claim_id = s.claim_id
