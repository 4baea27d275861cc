-- The available bases of a pair, the preferred ones first, with their descriptions.
select
    t.trade_kind,
    t.basis_id,
    min(t.policy_rank) as policy_rank,
    min(b.description) as description,
    min(b.used_by) as used_by,
    min(t.year) as first_year,
    max(t.year) as last_year,
    count(*) as years
from marts.trade_by_year as t
left join
    marts.bases as b
    on t.reporter_iso3 = b.reporter_iso3
    and t.partner_code = b.partner_code
    and t.trade_kind = b.trade_kind
    and t.reported_by = b.reported_by
    and t.export_series_code = b.export_series_code
    and t.import_series_code = b.import_series_code
where t.reporter_iso3 = {{ reporter }} and t.partner_code = {{ partner }}
group by t.trade_kind, t.basis_id
order by t.trade_kind, policy_rank, t.basis_id
