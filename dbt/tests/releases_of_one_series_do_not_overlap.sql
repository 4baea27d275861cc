with
    figures as (

        select distinct
            f.source_id,
            f.flow,
            f.export_series_id,
            f.import_series_id,
            f.partner_id,
            f.product_id,
            f.period_start,
            f.period_end,
            f.known_from,
            f.known_to,
            f.withdrawn_by_release_id is not null as is_withdrawn
        from {{ ref("int_trade__figures") }} as f

    ),

    ordered as (

        select
            *,
            lead(known_from) over (
                partition by
                    source_id,
                    flow,
                    export_series_id,
                    import_series_id,
                    partner_id,
                    product_id,
                    period_start,
                    period_end
                order by known_from, known_to nulls last
            ) as next_known_from
        from figures

    )

select *
from ordered
where
    case
        when is_withdrawn
        then known_to is null or known_to > next_known_from
        else known_to is distinct from next_known_from
    end
