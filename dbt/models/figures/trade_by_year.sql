{{
    config(
        post_hook="{{ as_of_macro('trade_by_year', trade_by_year_known('cast(as_of_day as date)')) }}",
    )
}}

{{ trade_by_year_known(as_of_day()) }}
