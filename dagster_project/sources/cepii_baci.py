"""CEPII BACI: the world's trade by product, both reporters' figures reconciled into one.

A row is a year, exporter, importer and product: value in thousands of US dollars FOB, quantity in
tonnes. Only the file name says which edition of the Harmonized System the products use. The layout
follows the publisher's documentation; it was not tested on a real file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from dagster_project.sources.blocks import Block, read_records, split_header
from dagster_project.sources.bulk import BulkTable, FileOpener
from dagster_project.sources.parsing import Check, Parsed, reject_faulty, too_late
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.un_comtrade.trade import AREA_SEED, COUNTRY_SEED, Areas, read_areas

LAYOUT = "baci_csv"

SCHEMA: dict[str, pl.DataType] = {
    "ref_year": pl.Int32(),
    "exporter_code": pl.String(),
    "importer_code": pl.String(),
    "cmd_code": pl.String(),
    "value_thousand_usd": pl.Decimal(18, 3),
    "quantity_tonnes": pl.Float64(),
    "row_number": pl.Int64(),
}
# Raw column → column name in the file.
_PRINTED = {
    "ref_year": "t",
    "exporter_code": "i",
    "importer_code": "j",
    "cmd_code": "k",
    "value_thousand_usd": "v",
    "quantity_tonnes": "q",
}
_MISSING = "NA"
_NUMBER = r"^[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$"
_VALUE = r"^[0-9]{1,15}(\.[0-9]{0,3}0*)?$"


def open_file(first_line: str, file: SnapshotFile, areas: Areas) -> Callable[[Block], Parsed]:
    """The parser of the lines after the header, for any order of columns.

    Raises:
        SnapshotError: the header differs from the layout's.
    """
    header = split_header(first_line, is_coded=True)
    if sorted(header.columns) != sorted(_PRINTED.values()):
        raise SnapshotError(
            f"{file.snapshot_file}, line 1: the header is {first_line[:120]!r}. The layout needs"
            f" {','.join(_PRINTED.values())}."
        )
    checks = _checks(areas, file)

    def read(block: Block) -> Parsed:
        cells, rejects = read_records(block, header, header.columns, file.snapshot_file)
        cells = cells.select(
            "row_number",
            *(
                pl.col(printed).str.strip_chars().replace("", None).alias(raw)
                for raw, printed in _PRINTED.items()
            ),
        ).with_columns(
            # Six digits: a shorter code was read as a number and lost its zero.
            pl.col("cmd_code").str.zfill(6),
            pl.col("quantity_tonnes").replace(_MISSING, None),
        )
        cells, found = reject_faulty(cells, checks)
        named = [
            bad.with_columns(pl.lit(_PRINTED[column]).alias("column_name")) for column, bad in found
        ]
        return Parsed(
            cells.select(pl.col(column).cast(dtype) for column, dtype in SCHEMA.items()),
            pl.concat([rejects, *named]).sort("row_number", maintain_order=True),
        )

    return read


def _checks(areas: Areas, file: SnapshotFile) -> list[Check]:
    year, quantity = pl.col("ref_year"), pl.col("quantity_tonnes")
    unknown = (
        f"unknown area code: if it is a country, add it to {COUNTRY_SEED}, otherwise to {AREA_SEED}"
    )
    return [
        *(
            Check(pl.col(column).is_null(), column, "the field is empty")
            for column in _PRINTED
            if column != "quantity_tonnes"
        ),
        Check(~year.str.contains("^[0-9]{4}$"), "ref_year", "not a year, YYYY"),
        Check(
            year >= f"{file.known_from.year}",
            "ref_year",
            too_late(file.known_from),
        ),
        *(
            Check(~pl.col(column).is_in(list(areas.printed_iso)), column, unknown)
            for column in ("exporter_code", "importer_code")
        ),
        Check(
            ~pl.col("cmd_code").str.contains("^[0-9]{6}$"),
            "cmd_code",
            "not a product of six digits",
        ),
        Check(
            ~pl.col("value_thousand_usd").str.contains(_VALUE),
            "value_thousand_usd",
            "not a number of at most fifteen digits and three decimals",
        ),
        Check(
            (~quantity.str.contains(_NUMBER)).fill_null(False), "quantity_tonnes", "not a number"
        ),
    ]


def _opener(seeds: Path) -> FileOpener:
    areas = read_areas(seeds)
    return lambda first_line, file: open_file(first_line, file, areas)


def _is_shown(content: bytes, _name: str) -> bool:
    first_line = content[:200].removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    columns = [
        column.strip(b' "\r').decode("ascii", "replace") for column in first_line.split(b",")
    ]
    return sorted(columns) == sorted(_PRINTED.values())


BULK_TABLES: tuple[BulkTable, ...] = (
    BulkTable(
        source_id="cepii_baci",
        table="cepii_baci__trade",
        description="The world's trade by exporter, importer and product, reconciled by CEPII.",
        layouts=frozenset({LAYOUT}),
        coded=frozenset({LAYOUT}),
        layout_detectors={LAYOUT: _is_shown},
        headers={LAYOUT: tuple(_PRINTED.values())},
        opener=_opener,
        seeds=(COUNTRY_SEED, AREA_SEED),
        columns=SCHEMA,
        year="ref_year",
        calendar="Once a year, about a year after the last year it covers.",
    ),
)
