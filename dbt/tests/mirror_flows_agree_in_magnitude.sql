-- Goods in transit and gold make two countries' records differ widely. A factor of fifty is a wrong
-- unit.
select mirror_id, exporter_reported_usd, importer_reported_usd
from {{ ref("mirror_flows") }}
where
    greatest(exporter_reported_usd, importer_reported_usd) > 1000000000
    and not coalesce(importer_to_exporter_ratio between 0.02 and 50, false)
