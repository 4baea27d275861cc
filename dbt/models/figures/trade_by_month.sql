{{
    config(
        post_hook="{{ as_of_macro('trade_by_month', trade_by_month_known('cast(as_of_day as date)')) }}",
    )
}}

{{ trade_by_month_known(as_of_day()) }}
