"""A year of a world as one bulk file in the publisher's layout, with the truth beside it."""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dagster_project.sources.un_comtrade.downloads import LAYOUTS
from tests.world_generator.parameters import World
from tests.world_generator.reporting import (
    found_offices,
    office_frame,
    report_exports,
    report_imports,
)
from tests.world_generator.spelling import spell, speller
from tests.world_generator.truth import Foundations, OnProgress, flow_frame, found, true_flows

COLUMNS = LAYOUTS["comtrade_bulk_34"].columns
LEVEL = 6

_GZIP_WINDOW = zlib.MAX_WBITS | 16


@dataclass(frozen=True)
class Written:
    """Rows of a file beneath its header, and its size before and after packing."""

    rows: int
    text_bytes: int
    packed_bytes: int


def write_bulk_file(
    world: World,
    year: int,
    path: Path,
    *,
    level: int = LEVEL,
    on_progress: OnProgress | None = None,
) -> Written:
    """Write a year; a file of this name is there whole or not at all.

    Beside `2016.tsv.gz` stand `2016.truth.parquet` with every true flow and
    `2016.reporters.parquet` with how each country reported. Memory holds the flows of one year
    and the rows of one reporter, however large the file.

    Args:
        level: of zlib, 1 (fast) to 9.
        on_progress: called for each exporter that is drawn and each reporter that is written.
    """
    lasting = found(world)
    offices = found_offices(lasting, year)
    countries = lasting.size.size
    steps = countries + int(offices.is_reporting.sum())

    def tell(done: int) -> None:
        if on_progress is not None:
            on_progress(done, steps)

    flows = true_flows(lasting, year, lambda done, _: tell(done))
    stem = path.name.partition(".")[0]
    flow_frame(lasting, flows).write_parquet(path.with_name(f"{stem}.truth.parquet"))
    office_frame(lasting, offices).write_parquet(path.with_name(f"{stem}.reporters.parquet"))
    exports = report_exports(lasting, offices, flows)
    imports = report_imports(lasting, offices, flows)
    del flows

    rows = text_bytes = 0
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WINDOW)
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("wb") as file:
        header = ("\t".join(COLUMNS) + "\n").encode()
        file.write(packer.compress(header))
        year_speller = speller(lasting, offices, exports, imports)
        for done, reporter in enumerate(year_speller.reporters, start=1):
            for block in spell(year_speller, reporter):
                text = io.BytesIO()
                block.write_csv(text, include_header=False, separator="\t", quote_style="never")
                file.write(packer.compress(text.getbuffer()))
                rows += block.height
                text_bytes += text.tell()
            tell(countries + done)
        file.write(packer.flush())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return Written(rows, len(header) + text_bytes, path.stat().st_size)


def write_surroundings(lasting: Foundations, folder: Path) -> None:
    """What all years have in common: countries, distances, and products with unit values."""
    lasting.geography.countries.write_parquet(folder / "countries.parquet")
    lasting.geography.pairs.write_parquet(folder / "pairs.parquet")
    unit_values = pl.DataFrame(
        {
            "product_code": lasting.product_codes,
            "median_unit_value_usd_per_kg": pl.Series(lasting.ln_unit_value).exp(),
        }
    )
    unit_values.write_parquet(folder / "products.parquet")
