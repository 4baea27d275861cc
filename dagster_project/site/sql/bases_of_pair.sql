-- The available bases of a pair, the preferred ones first, with their descriptions.
select
    t.trade_kind,
    t.basis_id,
    min(t.policy_rank) as policy_rank,
    min(n.description) as description,
    min(n.used_by) as used_by,
    min(t.year) as first_year,
    max(t.year) as last_year,
    count(*) as years
from marts.trade_by_year as t
left join
    seeds.bases_named as n
    on t.basis_id = n.basis_id
    and t.trade_kind = n.trade_kind
    and t.reported_by = n.reported_by
    and split_part(t.export_series_code, '.', 3) = n.export_concept
    and split_part(t.export_series_code, '.', 4) = n.export_valuation
    and split_part(t.import_series_code, '.', 3) = n.import_concept
    and split_part(t.import_series_code, '.', 4) = n.import_valuation
where t.reporter_iso3 = {{ reporter }} and t.partner_code = {{ partner }}
group by t.trade_kind, t.basis_id
order by t.trade_kind, policy_rank, t.basis_id
