"""FRED, Federal Reserve Bank of St. Louis: country series copied from the US Census Bureau."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    Limits,
    Plan,
    Refused,
    Reply,
    ReplyResult,
    Request,
    Selection,
    SelectionError,
    SourceInfo,
    Terms,
    TryAgain,
)
from dagster_project.sources.formats import decode, read_csv_cells
from dagster_project.sources.parsing import (
    Parsed,
    checked_numbers,
    closest,
    read_seed,
    reject_where,
    too_late,
    without_noise,
)
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.snapshot import Covers, SnapshotError, SnapshotFile

SOURCE = "fred"
TABLE = "fred__series"
LAYOUT = "fred_graph_csv"
SERIES_SEED = "fred_series.csv"

SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "series_id": pl.String(),
    "year": pl.Int32(),
    "month": pl.Int32(),
    "value_musd": pl.Decimal(18, 6),
    "rounding_musd": pl.Decimal(18, 6),
}

_ADDRESS = "https://fred.stlouisfed.org/graph/fredgraph.csv"
# The name of the first column: since 2024, and in files saved before.
_DATES = ("observation_date", "DATE")
_SERIES_ID = re.compile(r"[A-Z0-9_]+")
_MISSING = ("", ".")
# The most series that clients request at once; series of one frequency share a file.
_SERIES_PER_REQUEST = 10
_UNIT = "USD mn"


Series = Mapping[str, str]


def fred_series(seeds: Path) -> dict[str, Series]:
    """The series that the project knows, by id: the rows of the seed."""
    rows = read_seed(seeds, SERIES_SEED)
    for row in rows:
        if row["unit"] != _UNIT:
            raise SnapshotError(
                f"seed {SERIES_SEED}: {row['series_id']} is in {row['unit']!r}; the parser reads"
                f" {_UNIT} alone."
            )
    return {row["series_id"]: row for row in rows}


def parse_series(content: bytes, file: SnapshotFile, known: Mapping[str, Series]) -> Parsed:
    """One download as rows, one per figure; a month without a figure gives no row.

    Values are USD millions as published. Trailing zeros are dropped cell by cell and older months
    have fewer decimals, so the longest figure of a series' year gives the rounding unit of that
    year.

    Raises:
        SnapshotError: see `read_csv_cells`; or a series that is not in the seed.
    """
    name = file.snapshot_file
    first, *series = _header(content)
    day = first if first in _DATES else _DATES[0]
    unknown = [one for one in series if one not in known]
    if unknown:
        raise SnapshotError(
            f"{name}, line 1: no series {', '.join(unknown)} in seed {SERIES_SEED}"
            f" ({closest(unknown[0], known)}). Add it with its measure, or leave it out."
        )
    cells, rejects = read_csv_cells(content, name, (day, *series))
    cells, bad_date = reject_where(
        cells,
        ~pl.col(day).str.contains(r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-01$"),
        day,
        "not the first day of a month: these series are monthly, written YYYY-MM-01",
    )
    cells, future = reject_where(
        cells,
        pl.col(day).str.slice(0, 7) > f"{file.known_from:%Y-%m}",
        day,
        too_late(file.known_from),
    )
    long = (
        cells.with_columns(
            pl.col(day).str.slice(0, 4).cast(pl.Int32).alias("year"),
            pl.col(day).str.slice(5, 2).cast(pl.Int32).alias("month"),
        )
        .unpivot(
            on=series,
            index=["row_number", "year", "month"],
            variable_name="column_name",
            value_name="text",
        )
        .filter(~pl.col("text").is_in(_MISSING))
        .with_columns(without_noise(pl.col("text")))
    )
    long, bad_number = checked_numbers(long, text="text", value="value_musd", precision=18, scale=6)
    decimals = pl.col("text").str.extract(r"\.([0-9]+)$").str.len_chars().fill_null(0)
    places = {column: place for place, column in enumerate(series)}
    frame = (
        long.with_columns(
            decimals.max()
            .over("column_name", "year")
            .replace_strict(_UNITS, return_dtype=pl.String)
            .cast(pl.Decimal(18, 6))
            .alias("rounding_musd"),
            pl.col("column_name").alias("series_id"),
        )
        .sort("row_number", pl.col("column_name").replace_strict(places, return_dtype=pl.Int64))
        .select(list(SCHEMA))
    )
    return Parsed(frame, pl.concat([rejects, bad_date, future, bad_number]))


_UNITS = {0: "1", **{places: f"0.{'1':0>{places}}" for places in range(1, 7)}}


def _header(content: bytes) -> list[str]:
    """The names of the first line; `read_csv_cells` reports files that are not CSV."""
    first = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    return [one.strip('"') for one in first.rstrip("\r").split(",")]


def is_series(content: bytes, _name: str) -> bool:
    """Whether a file looks like a download: a column of dates, then series."""
    first, *series = _header(content)
    return first in _DATES and bool(series) and all(map(_SERIES_ID.fullmatch, series))


class Fred(Connector):
    """Series of one country each, several in a file."""

    about = SourceInfo(
        source_id=SOURCE,
        title="FRED, Federal Reserve Bank of St. Louis: US goods trade by country",
        gives="A copy of the US Census Bureau's country series: total exports FAS and general"
        " imports at customs value by month, USD millions, not seasonally adjusted",
        coverage="Reporter USA; the partners of seed fred_series; months from 1985.",
        levels=("total",),
        hosts=("fred.stlouisfed.org",),
        limits=Limits(per_second=1.0, per_day=None, per_day_with_key=None),
        key=None,
        terms=Terms("Figures of the US Census Bureau, public domain; FRED requests citation", True),
        calendar="With FT-900, about the 5th of the month, for the month two earlier; the three"
        " prior years are restated each June.",
        verified=True,
        verified_against="one series as downloaded in March 2026; no error reply was seen",
        notes=(
            "To add a series, add a row to seed fred_series that says what it measures.",
            "No request limit is published: one per second is used. The site's bot"
            " protection may refuse a program; then try later.",
        ),
    )

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """As many series per request as may share one, with all requested months."""
        series = _asked_series(selection, fred_series(seeds))
        first, last = f"{selection.first:%Y-%m}", f"{selection.last:%Y-%m}"
        chunks = tuple(
            _chunk(series[start : start + _SERIES_PER_REQUEST], first, last)
            for start in range(0, len(series), _SERIES_PER_REQUEST)
        )
        return Plan(
            source_id=SOURCE,
            selection=selection,
            chunks=chunks,
            expected_requests=len(chunks),
            fewest=len(chunks),
        )

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        """Classify a reply: a file of the requested series, or a web page with the reason."""
        where = f"{SOURCE}, {chunk.name} ({chunk.request.stored_address})"
        if reply.status in (400, 404):
            raise Refused(
                f"{where}: status {reply.status}. FRED does not know one of the series or months:"
                f" check their pages and correct seed {SERIES_SEED}."
            )
        asked = dict(chunk.request.parameters)["id"].split(",")
        columns = [_DATES[0], *asked]
        try:
            lines = decode(reply.content, where).splitlines()
            header = _header(reply.content)
            if header != columns and set(header) & set(columns):
                raise Refused(
                    f"{where}: the columns are {','.join(header)[:120]!r} instead of"
                    f" {','.join(columns)!r}. The layout has changed: check the series' pages."
                )
            if header == columns and len(lines) == 1:
                return ReplyResult(b"")
            cells, _ = read_csv_cells(reply.content, where, columns)
        except SnapshotError as error:
            raise TryAgain(f"status {reply.status}: {error}") from error
        if reply.status != 200:
            raise TryAgain(f"{where}: status {reply.status} with a file.")
        has_figures = cells.select(
            pl.any_horizontal(~pl.col(one).is_in(_MISSING) for one in asked).any()
        ).item()
        return ReplyResult(reply.content if has_figures else b"")


def _asked_series(selection: Selection, known: Mapping[str, Series]) -> list[Series]:
    if selection.level != "total" or selection.products:
        raise SelectionError(
            f"{SOURCE}: gives all products together. Select level total without products."
        )
    if selection.frequency != "M":
        raise SelectionError(
            f"{SOURCE}: gives months only. Select frequency M; twelve months make a year."
        )
    if selection.first > selection.last:
        raise SelectionError(
            f"{SOURCE}: the first month {selection.first:%Y-%m} is after the last,"
            f" {selection.last:%Y-%m}. Change their order."
        )
    for word, asked, there in (
        ("reporter", selection.reporters, {one["reporter_iso3"] for one in known.values()}),
        ("partner", selection.partners, {one["partner_code"] for one in known.values()}),
    ):
        for code in asked:
            if code not in there:
                raise SelectionError(
                    f"{SOURCE}: no series of {word} {code!r}: {closest(code, there)}. Known series"
                    f" are listed in seed {SERIES_SEED}."
                )
    last = f"{selection.last:%Y-%m}"
    series = [
        one
        for one in known.values()
        if one["flow"] in selection.flows
        and (not selection.reporters or one["reporter_iso3"] in selection.reporters)
        and (not selection.partners or one["partner_code"] in selection.partners)
        and one["first_period"] <= last
    ]
    if not series:
        raise SelectionError(
            f"{SOURCE}: no series of these partners and flows begins by {last}. Select later"
            " months."
        )
    return sorted(series, key=lambda one: one["series_id"])


def _chunk(series: Sequence[Series], first: str, last: str) -> Chunk:
    ids = [one["series_id"] for one in series]
    months = sum(_months(max(first, one["first_period"]), last) for one in series)
    return Chunk(
        name=f"{'-'.join(ids)}_{first}_{last}.csv",
        table=TABLE,
        layout=LAYOUT,
        # Bounds are given once per series; a single pair would apply to none of several.
        request=Request(
            _ADDRESS,
            (
                ("id", ",".join(ids)),
                ("cosd", ",".join(f"{first}-01" for _ in ids)),
                ("coed", ",".join(f"{last}-01" for _ in ids)),
            ),
        ),
        covers=Covers({"series_id": tuple(ids)}, first, last),
        expected_rows=months,
    )


def _months(first: str, last: str) -> int:
    begin, end = date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last}-01")
    return (end.year - begin.year) * 12 + end.month - begin.month + 1


def _series_parser(seeds: Path) -> FileParser:
    known = fred_series(seeds)
    return lambda content, file: parse_series(content, file, known)


CONNECTOR = Fred()

TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id=SOURCE,
        table=TABLE,
        description="US goods trade with single countries by month, as FRED copies it from the"
        " Census Bureau: total exports FAS, general imports at customs value.",
        layouts=frozenset({LAYOUT}),
        layout_detectors={LAYOUT: is_series},
        parser=_series_parser,
        seeds=(SERIES_SEED,),
        columns=SCHEMA,
        primary_key=("series_id", "year", "month"),
        values=("value_musd",),
        period=pl.format("{}-{}", pl.col("year"), pl.col("month").cast(pl.String).str.zfill(2)),
        calendar=CONNECTOR.about.calendar,
    ),
)
