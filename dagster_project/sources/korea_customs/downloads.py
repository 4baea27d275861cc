"""Reads what the trade statistics site of the Korea Customs Service gives for download.

A workbook, or its sheet as CSV, has a row per period, product and country, with Korean headers:
기간 period, 품목코드 HS code, 국가명 country, 수출금액 exports, 수입금액 imports, 무역수지 balance.
Values are thousands of US dollars unless a header says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.sources.formats import csv_records, decode, is_workbook
from dagster_project.sources.korea_customs.files import (
    PARENT_DIGITS,
    PARTNER_SEED,
    SCHEMA,
)
from dagster_project.sources.parsing import (
    Check,
    Parsed,
    last_whole_month,
    read_seed,
    reject_faulty,
    rejects_frame,
)
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.workbooks import as_csv, created_on, workbook_sheets

LAYOUT = "korea_customs_download"
NAME_SEED = "korea_customs_names.csv"

_PERIOD, _COUNTRY, _CODE, _BALANCE = "기간", "국가명", "품목코드", "무역수지"
_FLOWS = {"수출금액": "export", "수입금액": "import"}
_REQUIRED = (_PERIOD, _COUNTRY, *_FLOWS)
_KNOWN = {*_REQUIRED, _CODE, _BALANCE, "품목명", "수출중량", "수입중량", "수출건수", "수입건수"}
_OTHER_WORDS = {"국가": _COUNTRY, "HS코드": _CODE, "HSCODE": _CODE, "품목": "품목명"}
# The words for a row of totals, and for thousands in the unit of a header.
_TOTALS = ("총계", "합계", "소계", "계")
_THOUSANDS = ("천", "1,000", "1000")
_HEADER_WITHIN = 20
_YEAR_OR_MONTH = r"^((?:19|20)[0-9]{2})년?(?:[.\-/ ]?(0?[1-9]|1[0-2])월?)?$"
_NUMBER = r"^-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.0+)?$"
_HS = r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10})$"
_LARGEST = 10**16


@dataclass(frozen=True)
class _Table:
    """One sheet as text under the known words, with the row of its header and its unit in USD."""

    sheet: str
    cells: pl.DataFrame
    unit: int
    rejects: pl.DataFrame


def read_names(seeds: Path) -> dict[str, str]:
    """The publisher's code of a country by its Korean names, without spaces."""
    return {
        _plain(row["partner_name_ko"]): row["country_code"] for row in read_seed(seeds, NAME_SEED)
    }


def is_download(content: bytes, name: str) -> bool:
    """Whether a file looks like a download: its first lines hold the header."""
    if is_workbook(content):
        sheets = workbook_sheets(content, name).values()
        return any(is_download(as_csv(sheet.head(_HEADER_WITHIN)), name) for sheet in sheets)
    head = content[:8192]
    texts = (head.decode(encoding, "ignore").replace(" ", "") for encoding in ("utf-8", "cp949"))
    return any(all(word in text for word in (_PERIOD, *_FLOWS)) for text in texts)


def parse_download(
    content: bytes, file: SnapshotFile, names: Mapping[str, str], partners: Mapping[str, str]
) -> Parsed:
    """Return one download as rows, one per flow. Every code stays text.

    The row number is that of the sheet. A row of totals is compared with the sum of the others and
    rejected. The figures of a year that was not over when the file was made, or known, cover an
    unknown part of it and are rejected; a workbook says when it was made.

    Raises:
        SnapshotError: no such download, a column missing or unknown, or rows that do not add up to
        the row of totals.
    """
    name = file.snapshot_file
    made_on = created_on(content) if is_workbook(content) else None
    as_of = min(file.known_from, made_on or file.known_from)
    tables = list(_tables(content, name))
    if not tables:
        raise SnapshotError(
            f"{name}: no row with the header {', '.join(_REQUIRED)} in the first"
            f" {_HEADER_WITHIN} rows. Import the publisher's own file, unchanged."
        )
    frames, rejects = [pl.DataFrame(schema=SCHEMA)], []
    for table in tables:
        frame, bad = _figures(table, names, partners, as_of, name)
        prefix = pl.lit(f"{table.sheet}!" if len(tables) > 1 else "")
        located = pl.concat_str(prefix, "column_name").alias("column_name")
        frames.append(frame.with_columns(located))
        rejects += [one.with_columns(located) for one in (table.rejects, *bad)]
    return Parsed(pl.concat(frames), pl.concat([rejects_frame(), *rejects]))


def _tables(content: bytes, name: str) -> Iterator[_Table]:
    if is_workbook(content):
        for sheet, frame in workbook_sheets(content, name).items():
            rows = [(number, list(row)) for number, row in enumerate(frame.iter_rows(), start=1)]
            if (table := _table(rows, f"{name}, sheet {sheet}", sheet)) is not None:
                yield table
        return
    lines = csv_records(_text(content, name), name)
    rows = [(number, [cell.strip() for cell in record]) for number, record in lines]
    if (table := _table(rows, name, "")) is not None:
        yield table


def _text(content: bytes, name: str) -> str:
    """The text, in UTF-8 or else in the encoding that Korean spreadsheets write."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        with suppress(UnicodeDecodeError):
            return content.decode("cp949")
    return decode(content, name)


def _table(rows: Sequence[tuple[int, list[str]]], where: str, sheet: str) -> _Table | None:
    """The sheet under its header, of which it needs the required words; None without a header."""
    place, words = next(
        (
            (place, words)
            for place, (_, record) in enumerate(rows[:_HEADER_WITHIN])
            if _PERIOD in (words := [_word(cell) for cell in record]) and set(_FLOWS) & set(words)
        ),
        (0, []),
    )
    if not words:
        return None
    header = [cell for cell in words if cell]
    missing = [word for word in _REQUIRED if word not in header]
    unknown = [word for word in header if word not in _KNOWN]
    if missing or unknown or len(set(header)) != len(header) or "" in words[: len(header)]:
        raise SnapshotError(
            f"{where}, row {rows[place][0]}: the columns are {', '.join(header)}; "
            + (f"{', '.join(missing)} is missing" if missing else "")
            + (f"{', '.join(unknown)} is not read" if unknown and not missing else "")
            + ". Import the publisher's own file, unchanged."
        )
    above = " ".join(cell for _, line in rows[: place + 1] for cell in line)
    is_plain = re.search(r"\((단위:?)?\s*(USD|달러|불|\$)\s*\)", above.replace(" ", ""))
    unit = 1 if is_plain and not any(word in above for word in _THOUSANDS) else 1000
    records, rejects = [], []
    for number, record in rows[place + 1 :]:
        if not any(record):
            continue
        cells = record + [""] * (len(header) - len(record))
        if len(record) < len(header) or any(cells[len(header) :]):
            reason = f"{len(record)} cells where the header has {len(header)}"
            rejects.append((number, None, ",".join(record)[:200], reason))
        else:
            records.append([number, *cells[: len(header)]])
    schema = {"row_number": pl.Int64(), **dict.fromkeys(header, pl.String())}
    frame = pl.DataFrame(records, schema=schema, orient="row")
    return _Table(sheet, frame, unit, rejects_frame(rejects))


def _figures(
    table: _Table,
    names: Mapping[str, str],
    partners: Mapping[str, str],
    as_of: date,
    name: str,
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """A table's figures, one per row and flow, and its rejects."""
    cells = table.cells
    labels = [word for word in (_PERIOD, _COUNTRY, _CODE) if word in cells.columns]
    is_total = pl.any_horizontal(pl.col(word).is_in(_TOTALS) for word in labels)
    totals, cells = cells.filter(is_total), cells.filter(~is_total)
    _check_total(totals, cells, name)
    reason = "the total of the other rows, which would count them twice"
    left_out = totals.select(
        "row_number", column_name=pl.lit(_PERIOD), value=_PERIOD, reason=pl.lit(reason)
    )
    code = (
        pl.col(_COUNTRY)
        .str.replace_all(" ", "")
        .replace_strict(dict(names), default=None, return_dtype=pl.String)
    )
    has_codes = _CODE in cells.columns
    digits = pl.col(_CODE).str.len_chars() if has_codes else pl.lit(0)
    cells = cells.with_columns(
        country_code=code,
        year=pl.col(_PERIOD).str.extract(_YEAR_OR_MONTH, 1),
        month=pl.col(_PERIOD).str.extract(_YEAR_OR_MONTH, 2).cast(pl.Int32),
        **{flow: _number(word) for word, flow in _FLOWS.items()},
    ).with_columns(
        _last=pl.format("{}-{}", "year", pl.col("month").fill_null(12).cast(pl.String).str.zfill(2))
    )
    cells, faulty = reject_faulty(cells, list(_checks(cells.columns, partners, as_of)))
    total = pl.lit("total")
    frame = (
        cells.unpivot(
            on=list(_FLOWS.values()),
            index=["row_number", "country_code", "year", "month", *([_CODE] if has_codes else [])],
            variable_name="flow",
            value_name="value_usd",
        )
        .sort("row_number", maintain_order=True)
        .select(
            "row_number",
            column_name=pl.col("flow").replace_strict(
                {flow: word for word, flow in _FLOWS.items()}
            ),
            service=pl.lit("download"),
            country_code="country_code",
            year="year",
            month="month",
            item_level=pl.format("hs{}", digits) if has_codes else total,
            hs_code=_CODE if has_codes else total,
            parent_code=pl.col(_CODE).str.head(digits.replace_strict(PARENT_DIGITS))
            if has_codes
            else pl.lit(""),
            flow="flow",
            value_usd=pl.col("value_usd") * table.unit,
            unit_usd=pl.lit(table.unit),
        )
        .cast(pl.Schema(SCHEMA))
    )
    return frame, [*(bad for _, bad in faulty), left_out]


def _checks(labels: Sequence[str], partners: Mapping[str, str], as_of: date) -> Iterator[Check]:
    """What makes a row unusable: its period, country, code or values."""
    yield Check(pl.col("year").is_null(), _PERIOD, "not a year (2016) or a month (2016.05)")
    yield Check(
        pl.col("month").is_not_null() & (pl.col("_last") > last_whole_month(as_of)),
        _PERIOD,
        f"the month was not over on {as_of}, when the file was made or known",
    )
    # The year's last month is final in the middle of January.
    complete = as_of.year - 1 if as_of >= date(as_of.year, 2, 1) else as_of.year - 2
    yield Check(
        pl.col("month").is_null() & (pl.col("year") > str(complete)),
        _PERIOD,
        f"the year was not over on {as_of}, when the file was made or known: the figures cover an"
        " unknown part of it; download months, or the year when it is over",
    )
    yield Check(
        ~pl.col("country_code").is_in(list(partners)),
        _COUNTRY,
        f"unknown country: if it is a new name, add it to {NAME_SEED}, and a new code to"
        f" {PARTNER_SEED}",
    )
    if _CODE in labels:
        reason = "a code has 2, 4, 6 or 10 digits; leading zeros must be kept"
        yield Check(~pl.col(_CODE).str.contains(_HS), _CODE, reason)
    for word, flow in _FLOWS.items():
        yield Check(
            ~pl.col(word).str.contains(_NUMBER),
            word,
            "not a number: write digits, with commas between thousands or none",
        )
        yield Check(pl.col(flow) < 0, word, "a trade value cannot be negative")
        yield Check(pl.col(flow) >= _LARGEST, word, "more digits than a trade value can have")
    if _BALANCE in labels:
        # Rounding each of the three to its unit may change the last digit.
        difference = (pl.col("export") - pl.col("import") - _number(_BALANCE)).abs()
        yield Check(
            (difference > 1).fill_null(False),
            _BALANCE,
            "not exports minus imports, so one of the three is wrong",
        )


def _check_total(totals: pl.DataFrame, cells: pl.DataFrame, name: str) -> None:
    """Compare the only row of totals with the sum of the rows.

    Raises:
        SnapshotError: they differ by more than the rounding of each row.
    """
    if totals.height != 1:
        return
    for word in _FLOWS:
        total, values = totals.select(_number(word)).item(), cells.select(_number(word))
        if total is None or values.to_series().has_nulls():
            continue
        if 2 * abs(total - values.sum().item()) > cells.height + 1:
            raise SnapshotError(
                f"{name}, row {totals['row_number'].item()}: {word} of the row of totals is"
                f" {total:,}, the {cells.height:,} rows add up to {values.sum().item():,}: rows are"
                " missing or repeated. Download it again."
            )


def _number(word: str) -> pl.Expr:
    digits = pl.col(word).str.replace_all(",", "").str.replace(r"\.0+$", "")
    return pl.when(pl.col(word).str.contains(_NUMBER)).then(
        digits.cast(pl.Decimal(30, 0), strict=False)
    )


def _word(cell: str) -> str:
    """A header's word without spaces and unit."""
    word = re.sub(r"\(.*\)$", "", _plain(cell))
    return _OTHER_WORDS.get(word, word)


def _plain(text: str) -> str:
    return re.sub(r"\s", "", text)
