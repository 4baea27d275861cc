with
    sums as (

        select r.value_id, sum(f.value_usd) as figures_usd, count(*) as figures
        from {{ ref("int_figures__value_rows") }} as r
        inner join {{ ref("int_trade__figures") }} as f on r.figure_id = f.figure_id
        group by r.value_id

    )

select v.value_id, v.cell_id, v.series_id, v.value_usd, s.figures_usd, s.figures
from {{ ref("int_figures__values") }} as v
left join sums as s on v.value_id = s.value_id
where v.value_usd is distinct from s.figures_usd
