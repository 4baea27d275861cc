"""The raw schema of trade rows, and the checks for the rows of every layout."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

import polars as pl

from dagster_project.sources.parsing import Check, Parsed, reject_faulty, rejects_frame
from dagster_project.sources.un_comtrade.areas import AREA_SEED, COUNTRY_SEED, Areas

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "type_code": pl.String(),
    "freq_code": pl.String(),
    "period": pl.String(),
    "ref_year": pl.Int32(),
    "ref_month": pl.Int32(),
    "reporter_code": pl.String(),
    "reporter_iso": pl.String(),
    "flow_code": pl.String(),
    "partner_code": pl.String(),
    "partner_iso": pl.String(),
    "partner2_code": pl.String(),
    "classification_code": pl.String(),
    "cmd_code": pl.String(),
    "aggr_level": pl.Int32(),
    "customs_code": pl.String(),
    "mos_code": pl.String(),
    "mot_code": pl.String(),
    "qty_unit_code": pl.String(),
    "qty": pl.Float64(),
    "net_weight_kg": pl.Float64(),
    "cif_value": pl.Decimal(20, 3),
    "fob_value": pl.Decimal(20, 3),
    "primary_value": pl.Decimal(20, 3),
    "estimation_flag": pl.String(),
    "is_reported": pl.Boolean(),
    "is_aggregate": pl.Boolean(),
}
# Whole reports have no line numbers and no redundant columns.
BULK_SCHEMA: dict[str, pl.DataType] = {
    **{
        column: dtype
        for column, dtype in SCHEMA.items()
        if column
        not in (
            *("row_number", "column_name", "reporter_iso", "partner_iso", "aggr_level"),
            "estimation_flag",
        )
    },
    # Dollars with three decimals in eight bytes: a quadrillion fits.
    "cif_value": pl.Decimal(18, 3),
    "fob_value": pl.Decimal(18, 3),
    "primary_value": pl.Decimal(18, 3),
}
PRIMARY_KEY = (
    "type_code",
    "freq_code",
    "period",
    "reporter_code",
    "flow_code",
    "partner_code",
    "partner2_code",
    "classification_code",
    "cmd_code",
    "customs_code",
    "mos_code",
    "mot_code",
    "is_aggregate",
)
VALUES = ("cif_value", "fob_value", "primary_value")
LAST_MONTH = pl.format(
    "{}-{}",
    pl.col("ref_year"),
    pl.when(pl.col("freq_code") == "M")
    .then(pl.col("ref_month"))
    .otherwise(12)
    .cast(pl.String)
    .str.zfill(2),
)

# Raw column → field of a v1 reply. The first group identifies rows and is never empty.
CODES = {
    "type_code": "typeCode",
    "freq_code": "freqCode",
    "period": "period",
    "reporter_code": "reporterCode",
    "flow_code": "flowCode",
    "partner_code": "partnerCode",
    "partner2_code": "partner2Code",
    "classification_code": "classificationCode",
    "cmd_code": "cmdCode",
    "customs_code": "customsCode",
    "mot_code": "motCode",
}
YEAR_AND_MONTH = {"ref_year": "refYear", "ref_month": "refMonth"}
MONEY = {"cif_value": "cifvalue", "fob_value": "fobvalue", "primary_value": "primaryValue"}
FLAGS = {"is_reported": "isReported", "is_aggregate": "isAggregate"}
NAMES = {"reporter_iso": "reporterISO", "partner_iso": "partnerISO"}
QUANTITIES = {"qty": "qty", "net_weight_kg": "netWgt"}
REMARKS = {
    "mos_code": "mosCode",
    "qty_unit_code": "qtyUnitCode",
    "estimation_flag": "legacyEstimationFlag",
}
REQUIRED = {**CODES, **YEAR_AND_MONTH, **MONEY, **FLAGS, **NAMES}
OPTIONAL = {**QUANTITIES, **REMARKS}

_TOTAL = "TOTAL"
# In any case; a pattern is cheaper than converting every cell.
_YES = r"(?i-u)^(true|1)$"
_FLAG = r"(?i-u)^(true|false|1|0)$"
# Splits a number such as 71887.500: integer digits, decimals without trailing zeros.
_NUMBER = r"^[0-9]+(\.[0-9]*)?$"
_NEGATIVE = r"^-[0-9]+(\.[0-9]*)?$"
_DOLLARS = r"^[0-9]{1,15}(\.[0-9]{0,3}0*)?$"
_QUANTITY = r"^[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$"


def check_trade(
    cells: pl.DataFrame,
    printed: Mapping[str, str],
    areas: Areas,
    known_from: date,
    schema: Mapping[str, pl.DataType] = SCHEMA,
    *,
    has_blanks: bool = True,
) -> Parsed:
    """Convert text cells to rows of the raw schema, and reject unusable rows.

    Args:
        cells: `row_number` and a text column for each of `REQUIRED` and `OPTIONAL`; null
            where a cell is empty.
        printed: the file's own name of each column, for rejects and lineage.
        schema: the columns to return, from `SCHEMA`.
        has_blanks: whether a cell may begin or end with blanks.
    """
    if has_blanks:
        cells = cells.with_columns(
            pl.col(column).str.strip_chars().replace("", None) for column in (*REQUIRED, *OPTIONAL)
        )
    # Rows of goods have no mode of supply; some say so with a 0, some with a blank after it.
    cells = cells.with_columns(pl.col("mos_code").fill_null("0"))
    named = [who for who in ("reporter", "partner") if cells[f"{who}_iso"].count()]
    cells, found = reject_faulty(cells, _checks(areas, known_from, named))
    rejects = [
        bad.with_columns(pl.lit(printed[column]).alias("column_name")) for column, bad in found
    ]
    frame = cells.select(_typed(column, dtype, areas, printed) for column, dtype in schema.items())
    return Parsed(
        frame,
        pl.concat([rejects_frame(), *rejects]).sort("row_number", maintain_order=True),
    )


def _checks(areas: Areas, known_from: date, named: Collection[str]) -> list[Check]:
    return [
        *(Check(pl.col(column).is_null(), column, "the field is empty") for column in CODES),
        *(
            Check(~pl.col(column).str.contains(r"^[0-9]{1,4}$"), column, "not a whole number")
            for column in YEAR_AND_MONTH
        ),
        *_checks_of_periods(known_from),
        *_checks_of_areas(areas, named),
        Check(pl.col("primary_value").is_null(), "primary_value", "the value is missing"),
        *(_check_money(column) for column in MONEY),
        *(_check_form(column, _QUANTITY, pl.lit("not a number")) for column in QUANTITIES),
        *(_check_flag(column) for column in FLAGS),
    ]


def _typed(column: str, dtype: pl.DataType, areas: Areas, printed: Mapping[str, str]) -> pl.Expr:
    if column == "column_name":
        return pl.lit(printed["primary_value"]).alias(column)
    if column in ("reporter_iso", "partner_iso"):
        return (
            pl.col(column.replace("_iso", "_code"))
            .replace_strict(areas.printed_iso, return_dtype=pl.String)
            .alias(column)
        )
    if column == "aggr_level":
        level = pl.when(pl.col("cmd_code") == _TOTAL).then(0)
        return level.otherwise(pl.col("cmd_code").str.len_chars()).cast(dtype).alias(column)
    if column in FLAGS:
        # An empty flag stays unknown.
        return pl.col(column).str.contains(_YES)
    return pl.col(column).cast(dtype)


def _checks_of_periods(known_from: date) -> list[Check]:
    period, year, month = pl.col("period"), pl.col("ref_year"), pl.col("ref_month")
    is_month = pl.col("freq_code") == "M"
    written = pl.when(is_month).then(pl.format("{}{}", year, month.str.zfill(2))).otherwise(year)
    last_month = pl.format(
        "{}-{}", year, pl.when(is_month).then(month.str.zfill(2)).otherwise(pl.lit("12"))
    )
    last_whole_month = (known_from + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return [
        Check(
            ~pl.col("freq_code").is_in(["A", "M"]),
            "freq_code",
            "neither a year (A) nor a month (M)",
        ),
        Check(~period.str.starts_with(year), "period", "does not lie in refYear"),
        Check(
            (period != written)
            | (is_month & ~month.str.zfill(2).str.contains("^(0[1-9]|1[0-2])$")),
            "period",
            "not the year (YYYY) or the month (YYYYMM) that the row says it is of",
        ),
        Check(
            last_month > f"{last_whole_month:%Y-%m}",
            "ref_year",
            f"a release known from {known_from} cannot hold this period",
        ),
    ]


def _checks_of_areas(areas: Areas, named: Collection[str]) -> list[Check]:
    """Codes are known; a side of `named`, which has names of areas, has those of its codes."""
    checks = []
    for who in ("reporter", "partner"):
        code, iso = pl.col(f"{who}_code"), pl.col(f"{who}_iso")
        checks.append(
            Check(
                ~code.is_in(list(areas.printed_iso)),
                f"{who}_code",
                f"unknown area code: if it is a country, add it to {COUNTRY_SEED}, otherwise to"
                f" {AREA_SEED}",
            )
        )
        if who not in named:
            continue
        meant = code.replace_strict(areas.printed_iso, default=None, return_dtype=pl.String)
        checks.append(
            Check(
                (iso.is_in(list(areas.iso3)) & iso.ne_missing(meant)).fill_null(False),
                f"{who}_iso",
                pl.format("code {} is {}, not this", code, meant.fill_null("no country")),
            )
        )
    return checks


def _check_money(column: str) -> Check:
    return _check_form(
        column,
        _DOLLARS,
        pl.when(pl.col(column).str.contains(_NEGATIVE))
        .then(pl.lit("a trade value cannot be negative"))
        .when(pl.col(column).str.contains(_NUMBER))
        .then(pl.lit("more digits than a value in dollars can have"))
        .otherwise(pl.lit("not a number")),
    )


def _check_form(column: str, form: str, reason: pl.Expr) -> Check:
    """A value must have the form; an empty cell is not a fault."""
    return Check((~pl.col(column).str.contains(form)).fill_null(False), column, reason)


def _check_flag(column: str) -> Check:
    return _check_form(column, _FLAG, pl.lit("neither true nor false"))
