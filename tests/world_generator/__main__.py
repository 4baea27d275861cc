"""Writes a synthetic world: one bulk file per year, with its truth beside it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dagster_project.settings import load_settings
from tests.world_generator.errors import (
    Errors,
    country_biased,
    heavy_tailed,
    log_normal,
    no_errors,
    one_sided_re_export,
)
from tests.world_generator.files import LEVEL, write_bulk_file, write_surroundings
from tests.world_generator.geography import made_up_geography, real_geography
from tests.world_generator.parameters import Reporting, World
from tests.world_generator.products import made_up_products, real_products
from tests.world_generator.truth import found

ERRORS: dict[str, Callable[[], Errors]] = {
    make.__name__: make
    for make in (log_normal, heavy_tailed, country_biased, one_sided_re_export, no_errors)
}
ErrorName = StrEnum("ErrorName", list(ERRORS))


def write(
    out: Annotated[Path, typer.Option(help="Folder; files of the same name are replaced.")],
    years: Annotated[str, typer.Option(help="A year, or first and last as 2013-2016.")] = "2016",
    countries: Annotated[int, typer.Option(help="How many trade.")] = 230,
    products: Annotated[int, typer.Option(help="How many six-digit products.")] = 5000,
    flows: Annotated[
        int, typer.Option(help="True flows a year; a file has two to three times as many rows.")
    ] = 5_200_000,
    seed: Annotated[int, typer.Option(help="Same parameters and seed, same files.")] = 0,
    errors: Annotated[
        ErrorName, typer.Option(help="How reporters are wrong, with default parameters.")
    ] = ErrorName["log_normal"],
    clean: Annotated[
        bool, typer.Option(help="Every reporter has a row for every flow, importers value CIF.")
    ] = False,
    made_up: Annotated[
        bool, typer.Option(help="Made-up places and product codes instead of real ones.")
    ] = False,
    level: Annotated[int, typer.Option(min=1, max=9, help="Of gzip.")] = LEVEL,
) -> None:
    """Write bulk files in the publisher's layout whose truth is known."""
    seeds = load_settings().seeds
    first, _, last = years.partition("-")
    world = World(
        countries=countries,
        products=products,
        years=tuple(range(int(first), int(last or first) + 1)),
        seed=seed,
        density=flows / (countries * (countries - 1) * products),
        errors=ERRORS[errors](),
        reporting=Reporting() if clean else Reporting.as_in_practice(),
        geography=(made_up_geography if made_up else real_geography)(countries, seed, seeds),
        product_list=made_up_products(products, seed)
        if made_up
        else real_products(products, seed, seeds),
    )
    out.mkdir(parents=True, exist_ok=True)
    write_surroundings(found(world), out)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    for year in world.years:
        started = time.perf_counter()
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(str(year), total=None)
            written = write_bulk_file(
                world,
                year,
                out / f"{year}.tsv.gz",
                level=level,
                on_progress=lambda done, steps, task=task, progress=progress: progress.update(
                    task, completed=done, total=steps
                ),
            )
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        console.print(
            f"{year}: {written.rows:,} rows, {written.packed_bytes / 1e6:.0f} MB packed of"
            f" {written.text_bytes / 1e6:.0f}, {seconds:.0f} s, {written.rows / seconds:,.0f}"
            f" rows a second, peak {peak:.0f} MB"
        )


if __name__ == "__main__":
    typer.run(write)
