"""Replies of the International Trade API of the US Census Bureau."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dagster_project.sources.parsing import (
    Parsed,
    checked_numbers,
    read_json,
    reject_where,
    rejects_frame,
    shows,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.us_census.partners import (
    DETAIL,
    GROUP,
    PARTNER_SEED,
    reject_unknown,
)

TRADE_API_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "endpoint": pl.String(),
    "comm_lvl": pl.String(),
    "commodity_code": pl.String(),
    "commodity_name": pl.String(),
    "domestic_foreign": pl.String(),
    "cty_code": pl.String(),
    "cty_name": pl.String(),
    "summary_lvl": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "last_month": pl.Int32(),
    "variable": pl.String(),
    "value_usd": pl.Decimal(20, 0),
}

ALL = "-"
DOMESTIC_FOREIGN = (ALL, "1", "2")
IMPORT_STEMS = (
    *("GEN_VAL", "CON_VAL", "GEN_CIF", "CON_CIF", "GEN_CHA", "CON_CHA"),
    *("CAL_DUT", "DUT_VAL"),
)
EXPORT_STEMS = ("ALL_VAL",)

# Columns that other users of a reply request; not read here.
_IGNORED = r"^((GEN|CON)_QY[12]_(MO|YR)(_FLAG)?|QTY_[12]_(MO|YR)(_FLAG)?|UNIT_QY[12])$"


@dataclass(frozen=True)
class ApiLayout:
    """The parts of an endpoint that are read here.

    `levels` gives the publisher's name for codes of a length, if any; `totals` are the codes of all
    goods together.
    """

    endpoint: str
    commodity: str
    descriptions: tuple[str, ...]
    stems: tuple[str, ...]
    levels: Mapping[int, str]
    totals: tuple[str, ...] = (ALL,)

    @property
    def is_export(self) -> bool:
        return self.endpoint.startswith("exports/")

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(f"{stem}_{period}" for stem in self.stems for period in ("MO", "YR"))

    def is_shown(self, content: bytes, name: str) -> bool:
        """Whether a file looks like a reply of this endpoint."""
        return any(
            shows(f'"{self.commodity}"', f'"{stem}_', starts="[")(content, name)
            for stem in self.stems
        )


def _levels(prefix: str, lengths: Iterable[int]) -> dict[int, str]:
    return {length: f"{prefix}{length}" for length in lengths}


def _layouts() -> dict[str, ApiLayout]:
    systems = {
        "hs": ("{}_COMMODITY", _levels("HS", (2, 4, 6, 10)), (ALL,)),
        "naics": ("NAICS", _levels("NA", (2, 3, 4, 5, 6)), (ALL, "00")),
        "enduse": ("{}_ENDUSE", _levels("EU", (1, 3, 5)), (ALL,)),
        "sitc": ("SITC", _levels("SI", (1, 2, 3, 4, 5)), (ALL,)),
        "hitech": ("HITECH", _levels("HT", (2,)), (ALL,)),
    }
    layouts = {}
    for direction, letter, stems in (
        ("imports", "I", IMPORT_STEMS),
        ("exports", "E", EXPORT_STEMS),
    ):
        for system, (commodity, levels, totals) in systems.items():
            name = commodity.format(letter)
            layouts[f"census_api_{direction}_{system}"] = ApiLayout(
                endpoint=f"{direction}/{system}",
                commodity=name,
                descriptions=tuple(f"{name}_{end}" for end in ("SDESC", "LDESC", "DESC")),
                stems=stems,
                levels=levels,
                totals=totals,
            )
    return layouts


API_LAYOUTS: Mapping[str, ApiLayout] = _layouts()


def parse_trade_api(content: bytes, file: SnapshotFile, codes: Mapping[str, str]) -> Parsed:
    """One reply of the API as rows, one per variable; every code stays text.

    The reply is an array of arrays, header first, every value a string. A dimension missing from
    the reply (product, domestic or foreign) is a total. Variables that end in `_YR` accumulate
    within the year: they get no month, and `last_month` says through which month they run. The row
    number counts the header as 1.

    Args:
        codes: the known partner codes with their summary level.

    Raises:
        SnapshotError: not such an array, a column missing or unknown, or no rows.
    """
    name = file.snapshot_file
    layout = API_LAYOUTS[file.layout]
    cells, rejects, variables = _api_cells(read_json(content, name), name, layout)
    kept, problems = _checked(cells, layout, file, codes)
    long = kept.unpivot(
        on=variables,
        index=[column for column in kept.columns if column not in variables],
        variable_name="column_name",
        value_name="text",
    ).filter(pl.col("text").is_not_null())
    long, bad_number = checked_numbers(long, text="text", value="value_usd", precision=20, scale=0)
    through = pl.col("time").str.slice(5, 2).cast(pl.Int32)
    places = {column: place for place, column in enumerate(variables)}
    frame = long.sort("row_number", pl.col("column_name").replace_strict(places)).select(
        "row_number",
        "column_name",
        pl.lit(layout.endpoint).alias("endpoint"),
        pl.col("COMM_LVL").alias("comm_lvl"),
        pl.col(layout.commodity).alias("commodity_code"),
        pl.coalesce(*(_optional(long, one) for one in layout.descriptions)).alias("commodity_name"),
        pl.col("DF").alias("domestic_foreign"),
        pl.col("CTY_CODE").alias("cty_code"),
        _optional(long, "CTY_NAME").alias("cty_name"),
        pl.col("SUMMARY_LVL").alias("summary_lvl"),
        pl.col("time").str.slice(0, 4).cast(pl.Int32).alias("year"),
        pl.when(pl.col("column_name").str.ends_with("_MO")).then(through).alias("month"),
        through.alias("last_month"),
        pl.col("column_name").alias("variable"),
        "value_usd",
    )
    return Parsed(frame, pl.concat([rejects, *problems, bad_number]))


def _completed(cells: pl.DataFrame, layout: ApiLayout, codes: Mapping[str, str]) -> pl.DataFrame:
    """The cells with every dimension as a column, including implied ones."""
    commodity = pl.col(layout.commodity)
    understood = {
        "time": _month_of(cells),
        "SUMMARY_LVL": pl.col("CTY_CODE").replace_strict(codes, default=None),
        "DF": pl.lit(ALL),
        layout.commodity: pl.lit(ALL),
    }
    cells = cells.with_columns(
        text.alias(column) for column, text in understood.items() if column not in cells.columns
    )
    if "COMM_LVL" in cells.columns:
        return cells
    by_length = commodity.str.len_chars().cast(pl.Int64).replace_strict(layout.levels, default=None)
    return cells.with_columns(
        pl.when(commodity.is_in(layout.totals))
        .then(pl.lit(ALL))
        .otherwise(by_length)
        .alias("COMM_LVL")
    )


def _month_of(cells: pl.DataFrame) -> pl.Expr:
    return pl.format("{}-{}", "YEAR", "MONTH") if "YEAR" in cells.columns else pl.lit("")


def _checked(
    cells: pl.DataFrame, layout: ApiLayout, file: SnapshotFile, codes: Mapping[str, str]
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The rows with valid dimensions, and the rejects."""
    cells, unknown_partner = reject_unknown(_completed(cells, layout, codes), "CTY_CODE", codes)
    commodity = pl.col(layout.commodity)
    lengths = {level: length for length, level in layout.levels.items()}
    length = pl.col("COMM_LVL").replace_strict(lengths, default=0, return_dtype=pl.UInt32)
    checks: list[tuple[str, pl.Expr, pl.Expr | str]] = [
        (
            "time",
            ~pl.col("time").str.contains(r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"),
            "not a month: write it as YYYY-MM",
        ),
        (
            "time",
            pl.col("time") > f"{file.known_from:%Y-%m}",
            f"a release known from {file.known_from} cannot hold this month",
        ),
        (
            "SUMMARY_LVL",
            pl.col("SUMMARY_LVL") != pl.col("CTY_CODE").replace_strict(codes, default=None),
            pl.format(
                f"{{}} is {GROUP}, a group, or {DETAIL}, a country: {PARTNER_SEED} says the other",
                "CTY_CODE",
            ),
        ),
        (
            "DF",
            ~pl.col("DF").is_in(DOMESTIC_FOREIGN),
            "neither 1 (domestic) nor 2 (foreign) nor - (both)",
        ),
        (
            "COMM_LVL",
            ~pl.col("COMM_LVL").is_in([*lengths, ALL]),
            f"unknown commodity level: the parser reads {', '.join([*lengths, ALL])}",
        ),
        (
            layout.commodity,
            ~((commodity.str.len_chars() == length) | commodity.is_in(layout.totals)),
            pl.format(
                "a code of level {} has {} characters; leading zeros must be kept",
                "COMM_LVL",
                length,
            ),
        ),
    ]
    if {"time", "YEAR", "MONTH"} <= set(cells.columns):
        is_other = pl.col("time") != pl.format("{}-{}", "YEAR", "MONTH")
        checks.append(("time", is_other, "contradicts YEAR and MONTH of its row"))
    rejects = [unknown_partner]
    for column, is_bad, reason in checks:
        cells, bad = reject_where(cells, is_bad, column, reason)
        rejects.append(bad)
    return cells, rejects


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
    variables = value_columns(header, name, layout)
    if len(reply) == 1:
        raise SnapshotError(f"{name}: a header but no rows. Check the request and fetch again.")
    columns = [column for column in dict.fromkeys(header) if not re.fullmatch(_IGNORED, column)]
    places = {column: [i for i, c in enumerate(header) if c == column] for column in columns}
    repeated = {column: where for column, where in places.items() if len(where) > 1}
    first = [where[0] for where in places.values()]
    records: list[list[object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(reply[1:], start=2):
        problem = _row_problem(row, header, repeated)
        if problem is None:
            records.append([number, *(row[place] for place in first)])
        else:
            rejects.append((number, problem[0], _shorten(row), problem[1]))
    schema = {"row_number": pl.Int64(), **{column: pl.String() for column in columns}}
    cells = pl.DataFrame(records, schema=schema, orient="row")
    return cells, rejects_frame(rejects), variables


def value_columns(header: Sequence[str], name: str, layout: ApiLayout) -> list[str]:
    """The columns of a reply that hold figures, in its order.

    Raises:
        SnapshotError: a column is missing, or an extra one would split the figures by an unknown
        dimension.
    """
    known = {
        *("time", "YEAR", "MONTH", "COMM_LVL", "CTY_CODE", "CTY_NAME", "SUMMARY_LVL"),
        *(layout.commodity, *layout.descriptions),
        *(("DF",) if layout.is_export else ()),
        *layout.variables,
    }
    required = [*([] if {"YEAR", "MONTH"} <= set(header) else ["time"]), "CTY_CODE"]
    # A level without its codes would present parts as the total.
    required += [layout.commodity] if {"COMM_LVL", *layout.descriptions} & set(header) else []
    missing = [column for column in required if column not in header]
    if missing:
        raise SnapshotError(
            f"{name}, row 1: column {', '.join(missing)} is missing. Add it to the request"
            " (predicates are appended as columns)."
        )
    unknown = [
        column for column in header if column not in known and not re.fullmatch(_IGNORED, column)
    ]
    if unknown:
        raise SnapshotError(
            f"{name}, row 1: column {', '.join(sorted(unknown))} is not read from"
            f" {layout.endpoint}. Leave it out of the request, or give it a meaning in the layout."
        )
    variables = [column for column in dict.fromkeys(header) if column in layout.variables]
    if not variables:
        raise SnapshotError(
            f"{name}, row 1: no value column. Request one of {', '.join(sorted(layout.variables))}."
        )
    return variables


def _row_problem(
    row: object, header: list[str], repeated: Mapping[str, list[int]]
) -> tuple[str | None, str] | None:
    if not isinstance(row, list) or len(row) != len(header):
        size = len(row) if isinstance(row, list) else 0
        return None, f"{size} cells where the header has {len(header)}"
    for cell, column in zip(row, header, strict=True):
        if not (cell is None or isinstance(cell, str)):
            return column, "every value of this API is text; this one is not"
    # A predicate that is also requested appears twice.
    for column, where in repeated.items():
        if len({row[place] for place in where}) > 1:
            return column, "the column appears twice with different values"
    return None


def _optional(frame: pl.DataFrame, column: str) -> pl.Expr:
    return pl.col(column) if column in frame.columns else pl.lit(None, dtype=pl.String)


def _shorten(value: object) -> str:
    return str(value)[:200]
