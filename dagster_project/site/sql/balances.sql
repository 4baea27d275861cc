-- The balance of each full year on every basis.
select
    year,
    basis_id,
    exports_usd,
    imports_usd,
    balance_usd,
    is_preferred,
    evidence_kind,
    release_key,
    export_series_code,
    import_series_code
from marts.trade_by_year
where
    reporter_iso3 = {{ reporter }}
    and partner_code = {{ partner }}
    and trade_kind = {{ trade_kind }}
    and not is_partial_year
order by policy_rank, basis_id, year
