"""US Census Bureau: the country file and the International Trade API.

Belongs here: the layouts of these two publications and their traps. Does not belong
here: what a figure means for the marts (staging), where Parquet is written (`raw`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.reading import (
    Parsed,
    checked_numbers,
    read_csv_cells,
    read_json,
    read_seed_column,
    reject_where,
    rejects_frame,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile

PARTNER_SEED = "census_partners.csv"

COUNTRY_FILE_LAYOUT = "census_country_file"

COUNTRY_FILE_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "last_month": pl.Int32(),
    "cty_code": pl.String(),
    "cty_name": pl.String(),
    "flow": pl.String(),
    "value_musd": pl.Decimal(20, 6),
    "rounding_musd": pl.Decimal(20, 6),
}

TRADE_API_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "endpoint": pl.String(),
    "comm_lvl": pl.String(),
    "commodity_code": pl.String(),
    "commodity_name": pl.String(),
    "cty_code": pl.String(),
    "cty_name": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "last_month": pl.Int32(),
    "variable": pl.String(),
    "value_usd": pl.Decimal(20, 0),
}

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FLOWS = {"I": "import", "E": "export"}


def _value_columns() -> dict[str, tuple[str, int | None]]:
    """Value column → flow and month, in the publisher's order; no month for the year."""
    columns: dict[str, tuple[str, int | None]] = {}
    for letter, flow in _FLOWS.items():
        for number, month in enumerate(_MONTHS, start=1):
            columns[letter + month] = (flow, number)
        columns[letter + "YR"] = (flow, None)
    return columns


_VALUE_COLUMNS = _value_columns()
_COUNTRY_FILE_COLUMNS = ("year", "CTY_CODE", "CTYNAME", *_VALUE_COLUMNS)
_VALUE_COLUMN_FRAME = pl.DataFrame(
    [(column, flow, month) for column, (flow, month) in _VALUE_COLUMNS.items()],
    schema={"column_name": pl.String(), "flow": pl.String(), "month": pl.Int32()},
    orient="row",
).with_row_index("column_place")


def census_codes(seeds: Path) -> frozenset[str]:
    """The partner codes that the project knows, groups included."""
    try:
        text = (seeds / PARTNER_SEED).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SnapshotError(f"seed {PARTNER_SEED}: absent from {seeds}. Restore it.") from error
    return frozenset(read_seed_column(text, PARTNER_SEED, "census_code"))


def parse_country_file(content: bytes, file: SnapshotFile, codes: frozenset[str]) -> Parsed:
    """One release of the country file as rows; every code stays text.

    Wide months become rows. A blank cell is not held and gives no row. In the file's last
    year the publisher prints 0 for months to come: months after the last one in which
    any partner trades in either flow are absent, not zero, and the annual column runs
    through that month (`last_month`). Values are USD millions as printed.

    Raises:
        SnapshotError: see `read_csv_cells`; or the last year's annual column cannot be
            dated because none of its months is held.
    """
    name = file.snapshot_file
    cells, rejects = read_csv_cells(content, name, _COUNTRY_FILE_COLUMNS)
    cells, bad_year = reject_where(
        cells,
        ~pl.col("year").str.contains(r"^(19|20)[0-9]{2}$"),
        "year",
        pl.when(pl.col("year") == "")
        .then(pl.lit("the row has no year, so its figures belong to no period"))
        .otherwise(pl.lit("not a year: write four digits")),
    )
    cells, future = reject_where(
        cells,
        pl.col("year").cast(pl.Int32) > file.known_from.year,
        "year",
        f"a release known from {file.known_from} cannot hold this year",
    )
    cells, bad_code = _reject_unknown_partner(cells, "CTY_CODE", codes)
    long = (
        cells.unpivot(
            on=list(_VALUE_COLUMNS),
            index=["row_number", "year", "CTY_CODE", "CTYNAME"],
            variable_name="column_name",
            value_name="text",
        )
        .filter(pl.col("text") != "")
        .join(_VALUE_COLUMN_FRAME, on="column_name", how="left", maintain_order="left")
        .with_columns(pl.col("year").cast(pl.Int32))
    )
    long, bad_number = checked_numbers(long, text="text", value="value_musd", precision=20, scale=6)
    long = _drop_unpublished(long, name)
    frame = long.sort("row_number", "column_place").select(
        "row_number",
        "column_name",
        "year",
        "month",
        "last_month",
        pl.col("CTY_CODE").alias("cty_code"),
        pl.col("CTYNAME").alias("cty_name"),
        "flow",
        "value_musd",
        pl.lit(_printed_unit(long["text"])).cast(pl.Decimal(20, 6)).alias("rounding_musd"),
    )
    return Parsed(frame, pl.concat([rejects, bad_year, future, bad_code, bad_number]))


def _drop_unpublished(long: pl.DataFrame, name: str) -> pl.DataFrame:
    """Without months to come; `last_month` says through which month a row runs."""
    if long.is_empty():
        return long.with_columns(pl.lit(None, dtype=pl.Int32).alias("last_month"))
    last_year = long["year"].max()
    in_last_year = long.filter(pl.col("year") == last_year)
    last_month = in_last_year.filter(pl.col("month").is_not_null() & (pl.col("value_musd") > 0))[
        "month"
    ].max()
    has_annual = in_last_year.filter(pl.col("month").is_null() & (pl.col("value_musd") > 0))
    if last_month is None and not has_annual.is_empty():
        raise SnapshotError(
            f"{name}: the year {last_year} has annual figures but no month above zero, so"
            " nothing says through which month they run. Keep at least one partner's months."
        )
    through = (
        pl.when(pl.col("year") == last_year).then(pl.lit(last_month or 0)).otherwise(pl.lit(12))
    )
    return (
        long.filter(pl.col("month").is_null() | (pl.col("month") <= through))
        .filter((pl.col("year") < last_year) | pl.lit(last_month is not None))
        .with_columns(pl.coalesce("month", through).cast(pl.Int32).alias("last_month"))
    )


def _printed_unit(texts: pl.Series) -> str:
    """The last printed unit: trailing zeros are dropped cell by cell, so the file decides."""
    decimals = texts.str.extract(r"\.([0-9]+)$").str.len_chars().max()
    places = decimals if isinstance(decimals, int) else 0
    return "1" if places == 0 else "0." + "0" * (places - 1) + "1"


@dataclass(frozen=True)
class ApiLayout:
    """One endpoint of the International Trade API, as far as it is read here."""

    endpoint: str
    commodity: str
    description: str
    variables: frozenset[str]


def _with_periods(*stems: str) -> frozenset[str]:
    return frozenset(f"{stem}_{period}" for stem in stems for period in ("MO", "YR"))


_IMPORT_VARIABLES = _with_periods(
    "GEN_VAL", "CON_VAL", "GEN_CIF", "CON_CIF", "GEN_CHA", "CON_CHA", "CAL_DUT", "DUT_VAL"
)
API_LAYOUTS: Mapping[str, ApiLayout] = {
    "census_api_imports_hs": ApiLayout(
        "imports/hs", "I_COMMODITY", "I_COMMODITY_SDESC", _IMPORT_VARIABLES
    ),
    "census_api_exports_hs": ApiLayout(
        "exports/hs", "E_COMMODITY", "E_COMMODITY_SDESC", _with_periods("ALL_VAL")
    ),
    "census_api_imports_naics": ApiLayout(
        "imports/naics", "NAICS", "NAICS_SDESC", _IMPORT_VARIABLES
    ),
}
_CODE_LENGTHS = {
    **{f"HS{length}": length for length in (2, 4, 6, 10)},
    **{f"NA{length}": length for length in (3, 4, 5, 6)},
    "-": 1,
}
_NAICS_TOTAL = "00"


def parse_trade_api(content: bytes, file: SnapshotFile, codes: frozenset[str]) -> Parsed:
    """One reply of the API as rows, one a variable; every code stays text.

    The reply is an array of arrays, header first, every value a string. Variables that
    end in `_YR` accumulate within the year: they get no month, and `last_month` says
    through which month they run. The row number counts the header as 1.

    Raises:
        SnapshotError: not such an array, a column missing or unknown, or no rows.
    """
    name = file.snapshot_file
    layout = API_LAYOUTS[file.layout]
    cells, rejects, variables = _api_cells(read_json(content, name), name, layout)
    cells, bad_time = reject_where(
        cells,
        ~pl.col("time").str.contains(r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"),
        "time",
        "not a month: write it as YYYY-MM",
    )
    cells, future = reject_where(
        cells,
        pl.col("time") > f"{file.known_from:%Y-%m}",
        "time",
        f"a release known from {file.known_from} cannot hold this month",
    )
    cells, bad_partner = _reject_unknown_partner(cells, "CTY_CODE", codes)
    cells, bad_level = reject_where(
        cells,
        ~pl.col("COMM_LVL").is_in(list(_CODE_LENGTHS)),
        "COMM_LVL",
        f"unknown commodity level: the parser reads {', '.join(_CODE_LENGTHS)}",
    )
    commodity = pl.col(layout.commodity)
    length = pl.col("COMM_LVL").replace_strict(_CODE_LENGTHS, return_dtype=pl.UInt32)
    is_whole = (commodity == "-") if layout.commodity != "NAICS" else (commodity == _NAICS_TOTAL)
    cells, bad_commodity = reject_where(
        cells,
        ~((commodity.str.len_chars() == length) | is_whole),
        layout.commodity,
        pl.format(
            "a code of level {} has {} characters; leading zeros must be kept", "COMM_LVL", length
        ),
    )
    long = cells.unpivot(
        on=variables,
        index=[column for column in cells.columns if column not in variables],
        variable_name="column_name",
        value_name="text",
    ).filter(pl.col("text").is_not_null())
    long, bad_number = checked_numbers(long, text="text", value="value_usd", precision=20, scale=0)
    through = pl.col("time").str.slice(5, 2).cast(pl.Int32)
    frame = long.sort(
        "row_number", pl.col("column_name").replace_strict(_places(variables))
    ).select(
        "row_number",
        "column_name",
        pl.lit(layout.endpoint).alias("endpoint"),
        pl.col("COMM_LVL").alias("comm_lvl"),
        commodity.alias("commodity_code"),
        _optional(long, layout.description).alias("commodity_name"),
        pl.col("CTY_CODE").alias("cty_code"),
        _optional(long, "CTY_NAME").alias("cty_name"),
        pl.col("time").str.slice(0, 4).cast(pl.Int32).alias("year"),
        pl.when(pl.col("column_name").str.ends_with("_MO")).then(through).alias("month"),
        through.alias("last_month"),
        pl.col("column_name").alias("variable"),
        "value_usd",
    )
    return Parsed(
        frame,
        pl.concat([rejects, bad_time, future, bad_partner, bad_level, bad_commodity, bad_number]),
    )


def _api_cells(
    reply: object, name: str, layout: ApiLayout
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """The reply's rows as text columns, its rejects, and its value columns."""
    if isinstance(reply, dict):
        raise SnapshotError(
            f"{name}: the publisher answered with an object ({_shorten(reply)}) instead of rows."
            " Correct the request and fetch again."
        )
    if not isinstance(reply, list) or not reply or not isinstance(reply[0], list):
        raise SnapshotError(f"{name}: not an array of arrays, header first. Fetch it again.")
    header = [str(column) for column in reply[0]]
    required = (layout.commodity, "time", "COMM_LVL", "CTY_CODE")
    optional = (layout.description, "CTY_NAME", "SUMMARY_LVL")
    missing = [column for column in required if column not in header]
    if missing:
        raise SnapshotError(
            f"{name}, row 1: column {', '.join(missing)} is missing. Ask for it in the request"
            " (predicates are appended as columns)."
        )
    variables = [column for column in dict.fromkeys(header) if column in layout.variables]
    unknown = set(header) - set(required) - set(optional) - layout.variables
    if unknown:
        raise SnapshotError(
            f"{name}, row 1: column {', '.join(sorted(unknown))} is not read from"
            f" {layout.endpoint}. Leave it out of the request, or give it a meaning in the layout."
        )
    if not variables:
        raise SnapshotError(
            f"{name}, row 1: no value column. Ask for one of {', '.join(sorted(layout.variables))}."
        )
    if len(reply) == 1:
        raise SnapshotError(f"{name}: a header but no rows. Check the request and fetch again.")
    columns = list(dict.fromkeys(header))
    places = {column: [i for i, c in enumerate(header) if c == column] for column in columns}
    records: list[list[object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(reply[1:], start=2):
        problem = _row_problem(row, header, places)
        if problem is None:
            records.append([number, *(row[places[column][0]] for column in columns)])
        else:
            rejects.append((number, problem[0], _shorten(row), problem[1]))
    schema = {"row_number": pl.Int64(), **{column: pl.String() for column in columns}}
    cells = pl.DataFrame(records, schema=schema, orient="row")
    return cells, rejects_frame(rejects), variables


def _row_problem(
    row: object, header: list[str], places: Mapping[str, list[int]]
) -> tuple[str | None, str] | None:
    if not isinstance(row, list) or len(row) != len(header):
        size = len(row) if isinstance(row, list) else 0
        return None, f"{size} cells where the header has {len(header)}"
    for cell, column in zip(row, header, strict=True):
        if not (cell is None or isinstance(cell, str)):
            return column, "every value of this API is text; this one is not"
    # A predicate that is also asked for appears twice.
    for column, where in places.items():
        if len({row[place] for place in where}) > 1:
            return column, "the column appears twice with different values"
    return None


def _reject_unknown_partner(
    cells: pl.DataFrame, column: str, codes: frozenset[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    padded = pl.col(column).str.zfill(4)
    return reject_where(
        cells,
        ~pl.col(column).is_in(list(codes)),
        column,
        pl.when(padded.is_in(list(codes)))
        .then(pl.format("leading zeros are lost: the code is {}; keep codes as text", padded))
        .otherwise(pl.lit(f"unknown country code: if it is a new one, add it to {PARTNER_SEED}")),
    )


def _optional(frame: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column) if column in frame.columns else pl.lit(None, dtype=pl.String)


def _places(columns: list[str]) -> dict[str, int]:
    return {column: place for place, column in enumerate(columns)}


def _shorten(value: object) -> str:
    return str(value)[:200]


_LAST_MONTH = pl.format("{}-{}", pl.col("year"), pl.col("last_month").cast(pl.String).str.zfill(2))


def _country_file_parser(seeds: Path) -> FileParser:
    codes = census_codes(seeds)
    return lambda content, file: parse_country_file(content, file, codes)


def _trade_api_parser(seeds: Path) -> FileParser:
    codes = census_codes(seeds)
    return lambda content, file: parse_trade_api(content, file, codes)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id="us_census",
        table="us_census__country_file",
        description="US goods trade with every partner and group by month and year:"
        " general imports at customs value, total exports FAS, not seasonally adjusted.",
        layouts=frozenset({COUNTRY_FILE_LAYOUT}),
        parser=_country_file_parser,
        seeds=(PARTNER_SEED,),
        columns=COUNTRY_FILE_SCHEMA,
        primary_key=("cty_code", "flow", "year", "month", "last_month"),
        values=("value_musd",),
        period=_LAST_MONTH,
        calendar="With FT-900, about the 5th of the month, for the month two"
        " before; the three prior years are restated each June.",
    ),
    SourceTable(
        source_id="us_census",
        table="us_census__trade_api",
        description="US goods trade by product, partner and month from the International"
        " Trade API: values, charges and calculated duty.",
        layouts=frozenset(API_LAYOUTS),
        parser=_trade_api_parser,
        seeds=(PARTNER_SEED,),
        columns=TRADE_API_SCHEMA,
        primary_key=(
            "endpoint",
            "comm_lvl",
            "commodity_code",
            "cty_code",
            "year",
            "month",
            "last_month",
            "variable",
        ),
        values=("value_usd",),
        period=_LAST_MONTH,
        calendar="With FT-900, about the 5th of the month, for the month two"
        " before; the three prior years are restated each June.",
    ),
)
