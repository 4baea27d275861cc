-- The columns of each snapshot file with figures, and the number of its first figure: files are
-- numbered consecutively, so that a figure's number follows from its position.
with
    found as (

        select
            f.file_no,
            u.column_name,
            max(u.row_number) as last_row_number,
            row_number() over (partition by f.file_no order by u.column_name) - 1 as column_no
        from {{ ref("int_trade__figures_unioned") }} as u
        inner join
            {{ ref("int_trade__files_listed") }} as f
            on u.raw_table = f.raw_table
            and u.snapshot_file = f.snapshot_file
        group by f.file_no, u.column_name

    ),

    sized as (

        select file_no, count(*) as columns_found, max(last_row_number) as last_row_number
        from found
        group by file_no

    ),

    offsets as (

        select
            file_no,
            columns_found,
            coalesce(
                sum(columns_found * (last_row_number + 1)) over (
                    order by file_no rows between unbounded preceding and 1 preceding
                ),
                0
            ) as first_figure_id
        from sized

    )

select
    f.file_no,
    f.column_name,
    cast(f.column_no as integer) as column_no,
    cast(o.columns_found as integer) as columns_found,
    cast(o.first_figure_id as bigint) as first_figure_id
from found as f
inner join offsets as o on f.file_no = o.file_no
