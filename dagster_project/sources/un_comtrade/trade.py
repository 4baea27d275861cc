"""Trade rows of UN Comtrade: area codes, the raw schema, the checks, and the rows of a reply."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import polars as pl

from dagster_project.sources.formats import no_object, read_json, shows
from dagster_project.sources.parsing import (
    Check,
    Parsed,
    last_whole_month,
    read_seed,
    reject_faulty,
    rejects_frame,
    too_late,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.un_comtrade.cells import repaired
from dagster_project.sources.un_comtrade.products import TOTAL, checks_of_products, with_zeros

LAYOUT = "comtrade_v1"
SIGN = shows('"data"', '"reporterCode"', '"cmdCode"', '"primaryValue"', starts="{")

COUNTRY_SEED = "country_list.csv"
AREA_SEED = "comtrade_areas.csv"
FLOW_SEED = "comtrade_flows.csv"

WORLD_CODE = "0"
WORLD = "WLD"
# The publisher's names for the world, today and in older downloads.
WORLD_ISO = "W00"

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "fob_column_name": pl.String(),
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
            *("row_number", "column_name", "fob_column_name", "reporter_iso", "partner_iso"),
            *("aggr_level", "estimation_flag"),
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
    "aggr_level": "aggrLevel",
    "mos_code": "mosCode",
    "qty_unit_code": "qtyUnitCode",
    "estimation_flag": "legacyEstimationFlag",
}
REQUIRED = {**CODES, **YEAR_AND_MONTH, **MONEY, **FLAGS, **NAMES}
OPTIONAL = {**QUANTITIES, **REMARKS}
_FIELDS = {**REQUIRED, **OPTIONAL}
_NUMBERS = frozenset({*YEAR_AND_MONTH, *MONEY, *QUANTITIES, *FLAGS})

# In any case; a pattern is cheaper than converting every cell.
_YES = r"(?i-u)^(true|1)$"
_FLAG = r"(?i-u)^(true|false|1|0)$"
_LONGEST_NUMBER = 40
# Splits a number such as 71887.500: integer digits, decimals without trailing zeros.
_NUMBER = r"^[0-9]+(\.[0-9]*)?$"
_NEGATIVE = r"^-[0-9]+(\.[0-9]*)?$"
_SCIENTIFIC = r"^-?[0-9]+([.,][0-9]*)?[eE][+-]?[0-9]+$"
_DOLLARS = r"^[0-9]{1,15}(\.[0-9]{0,3}0*)?$"
_QUANTITY = r"^[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$"


@dataclass(frozen=True)
class Areas:
    """Area codes by what they stand for.

    `iso3_of` has every code of a country with an ISO 3166 code: the United States, for example, is
    842 today and was 840 and 841. `others` are the remaining codes with their kind. `codes_of`
    gives the codes to request, today's first. Beside some of `others` the publisher prints the ISO
    code of a country that they are not: `misnamed`.
    """

    iso3_of: Mapping[str, str]
    others: Mapping[str, str]
    codes_of: Mapping[str, tuple[str, ...]]
    misnamed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def iso3(self) -> frozenset[str]:
        return frozenset(self.iso3_of.values())

    @cached_property
    def printed_iso(self) -> Mapping[str, str | None]:
        """The ISO code in a row, by area code; none where the area has no ISO code."""
        others: dict[str, str | None] = dict.fromkeys(self.others)
        return {**others, **self.iso3_of, WORLD_CODE: WORLD_ISO}

    @property
    def partner_codes(self) -> tuple[str, ...]:
        """Every possible partner code of a row, including the world, in order."""
        asked = {code for codes in self.codes_of.values() for code in codes}
        return tuple(sorted(asked | {WORLD_CODE}, key=int))


def read_areas(seeds: Path) -> Areas:
    """The area codes of the two seeds.

    Raises:
        SnapshotError: a seed is missing or empty.
    """
    iso3_of: dict[str, str] = {}
    codes_of: dict[str, tuple[str, ...]] = {}
    for row in read_seed(seeds, COUNTRY_SEED):
        codes = tuple(row["comtrade_codes"].split())
        if not codes:
            # Only other reporters use this code; a request for it must not become one for
            # everybody.
            continue
        codes_of[row["iso3"]] = codes
        iso3_of |= dict.fromkeys(codes, row["iso3"])
    others: dict[str, str] = {}
    misnamed: dict[str, str] = {}
    for row in read_seed(seeds, AREA_SEED):
        if row["printed_iso3"]:
            misnamed[row["area_code"]] = row["printed_iso3"]
        if row["code"] in codes_of:
            # A code of older downloads only: understood, never requested.
            iso3_of[row["area_code"]] = row["code"]
            continue
        others[row["area_code"]] = row["area_kind"]
        if row["area_kind"] != "group" or row["code"] == WORLD:
            codes_of[row["code"]] = (row["area_code"],)
    return Areas(iso3_of, others, codes_of, misnamed)


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
    cells = repaired(cells).with_columns(
        # Rows of goods have no mode of supply; some say so with a 0, some with a blank after it.
        pl.col("mos_code").fill_null("0"),
        with_zeros().alias("cmd_code"),
    )
    named = [who for who in ("reporter", "partner") if cells[f"{who}_iso"].count()]
    cells, found = reject_faulty(cells, _checks(areas, known_from, named))
    rejects = [
        bad.with_columns(pl.lit(printed[column]).alias("column_name")) for column, bad in found
    ]
    frame = cells.select(_typed(column, dtype, areas, printed) for column, dtype in schema.items())
    return Parsed(
        frame,
        in_order(rejects_frame(), *rejects),
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
        *checks_of_products(),
        Check(pl.col("primary_value").is_null(), "primary_value", "the value is missing"),
        *(_check_money(column) for column in MONEY),
        *(_check_form(column, _QUANTITY, pl.lit("not a number")) for column in QUANTITIES),
        *(_check_flag(column) for column in FLAGS),
    ]


def _typed(column: str, dtype: pl.DataType, areas: Areas, printed: Mapping[str, str]) -> pl.Expr:
    if column == "column_name":
        return pl.lit(printed["primary_value"]).alias(column)
    if column == "fob_column_name":
        name = pl.lit(printed["fob_value"])
        return pl.when(pl.col("fob_value").is_not_null()).then(name).alias(column)
    if column in ("reporter_iso", "partner_iso"):
        return (
            pl.col(column.replace("_iso", "_code"))
            .replace_strict(areas.printed_iso, return_dtype=pl.String)
            .alias(column)
        )
    if column == "aggr_level":
        level = pl.when(pl.col("cmd_code") == TOTAL).then(0)
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
            last_month > last_whole_month(known_from),
            "ref_year",
            too_late(known_from),
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
        meant = code.replace_strict(
            {**areas.printed_iso, **areas.misnamed}, default=None, return_dtype=pl.String
        )
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
        .when(pl.col(column).str.contains(_SCIENTIFIC))
        .then(pl.lit("digits are lost in this notation: write the number out"))
        .otherwise(pl.lit("not a number")),
    )


def _check_form(column: str, form: str, reason: pl.Expr) -> Check:
    """A value must have the form; an empty cell is not a fault."""
    return Check((~pl.col(column).str.contains(form)).fill_null(False), column, reason)


def _check_flag(column: str) -> Check:
    return _check_form(column, _FLAG, pl.lit("neither true nor false"))


def parse_reply(content: bytes, file: SnapshotFile, areas: Areas) -> Parsed:
    """One reply as rows; the row number is the position in `data`, from 1.

    Raises:
        SnapshotError: the reply is an error message, is truncated, has no rows, or lacks a field in
        its first row.
    """
    name = file.snapshot_file
    data = rows_of(content, name)
    if missing := missing_fields(data[0], REQUIRED.values()):
        raise SnapshotError(
            f"{name}, row 1: field {', '.join(missing)} is missing. The layout is that of"
            " version 1; downloads have layouts of their own."
        )
    rows: dict[int, dict[str, object]] = {}
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(data, start=1):
        if not isinstance(row, dict):
            rejects.append((number, *no_object(row)))
        elif absent := missing_fields(row, REQUIRED.values()):
            rejects.append((number, absent[0], None, "the field is missing"))
        else:
            rows[number] = row
    texts = {
        column: [_text(row.get(field), is_number=column in _NUMBERS) for row in rows.values()]
        for column, field in _FIELDS.items()
    }
    cells = pl.DataFrame(
        {"row_number": list(rows), **texts},
        schema={"row_number": pl.Int64(), **dict.fromkeys(_FIELDS, pl.String())},
    )
    parsed = check_trade(cells, _FIELDS, areas, file.known_from)
    return Parsed(parsed.frame, in_order(rejects_frame(rejects), parsed.rejects))


def rows_of(content: bytes, name: str) -> list[object]:
    """The rows in the envelope.

    Raises:
        SnapshotError: not an envelope, an error message, truncated, or no rows.
    """
    reply = read_json(content, name)
    if not isinstance(reply, dict):
        raise SnapshotError(f"{name}: not an envelope with data, count and error. Fetch it again.")
    message = error_of(reply)
    if message:
        raise SnapshotError(
            f"{name}: the publisher answered with an error: {message[:200]!r}. Correct the"
            " request, or wait if a limit was hit, and fetch again."
        )
    data, count = reply.get("data"), reply.get("count")
    if not isinstance(data, list):
        raise SnapshotError(f"{name}: field data is missing from the envelope. Fetch it again.")
    if count != len(data):
        raise SnapshotError(
            f"{name}: the envelope says {count} rows but contains {len(data)}: truncated."
            " Fetch it again."
        )
    if not data:
        raise SnapshotError(f"{name}: no rows. Check the request; an empty reply is not stored.")
    return data


def _text(value: object, *, is_number: bool) -> str | None:
    """A value as text, as in downloads; one of an unexpected type as JSON.

    A quoted text is then rejected where a number or a flag is expected.
    """
    if value is None or (isinstance(value, str) and not is_number):
        return value
    if isinstance(value, Decimal):
        # Written out, 1e400 would have 400 zeros.
        return format(value, "f") if abs(value.adjusted()) < _LONGEST_NUMBER else str(value)
    return json.dumps(value) if isinstance(value, str) else str(value)


def missing_fields(row: object, fields: Iterable[str]) -> list[str]:
    return [field for field in fields if not isinstance(row, dict) or field not in row]


def error_of(reply: Mapping[str, object]) -> str:
    """The error message of an envelope, or of the gateway before it; empty if there is none."""
    return str(reply.get("error") or (reply.get("message") if "data" not in reply else "") or "")


def in_order(*rejects: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(rejects).sort("row_number", maintain_order=True)
