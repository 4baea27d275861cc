{#
title = "Releases without observations"
unit = """
Articles, printed documents by file, and world trade reports. World trade reports are compared and
not listed by figure."""
basis = "files behind the publication"
absence = "Every release has observations."
#}
-- Releases behind the publication without observations: articles, printed documents by file, and
-- world trade reports.
with
    inputs as (

        select i.key as source_id, unnest(from_json(i.value, '["varchar"]')) as release_id
        from meta.publication as p, json_each(p.releases) as i

    )

select i.source_id, i.release_id
from inputs as i
anti join marts.releases as r on i.source_id = r.source_id and i.release_id = r.release_id
order by i.source_id, i.release_id
