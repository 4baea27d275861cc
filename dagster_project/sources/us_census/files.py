"""Reads replies of the International Trade API of the US Census Bureau, and its partner codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.sources.formats import csv_records, decode, read_json, shows
from dagster_project.sources.parsing import (
    Check,
    Parsed,
    checked_numbers,
    not_after,
    read_seed,
    reject_faulty,
    rejects_frame,
    with_zeros,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile

SOURCE = "us_census"
PARTNER_SEED = "census_partners.csv"
PARTNER_COLUMNS = ("census_code", "partner_code", "is_aggregate", "partner_list")
# All products, all countries, or domestic and foreign exports together.
ALL = "-"
# The levels of partners: a country, or a group of countries. The publisher gives the total of all
# countries the level of a country.
DETAIL, GROUP = "DET", "CGP"
DOMESTIC_FOREIGN = (ALL, "1", "2")

TRADE_API_TABLE = "us_census__trade_api"
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

# Columns that other users of the API request. They are not read here.
_IGNORED = r"^((GEN|CON)_QY[12]_(MO|YR)(_FLAG)?|QTY_[12]_(MO|YR)(_FLAG)?|UNIT_QY[12])$"


@dataclass(frozen=True)
class ApiLayout:
    """The parts of an endpoint that are read here.

    `levels` gives the publisher's name of a level by the length of its codes, if there is a name.
    `totals` are the codes of all goods together.
    """

    direction: str
    system: str
    commodity: str
    levels: Mapping[int, str]
    totals: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"census_api_{self.direction}_{self.system}"

    @property
    def endpoint(self) -> str:
        return f"{self.direction}/{self.system}"

    @property
    def stems(self) -> tuple[str, ...]:
        return _STEMS[self.direction]

    @property
    def descriptions(self) -> tuple[str, ...]:
        return tuple(f"{self.commodity}_{ending}" for ending in ("SDESC", "LDESC", "DESC"))

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(f"{stem}_{period}" for stem in self.stems for period in ("MO", "YR"))

    def is_table(self, content: bytes) -> bool:
        """Whether a file is CSV with the columns of this endpoint."""
        if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
            return False
        first_line = content.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
        columns = first_line.decode(errors="replace").replace('"', "").strip().split(",")
        return self.commodity in columns and bool(self.variables.intersection(columns))

    def is_shown(self, content: bytes, name: str) -> bool:
        """Whether a file looks like a reply of this endpoint, or its rows saved as CSV."""
        return self.is_table(content) or any(
            shows(f'"{self.commodity}"', f'"{stem}_', starts="[")(content, name)
            for stem in self.stems
        )


_STEMS = {
    "imports": (
        *("GEN_VAL", "CON_VAL", "GEN_CIF", "CON_CIF", "GEN_CHA", "CON_CHA"),
        *("CAL_DUT", "DUT_VAL"),
    ),
    "exports": ("ALL_VAL",),
}
# Product system → column of codes, prefix of level names, lengths of codes, totals.
_SYSTEMS = {
    "hs": ("{}_COMMODITY", "HS", (2, 4, 6, 10), (ALL,)),
    "naics": ("NAICS", "NA", (2, 3, 4, 5, 6), (ALL, "00")),
    "enduse": ("{}_ENDUSE", "EU", (1, 3, 5), (ALL,)),
    "sitc": ("SITC", "SI", (1, 2, 3, 4, 5), (ALL,)),
    "hitech": ("HITECH", "HT", (2,), (ALL,)),
}
_LAYOUTS = (
    ApiLayout(
        direction,
        system,
        commodity.format(direction[0].upper()),
        {length: f"{prefix}{length}" for length in lengths},
        totals,
    )
    for direction in _STEMS
    for system, (commodity, prefix, lengths, totals) in _SYSTEMS.items()
)
API_LAYOUTS: Mapping[str, ApiLayout] = {layout.name: layout for layout in _LAYOUTS}


def census_codes(seeds: Path) -> dict[str, str]:
    """Every known code with its summary level: DET or CGP."""
    return {
        row["census_code"]: GROUP
        if row["is_aggregate"] == "true" and row["census_code"] != ALL
        else DETAIL
        for row in read_seed(seeds, PARTNER_SEED, *PARTNER_COLUMNS)
    }


def unknown_partner(codes: Mapping[str, str]) -> Check:
    """A check for partner codes that are not in the seed."""
    return Check(
        ~pl.col("CTY_CODE").is_in(list(codes)),
        "CTY_CODE",
        f"unknown country code: if it is a new one, add it to {PARTNER_SEED}",
    )


def parse_trade_api(content: bytes, file: SnapshotFile, codes: Mapping[str, str]) -> Parsed:
    """Return one reply of the API as rows, one per variable. Every code stays text.

    The reply is an array of arrays with the header first, and every value is a string. Scripts save
    it as an array of objects or as CSV, and text as numbers: leading zeros of partner codes are
    then restored. A dimension that is missing from the reply (product, domestic or foreign) is
    taken as the total. Variables that end in `_YR` are sums for the year to date. They get no
    month, and `last_month` is the month through which they run. The row number counts the header
    as 1.

    Args:
        codes: the known partner codes with their summary level.

    Raises:
        SnapshotError: the reply is not such an array, a column is missing or unknown, or there are
        no rows.
    """
    name = file.snapshot_file
    layout = API_LAYOUTS[file.layout]
    cells, rejects, variables = _api_cells(_api_rows(content, name, layout), name, layout)
    cells = cells.with_columns(with_zeros("CTY_CODE", 4, codes))
    cells = _completed(cells, layout, codes)
    checks = _api_checks(layout, file, codes, cells.columns)
    cells, faulty = reject_faulty(cells, checks)
    long = cells.unpivot(
        on=variables,
        index=[column for column in cells.columns if column not in variables],
        variable_name="column_name",
        value_name="text",
    ).filter(pl.col("text").is_not_null())
    long, bad_number = checked_numbers(long, text="text", value="value_usd", precision=20, scale=0)
    through = pl.col("time").str.slice(5, 2).cast(pl.Int32)
    frame = long.sort("row_number", maintain_order=True).select(
        "row_number",
        "column_name",
        endpoint=pl.lit(layout.endpoint),
        comm_lvl="COMM_LVL",
        commodity_code=layout.commodity,
        commodity_name=pl.coalesce(layout.descriptions),
        domestic_foreign="DF",
        cty_code="CTY_CODE",
        cty_name="CTY_NAME",
        summary_lvl="SUMMARY_LVL",
        year=pl.col("time").str.slice(0, 4).cast(pl.Int32),
        month=pl.when(pl.col("column_name").str.ends_with("_MO")).then(through),
        last_month=through,
        variable="column_name",
        value_usd="value_usd",
    )
    return Parsed(frame, pl.concat([rejects, *(bad for _, bad in faulty), bad_number]))


def _api_rows(content: bytes, name: str, layout: ApiLayout) -> object:
    """A reply as the publisher sends it, whatever form a script saved it in."""
    if layout.is_table(content):
        header, *rows = (record for _, record in csv_records(decode(content, name), name))
        # The number that scripts put before each row.
        kept = slice(1 if header[0] in ("", "Unnamed: 0") else 0, None)
        return [header[kept], *([cell or None for cell in row[kept]] for row in rows if row)]
    reply = read_json(content, name)
    objects = [row for row in reply if isinstance(row, dict)] if isinstance(reply, list) else []
    if isinstance(reply, list) and objects:
        header = list(dict.fromkeys(column for row in objects for column in row))
        return [
            header,
            *(
                [row.get(column) for column in header] if isinstance(row, dict) else row
                for row in reply
            ),
        ]
    return reply


def _api_cells(
    reply: object, name: str, layout: ApiLayout
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """The reply's rows as text columns, its rejects, and its value columns."""
    if isinstance(reply, dict):
        raise SnapshotError(
            f"{name}: the publisher answered with an object ({str(reply)[:200]}) instead of rows."
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
    records: list[list[object]] = []
    rejects: list[tuple[int, str | None, str | None, str]] = []
    for number, row in enumerate(reply[1:], start=2):
        problem = _row_problem(row, header, places, variables)
        if problem is None:
            records.append([number, *(_text(row[where[0]]) for where in places.values())])
        else:
            rejects.append((number, problem[0], str(row)[:200], problem[1]))
    schema = {"row_number": pl.Int64(), **{column: pl.String() for column in columns}}
    cells = pl.DataFrame(records, schema=schema, orient="row")
    return cells, rejects_frame(rejects), variables


def value_columns(header: Sequence[str], name: str, layout: ApiLayout) -> list[str]:
    """Return the columns of a reply that have figures, in the order of the reply.

    Raises:
        SnapshotError: a column is missing, or an extra one would split the figures by an unknown
        dimension.
    """
    known = {
        *("time", "YEAR", "MONTH", "COMM_LVL", "CTY_CODE", "CTY_NAME", "SUMMARY_LVL"),
        *(layout.commodity, *layout.descriptions),
        *(("DF",) if layout.direction == "exports" else ()),
        *layout.variables,
    }
    required = [*([] if {"YEAR", "MONTH"} <= set(header) else ["time"]), "CTY_CODE"]
    # Without the codes of a level, its parts would be read as the total.
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
    row: object, header: list[str], places: Mapping[str, list[int]], variables: Sequence[str]
) -> tuple[str | None, str] | None:
    if not isinstance(row, list) or len(row) != len(header):
        size = len(row) if isinstance(row, list) else 0
        return None, f"{size} cells where the header has {len(header)}"
    for cell, column in zip(row, header, strict=True):
        if isinstance(cell, bool | dict | list):
            return column, "neither text nor a number"
    # A predicate that is also requested appears twice.
    for column, where in places.items():
        if len(where) > 1 and len({row[place] for place in where}) > 1:
            return column, "the column appears twice with different values"
    if all(row[places[variable][0]] is None for variable in variables):
        return variables[0], "the value is missing"
    return None


def _text(cell: object) -> str | None:
    """A cell as the publisher prints it; scripts store whole numbers as 125 or 125.0."""
    if cell is None:
        return None
    return re.sub(r"^([0-9]+)\.0+$", r"\1", str(cell))


def _completed(cells: pl.DataFrame, layout: ApiLayout, codes: Mapping[str, str]) -> pl.DataFrame:
    """Add the implied dimensions and names, so that each one is a column."""
    commodity = pl.col(layout.commodity)
    by_length = commodity.str.len_chars().cast(pl.Int64).replace_strict(layout.levels, default=None)
    understood = {
        "time": pl.format("{}-{}", "YEAR", "MONTH"),
        "SUMMARY_LVL": pl.col("CTY_CODE").replace_strict(codes, default=None),
        "DF": pl.lit(ALL),
        layout.commodity: pl.lit(ALL),
        "COMM_LVL": pl.when(commodity.is_in(layout.totals)).then(pl.lit(ALL)).otherwise(by_length),
        **dict.fromkeys(("CTY_NAME", *layout.descriptions), pl.lit(None, dtype=pl.String)),
    }
    for column, text in understood.items():
        if column not in cells.columns:
            cells = cells.with_columns(text.alias(column))
    return cells


def _api_checks(
    layout: ApiLayout, file: SnapshotFile, codes: Mapping[str, str], columns: Sequence[str]
) -> list[Check]:
    """What makes a row unusable: its partner, time, level or code."""
    commodity = pl.col(layout.commodity)
    lengths = {level: length for length, level in layout.levels.items()}
    length = pl.col("COMM_LVL").replace_strict(lengths, default=0, return_dtype=pl.UInt32)
    checks = [
        unknown_partner(codes),
        Check(
            ~pl.col("time").str.contains(r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"),
            "time",
            "not a month: write it as YYYY-MM",
        ),
        not_after("time", file.known_from, "%Y-%m"),
        Check(
            pl.col("SUMMARY_LVL") != pl.col("CTY_CODE").replace_strict(codes, default=None),
            "SUMMARY_LVL",
            pl.format(
                f"{{}} is {GROUP}, a group, or {DETAIL}, a country: {PARTNER_SEED} says the other",
                "CTY_CODE",
            ),
        ),
        Check(
            ~pl.col("DF").is_in(DOMESTIC_FOREIGN),
            "DF",
            "neither 1 (domestic) nor 2 (foreign) nor - (both)",
        ),
        Check(
            ~pl.col("COMM_LVL").is_in([*lengths, ALL]),
            "COMM_LVL",
            f"unknown commodity level: the parser reads {', '.join([*lengths, ALL])}",
        ),
        Check(
            ~((commodity.str.len_chars() == length) | commodity.is_in(layout.totals)),
            layout.commodity,
            pl.format(
                "a code of level {} has {} characters; leading zeros must be kept",
                "COMM_LVL",
                length,
            ),
        ),
    ]
    if {"time", "YEAR", "MONTH"} <= set(columns):
        is_other = pl.col("time") != pl.format("{}-{}", "YEAR", "MONTH")
        checks.append(Check(is_other, "time", "contradicts YEAR and MONTH of its row"))
    return checks
