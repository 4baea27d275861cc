"""Claims quoted in articles, and the articles they come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path

import polars as pl

from dagster_project.sources.amounts import Unit, read_amount, read_unit, with_decimal_point
from dagster_project.sources.claim_vocabulary import (
    VOCABULARY_SEEDS,
    ClaimVocabulary,
    vocabulary_from_seeds,
)
from dagster_project.sources.formats import shows
from dagster_project.sources.parsing import (
    PERIOD_PATTERN,
    Parsed,
    closest,
    reject_duplicates,
    reject_where,
    rejects_frame,
)
from dagster_project.sources.place_names import place_key, suggested_places
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
}

DOCUMENTS_SCHEMA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "document_id": pl.String(),
    "publisher": pl.String(),
    "title_in_short": pl.String(),
    "published_on": pl.Date(),
    "seed_file": pl.String(),
}

# Product system → the form of its codes; a claim may name a code directly, as in hs2:87.
_PRODUCT_CODES = {
    "hs2": r"[0-9]{2}",
    "hs4": r"[0-9]{4}",
    "hs6": r"[0-9]{6}",
    "hs10": r"[0-9]{10}",
    "naics3": r"[0-9]{3}",
    "sitc": r"[0-9]{1,5}",
    "end_use": r"[0-9]{1,5}",
    "ebops": r"[A-Z0-9]{1,6}",
}
_LINEAGE = ("row_number", "column_name")
_CLAIM_COLUMNS = tuple(column for column in CLAIMS_SCHEMA if column not in _LINEAGE)
_DOCUMENT_COLUMNS = tuple(column for column in DOCUMENTS_SCHEMA if column not in _LINEAGE)
# What a claims file has to say; a column that it leaves out, or an empty cell, says the usual.
_CLAIM_NEEDS = ("measure", "reporter", "partner", "period", "value")
_USUAL = {"trade_kind": "goods", "sector": "total", "hedge": "exact"}
# A row whose claim_id begins so is a note, and no claim.
_COMMENT = "#"
_MAY_BE_EMPTY = frozenset({"base_period", "attributed_to", "seed_file"})
_NUMBER = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,6})?")
_PERIOD = re.compile(PERIOD_PATTERN)
_WHOLE_SECTOR, _WORLD = "total", "WLD"


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
    others = [column for column in _CLAIM_COLUMNS if column not in _CLAIM_NEEDS]
    cells, rejects, separator = read_spreadsheet_cells(content, name, _CLAIM_NEEDS, others)
    # A list without ids is one text, of which each line is a claim.
    absent = dict.fromkeys(_CLAIM_COLUMNS, pl.lit("")) | {
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
            for column in _CLAIM_COLUMNS
        ),
    )
    good: list[dict[str, object]] = []
    problems: list[tuple[int, str | None, str | None, str]] = []
    for row in cells.iter_rows(named=True):
        read = _in_codes(row, vocabulary, has_decimal_commas=separator != COMMA)
        read = _with_usual(read)
        found = _claim_problems(read, vocabulary)
        if found:
            problems.extend((row["row_number"], column, row[column], why) for column, why in found)
        else:
            good.append(_typed_claim(read))
    frame = pl.DataFrame(good, schema=CLAIMS_SCHEMA, orient="row")
    frame, duplicates = reject_duplicates(frame, ["claim_id"], _LINEAGE)
    duplicates = duplicates.with_columns(pl.lit("claim_id").alias("column_name"))
    return Parsed(frame, pl.concat([rejects, rejects_frame(problems), duplicates]))


def parse_documents(content: bytes, name: str) -> Parsed:
    """The documents of a file, one row each.

    Raises:
        SnapshotError: see `read_spreadsheet_cells`.
    """
    cells, rejects, _ = read_spreadsheet_cells(content, name, _DOCUMENT_COLUMNS)
    found = [rejects]
    for column in _DOCUMENT_COLUMNS:
        if column not in _MAY_BE_EMPTY:
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
            for column in _DOCUMENT_COLUMNS
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
    for column, codes in (("reporter", vocabulary.reporters), ("partner", vocabulary.partners)):
        place = vocabulary.places.get(place_key(row[column]))
        if row[column] not in codes and place and place.code in codes:
            read[column] = place.code
    for column in ("period", "base_period"):
        # A spreadsheet writes a year as a number: 2015.0.
        read[column] = re.sub(r"^([0-9]{4})\.0+$", r"\1", re.sub(r"\s*/\s*", "/", row[column]))
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
    if not read["rounding"] and _NUMBER.fullmatch(read["value"]):
        _, _, decimals = read["value"].partition(".")
        filled["rounding"] = f"{Decimal(1).scaleb(-len(decimals)):f}"
    return filled


def _claim_problems(row: dict[str, str], vocabulary: ClaimVocabulary) -> list[tuple[str, str]]:
    """Every problem of one claim: column and what to do."""
    problems = [
        (column, "the cell is empty")
        for column in _CLAIM_COLUMNS
        if column not in _MAY_BE_EMPTY and not row[column]
    ]
    empty = {column for column, _ in problems}
    words: tuple[tuple[str, str, Collection[str]], ...] = (
        ("trade_kind", "trade kind", vocabulary.trade_kinds),
        ("measure", "measure", vocabulary.measures),
        ("hedge", "hedge", vocabulary.hedges),
    )
    for column, meaning, allowed in words:
        if column not in empty and row[column] not in allowed:
            problems.append((column, f"unknown {meaning}: {closest(row[column], allowed)}"))
    for column, codes in (("reporter", vocabulary.reporters), ("partner", vocabulary.partners)):
        if column not in empty and row[column] not in codes:
            known = {word: one for word, one in vocabulary.places.items() if one.code in codes}
            near = suggested_places(row[column], known) if known else closest(row[column], codes)
            problems.append((column, f"unknown {column}: {near}"))
    measure, unit, hedge = row["measure"], row["unit"], row["hedge"]
    if (
        measure in vocabulary.measures_of_share
        and row["sector"] == _WHOLE_SECTOR
        and row["partner"] == _WORLD
    ):
        problems.append(
            ("partner", "the share of the whole in itself is 100 %: name a partner or a sector")
        )
    fitting = vocabulary.units_of_measures.get(measure, vocabulary.units)
    if "unit" not in empty and unit not in fitting:
        # No suggestion: units differ by a letter, and by a power of ten.
        found = f"no unit of {measure}" if unit in vocabulary.units else "unknown unit"
        problems.append(("unit", f"{found}: write one of {', '.join(sorted(fitting))}"))
    hedged = vocabulary.units_of_hedges.get(hedge, vocabulary.units)
    if unit in fitting and unit not in hedged:
        problems.append(("hedge", f"{hedge} is used with {', '.join(sorted(hedged))} only"))
    if measure in vocabulary.measures_with_base and not row["base_period"]:
        problems.append(
            ("base_period", f"{measure} compares with a base: write the period it starts from")
        )
    if "sector" not in empty:
        problems.extend(_sector_problem(row["sector"], vocabulary.sectors))
    for column in ("period", "base_period"):
        if row[column]:
            problems.extend((column, why) for why in _period_problem(row[column]))
    if "value" not in empty and not _NUMBER.fullmatch(row["value"]):
        problems.append(("value", _value_problem(row["value"], unit)))
    if "rounding" not in empty and not _is_above_zero(row["rounding"]):
        problems.append(
            ("rounding", "not a rounding unit above zero: write 0.1 where 27.6 is quoted")
        )
    order = {column: place for place, column in enumerate(_CLAIM_COLUMNS)}
    return sorted(problems, key=lambda problem: order[problem[0]])


def _value_problem(value: str, unit: str) -> str:
    amount = read_amount(value)
    if amount is not None and amount.unit is not None and amount.unit.code:
        return f"in {amount.unit.code}, but the column unit says {unit!r}: write one unit"
    if amount is not None and amount.unit is None:
        return f"{amount.words!r} is not a unit of amounts: write the number alone"
    if "," in value:
        return (
            "not a number: the comma may separate thousands or decimals. Write a decimal point, at"
            " most 6 decimals and no other separator"
        )
    return "not a number: write digits, at most 6 decimals and no words"


def _sector_problem(sector: str, sectors: frozenset[str]) -> list[tuple[str, str]]:
    if sector in sectors:
        return []
    system, colon, code = sector.partition(":")
    if not colon:
        near = closest(sector, sectors)
        return [("sector", f"unknown sector: {near}; or name a code, such as hs2:87")]
    if system not in _PRODUCT_CODES:
        return [("sector", f"unknown product system: {closest(system, _PRODUCT_CODES)}")]
    if not re.fullmatch(_PRODUCT_CODES[system], code):
        return [("sector", f"no code of {system}: its form is {_PRODUCT_CODES[system]}")]
    return []


def _period_problem(period: str) -> list[str]:
    if not _PERIOD.fullmatch(period):
        return ["not a period: write YYYY, YYYY-MM or YYYY-MM/YYYY-MM"]
    first, _, last = period.partition("/")
    if last and last < first:
        return ["the period ends before it begins: write the earlier month first"]
    if not "1900" <= first[:4] <= "2100":
        return ["the year lies outside 1900 to 2100"]
    return []


def _typed_claim(row: dict[str, str]) -> dict[str, object]:
    typed: dict[str, object] = {column: value or None for column, value in row.items()}
    typed["value"], typed["rounding"] = Decimal(row["value"]), Decimal(row["rounding"])
    typed["column_name"] = "value"
    return typed


def _is_above_zero(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and Decimal(text) > 0


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
        headers={CLAIMS_LAYOUT: _CLAIM_COLUMNS},
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
        headers={DOCUMENTS_LAYOUT: _DOCUMENT_COLUMNS},
        parser=_documents_parser,
        seeds=(),
        columns=DOCUMENTS_SCHEMA,
        primary_key=("document_id",),
        calendar="Updated by hand.",
    ),
)
