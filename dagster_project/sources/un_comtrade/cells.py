"""Cells of UN Comtrade as scripts write them, and as the publisher does."""

from __future__ import annotations

import polars as pl

# A column with empty cells becomes one of decimal numbers: 842.0.
_WHOLE = (
    *("period", "ref_year", "ref_month", "reporter_code", "partner_code", "partner2_code"),
    *("cmd_code", "mot_code", "mos_code", "qty_unit_code", "aggr_level", "estimation_flag"),
    *("is_reported", "is_aggregate"),
)
_WHOLE_WITH_POINT = r"^(-?[0-9]+)\.0+$"
_MONEY = ("cif_value", "fob_value", "primary_value")
# R writes 100000 as 1e+05, with every digit; spreadsheets write 1.23E+05, without the last ones.
_EXACT = r"^[0-9](\.[0-9]{1,14})?e\+?(0?[0-9]|1[0-4])$"
# R's word for an empty cell.
_MISSING = "NA"
_MAY_BE_MISSING = (
    *_MONEY,
    *("qty", "net_weight_kg", "aggr_level", "mos_code", "qty_unit_code", "estimation_flag"),
    *("is_reported", "is_aggregate", "reporter_iso", "partner_iso"),
)


def repaired(cells: pl.DataFrame) -> pl.DataFrame:
    """The text cells of a file with the codes, values and empty cells that scripts changed.

    Nearly every file has none of these, and its columns are not copied.
    """
    repairs = (
        (_MAY_BE_MISSING, pl.all() == _MISSING, pl.all().replace(_MISSING, None)),
        (_WHOLE, pl.all().str.ends_with(".0"), pl.all().str.replace(_WHOLE_WITH_POINT, "$1")),
        (_MONEY, pl.all().str.contains("e", literal=True), _with_all_digits(pl.all())),
    )
    for columns, is_changed, repair in repairs:
        found = cells.select(columns).select(is_changed.any()).row(0, named=True)
        changed = [column for column, is_there in found.items() if is_there]
        if changed:
            cells = cells.with_columns(cells.select(changed).select(repair))
    return cells


def _with_all_digits(text: pl.Expr) -> pl.Expr:
    """1e+05 as 100000."""
    number = text.cast(pl.Float64, strict=False).cast(pl.Decimal(38, 3), strict=False)
    return pl.when(text.str.contains(_EXACT)).then(number.cast(pl.String)).otherwise(text)
