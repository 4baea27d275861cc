"""The end-use workbooks and the seasonally adjusted file become figures with their dimensions."""

from __future__ import annotations

from datetime import date

import polars as pl
from compiled_models import CompiledModels

COMMON = {
    "release_id": "2025-04",
    "snapshot_file": "us_census/2025-04/file.csv",
    "snapshot_sha256": "0",
    "column_name": "one",
    "partner_name": "Korea, South",
    "value_usd": 5.0,
    "rounding_margin_usd": 0.5,
    "reported_value": 5.0,
    "reported_unit": "USD",
}
DIMENSIONS = (
    *("row_number", "partner_code", "is_aggregate", "concept", "valuation"),
    *("seasonal_adjustment", "product_system", "product_code", "period_start", "period_end"),
)


def aligned(models: CompiledModels, table: str, *rows: dict[str, object]) -> list[tuple]:
    """The dimensions of the figures of these staging rows."""
    frame = pl.DataFrame(
        [{**COMMON, **row, "row_number": number} for number, row in enumerate(rows, start=2)]
    )
    model = f"int_trade__{table.replace('__', '_')}_aligned"
    with models.run({f"stg_{table}": frame}, model) as connection:
        return connection.execute(
            f"select {', '.join(DIMENSIONS)} from intermediate.{model} order by row_number"
        ).fetchall()


def test_an_end_use_row_is_a_year_of_five_digit_products(compiled_models: CompiledModels) -> None:
    year = {"reference_year": 2016, "product_system": "end_use5", "product_code": "30000"}
    of_2016 = ("nsa", "end_use5", "30000", date(2016, 1, 1), date(2016, 12, 31))
    assert aligned(
        compiled_models,
        "us_census__end_use",
        {**year, "census_code": "5800", "flow": "import"},
        {**year, "census_code": "0000", "flow": "export"},
    ) == [
        (2, "KOR", False, "general", "customs", *of_2016),
        (3, "WLD", True, "total", "fas", *of_2016),
    ]


def test_a_seasonal_row_is_an_adjusted_month_and_the_residual_no_partner(
    compiled_models: CompiledModels,
) -> None:
    month = {"reference_year": 2024, "reference_month": 2}
    of_february = ("sa", "total", "total", date(2024, 2, 1), date(2024, 2, 29))
    assert aligned(
        compiled_models,
        "us_census__country_seasonal",
        {**month, "census_code": "5800", "flow": "import"},
        {**month, "census_code": "0020", "flow": "import"},
        {**month, "census_code": "0003", "flow": "export"},
    ) == [
        (2, "KOR", False, "general", "customs", *of_february),
        (4, "census:0003", True, "total", "fas", *of_february),
    ]
