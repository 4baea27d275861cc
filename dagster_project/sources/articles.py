"""Claims quoted in articles, and the articles they come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import polars as pl

from dagster_project.sources.amounts import Unit, read_amount, read_unit, with_decimal_point
from dagster_project.sources.claim_problems import NUMBER, claim_problems, places_of
from dagster_project.sources.claim_vocabulary import (
    VOCABULARY_SEEDS,
    ClaimVocabulary,
    vocabulary_from_seeds,
)
from dagster_project.sources.formats import shows
from dagster_project.sources.parsing import (
    Parsed,
    reject_duplicates,
    reject_where,
    rejects_frame,
)
from dagster_project.sources.periods import CALENDAR_YEAR, in_months
from dagster_project.sources.place_names import place_key
from dagster_project.sources.raw import FileParser, SourceTable
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.spreadsheets import COMMA, read_spreadsheet_cells
from dagster_project.sources.workbooks import readable

CLAIMS_LAYOUT = "claims"
DOCUMENTS_LAYOUT = "documents"

# In the inbox, a claims file has ids: a file of printed figures has the other columns too.
_shows_claims = shows("claim_id", "document_id", "base_period")
_may_be_claims = shows("measure", "reporter", "partner", "period", "value")
_shows_documents = shows("document_id", "title_in_short", "published_on")

CLAIMS_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "claim_id": pl.String(),
    "document_id": pl.String(),
    "says": pl.String(),
    "quoted": pl.String(),
    "confidence": pl.String(),
    "trade_kind": pl.String(),
    "measure": pl.String(),
    "reporter": pl.String(),
    "partner": pl.String(),
    "sector": pl.String(),
    "period": pl.String(),
    "base_period": pl.String(),
    "value": pl.Decimal(20, 6),
    "unit": pl.String(),
    "rounding": pl.Decimal(20, 6),
    "hedge": pl.String(),
    "attributed_to": pl.String(),
    "compared_with": pl.String(),
}

DOCUMENTS_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "document_id": pl.String(),
    "publisher": pl.String(),
    "title_in_short": pl.String(),
    "published_on": pl.Date(),
    "seed_file": pl.String(),
    "address": pl.String(),
    "article_sha256": pl.String(),
}

_LINEAGE = ("row_number", "column_name")
CLAIM_COLUMNS = tuple(column for column in CLAIMS_SCHEMA if column not in _LINEAGE)
DOCUMENT_COLUMNS = tuple(column for column in DOCUMENTS_SCHEMA if column not in _LINEAGE)
# What a claims file has to say; a column that it leaves out, or an empty cell, says the usual.
_CLAIM_NEEDS = ("measure", "reporter", "partner", "period", "value")
_USUAL = {"trade_kind": "goods", "sector": "total", "hedge": "exact"}
_DOCUMENTS_MAY_LACK = frozenset({"publisher", "seed_file", "address", "article_sha256"})
# A row whose claim_id begins so is a note, and no claim.
_COMMENT = "#"


def read_claims(path: Path, vocabulary: ClaimVocabulary) -> Parsed:
    """The claims of a file, and every problem of the rows that cannot be checked.

    Raises:
        SnapshotError: the file cannot be read at all, lacks a column, or has no rows.
    """
    return parse_claims(_read(path, CLAIMS_LAYOUT, _may_be_claims), str(path), vocabulary)


def read_documents(path: Path) -> Parsed:
    """The documents of a file.

    Raises:
        SnapshotError: see `read_claims`.
    """
    return parse_documents(_read(path, DOCUMENTS_LAYOUT, _shows_documents), str(path))


def _read(path: Path, layout: str, is_shown: Callable[[bytes, str], bool]) -> bytes:
    """The content of a file, or the sheet of a workbook with the layout as CSV."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SnapshotError(
            f"{path}: cannot be read ({error.strerror}). Check the path of the {layout} file."
        ) from error
    return readable(content, str(path), layout, is_shown)


def parse_claims(content: bytes, name: str, vocabulary: ClaimVocabulary) -> Parsed:
    """See `read_claims`; `name` is what error messages call the file."""
    others = [column for column in CLAIM_COLUMNS if column not in _CLAIM_NEEDS]
    cells, rejects, separator = read_spreadsheet_cells(content, name, _CLAIM_NEEDS, others)
    # A list without ids is one text, of which each line is a claim.
    absent = dict.fromkeys(CLAIM_COLUMNS, pl.lit("")) | {
        "claim_id": pl.format("line {}", "row_number"),
        "document_id": pl.lit(Path(name).stem),
        "says": pl.concat_str("measure", "period", "value", separator=" "),
    }
    if "claim_id" in cells.columns:
        # Rows that `bilateral read` offers as other readings.
        cells = cells.filter(~pl.col("claim_id").str.starts_with(_COMMENT))
    cells = cells.select(
        "row_number",
        *(
            pl.col(column) if column in cells.columns else absent[column].alias(column)
            for column in CLAIM_COLUMNS
        ),
    )
    good: list[dict[str, object]] = []
    problems: list[tuple[int, str | None, str | None, str]] = []
    for row in cells.iter_rows(named=True):
        written = {column: row[column] for column in CLAIM_COLUMNS}
        read = _in_codes(written, vocabulary, has_decimal_commas=separator != COMMA)
        read = _with_usual(read)
        found = claim_problems(read, vocabulary)
        if found:
            problems.extend((row["row_number"], column, row[column], why) for column, why in found)
        else:
            good.append(_typed_claim(read) | {"row_number": row["row_number"]})
    frame = pl.DataFrame(good, schema=CLAIMS_SCHEMA, orient="row")
    frame, duplicates = reject_duplicates(frame, ["claim_id"], _LINEAGE)
    duplicates = duplicates.with_columns(pl.lit("claim_id").alias("column_name"))
    return Parsed(frame, pl.concat([rejects, rejects_frame(problems), duplicates]))


def parse_documents(content: bytes, name: str) -> Parsed:
    """The documents of a file, one row each.

    Raises:
        SnapshotError: see `read_spreadsheet_cells`.
    """
    needed = [column for column in DOCUMENT_COLUMNS if column not in _DOCUMENTS_MAY_LACK]
    cells, rejects, _ = read_spreadsheet_cells(content, name, needed, sorted(_DOCUMENTS_MAY_LACK))
    cells = cells.with_columns(
        pl.lit("").alias(column) for column in DOCUMENT_COLUMNS if column not in cells.columns
    )
    found = [rejects]
    for column in DOCUMENT_COLUMNS:
        if column not in _DOCUMENTS_MAY_LACK:
            cells, bad = reject_where(cells, pl.col(column) == "", column, "the cell is empty")
            found.append(bad)
    cells, bad = reject_where(
        cells,
        pl.col("published_on").str.to_date("%Y-%m-%d", strict=False).is_null(),
        "published_on",
        "not a date: write it as YYYY-MM-DD",
    )
    found.append(bad)
    frame = cells.select(
        "row_number",
        pl.lit(None, dtype=pl.String).alias("column_name"),
        *(
            pl.when(pl.col(column) != "").then(pl.col(column)).alias(column)
            for column in DOCUMENT_COLUMNS
        ),
    ).with_columns(pl.col("published_on").str.to_date("%Y-%m-%d"))
    frame, duplicates = reject_duplicates(frame, ["document_id"], _LINEAGE)
    duplicates = duplicates.with_columns(pl.lit("document_id").alias("column_name"))
    return Parsed(frame, pl.concat([*found, duplicates]))


def _in_codes(
    row: Mapping[str, str], vocabulary: ClaimVocabulary, *, has_decimal_commas: bool
) -> dict[str, str]:
    """The row with codes, plain numbers and periods where its words have only one meaning.

    A cell that cannot be read so stays as it is, for `_claim_problems` to name.
    """
    read = dict(row)
    if not row["hedge"]:
        read["hedge"], read["value"] = _hedge_beside(row["value"], vocabulary)
    elif hedge := vocabulary.hedges_by_word.get(_words(row["hedge"])):
        read["hedge"] = hedge
    for column, allowed in (
        ("trade_kind", vocabulary.trade_kinds),
        ("measure", vocabulary.measures),
        ("sector", vocabulary.sectors),
        ("unit", vocabulary.units),
        ("hedge", vocabulary.hedges),
    ):
        by_word = {word.casefold(): word for word in allowed}
        text = read[column].casefold()
        read[column] = (
            by_word.get(text) or by_word.get(_words(text).replace(" ", "_")) or read[column]
        )
    unit = read_unit(row["unit"])
    if unit and unit.code in vocabulary.units:
        read["unit"] = unit.code
    for column, codes in places_of(vocabulary):
        place = vocabulary.places.get(place_key(row[column]))
        if row[column] not in codes and place and place.code in codes:
            read[column] = place.code
    fiscal_year = vocabulary.fiscal_years.get(read["reporter"], CALENDAR_YEAR)
    for column in ("period", "base_period"):
        read[column] = in_months(row[column], fiscal_year)
    agreements = {_words(name): name for name in vocabulary.agreements}
    read["base_period"] = agreements.get(_words(row["base_period"]), read["base_period"])
    for column in ("value", "rounding"):
        text = with_decimal_point(read[column]) if has_decimal_commas else read[column]
        amount = read_amount(text)
        if amount is None or (has_decimal_commas and re.fullmatch(r"[^,]*,[0-9]{3}\D*", text)):
            continue
        beside = amount.unit
        if beside is None:
            continue
        stated = read_unit(read["unit"]) or Unit(read["unit"] or None)
        if not read["unit"] and beside.currency and beside.code in vocabulary.units:
            read["unit"] = beside.code
        elif beside.currency not in (None, stated.currency) or beside.scale not in (
            None,
            stated.scale,
        ):
            continue
        read[column] = f"{amount.value:f}"
    return read


def _words(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.casefold()).strip()


def _hedge_beside(value: str, vocabulary: ClaimVocabulary) -> tuple[str, str]:
    """The hedge written before a number, and the number: nearly 20 billion; empty without one."""
    before = re.split(r"[0-9$€₩+\-−–(.]", value, maxsplit=1)[0]  # noqa: RUF001
    hedge = vocabulary.hedges_by_word.get(_words(before)) if before.strip() else None
    return (hedge, value[len(before) :]) if hedge else ("", value)


def _with_usual(read: dict[str, str]) -> dict[str, str]:
    """The row with what an empty cell means: goods, all products, the last digit as printed."""
    filled = {**read, **{name: usual for name, usual in _USUAL.items() if not read[name]}}
    if not read["rounding"] and NUMBER.fullmatch(read["value"]):
        _, _, decimals = read["value"].partition(".")
        filled["rounding"] = f"{Decimal(1).scaleb(-len(decimals)):f}"
    return filled


def _typed_claim(row: dict[str, str]) -> dict[str, object]:
    typed: dict[str, object] = {column: value or None for column, value in row.items()}
    typed["value"], typed["rounding"] = Decimal(row["value"]), Decimal(row["rounding"])
    typed["column_name"] = "value"
    return typed


def _claims_parser(seeds: Path) -> FileParser:
    words = vocabulary_from_seeds(seeds)
    return lambda content, file: parse_claims(content, file.snapshot_file, words)


def _documents_parser(_seeds: Path) -> FileParser:
    return lambda content, file: parse_documents(content, file.snapshot_file)


TABLES: tuple[SourceTable, ...] = (
    SourceTable(
        source_id="articles",
        table="articles__claims",
        description="Trade figures quoted in articles, one claim per row.",
        layouts=frozenset({CLAIMS_LAYOUT}),
        layout_detectors={CLAIMS_LAYOUT: _shows_claims},
        headers={CLAIMS_LAYOUT: CLAIM_COLUMNS},
        parser=_claims_parser,
        seeds=VOCABULARY_SEEDS,
        columns=CLAIMS_SCHEMA,
        primary_key=("claim_id",),
        calendar="Updated by hand.",
    ),
    SourceTable(
        source_id="articles",
        table="articles__documents",
        description="The articles that contain the claims.",
        layouts=frozenset({DOCUMENTS_LAYOUT}),
        layout_detectors={DOCUMENTS_LAYOUT: _shows_documents},
        headers={DOCUMENTS_LAYOUT: DOCUMENT_COLUMNS},
        parser=_documents_parser,
        seeds=(),
        columns=DOCUMENTS_SCHEMA,
        primary_key=("document_id",),
        calendar="Updated by hand.",
    ),
)
