"""`bilateral take`: a publisher's file that is here already becomes a release."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dagster_project.cli.app import BAD_INPUT, DONE, app, handle_errors
from dagster_project.cli.terminal import print_error
from dagster_project.settings import load_settings

if TYPE_CHECKING:
    from dagster_project.sources.inbox import Imported

# Where nobody watches, progress is told in about so many lines.
_LINES = 10


@app.command()
@handle_errors
def take(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files of a publisher, unchanged.")
    ],
    table: Annotated[
        str | None,
        typer.Option(
            help="The raw table they are for, where a layout is read into two: un_comtrade__bulk"
            " holds whole reports, to be reconciled; un_comtrade__trade single figures, to be"
            " compared. Without it size and layout decide.",
            metavar="TABLE",
        ),
    ] = None,
    known_from: Annotated[
        str | None,
        typer.Option(
            help="Since when the publisher said so; without it since today.", metavar="YYYY-MM-DD"
        ),
    ] = None,
) -> int:
    """Take in files that were fetched by other means, of any size.

    What `bilateral fetch` brings is held already: it need not be taken in.

    A file is recognised by its layout and stays where it is. One that is held already adds
    nothing. What `<file>.json` beside it states holds too. The next `bilateral build` takes the
    new releases in.

    Example: `bilateral take 2016.tsv.gz`

    Example: `bilateral take fuels/*.csv.gz --table un_comtrade__bulk`
    """
    from dagster_project.sources.inbox import InboxError, ingest_named

    settings = load_settings()
    options = {"table": table, "known_from": known_from}
    stated = {name: text for name, text in options.items() if text is not None}
    failed = 0
    for path in files:
        try:
            with _progress() as on_progress:
                taken = ingest_named(path, settings, stated, datetime.now(UTC), on_progress)
        except InboxError as error:
            print_error(f"{path.name}: {error}")
            failed += 1
            continue
        typer.echo(_told(taken))
    if failed and len(files) > 1:
        print_error(f"{failed} of {len(files)} files were not taken.", "Stopped")
    return BAD_INPUT if failed else DONE


def _told(taken: Imported) -> str:
    release = f"{taken.release.source_id}/{taken.release.release_id}"
    if not taken.is_new:
        return f"{taken.name}: held already by {release}; nothing added."
    said = f"{taken.name}: {taken.rows:,} rows of {taken.table} as {release}."
    if taken.rejects:
        said += f" {taken.rejects:,} cannot be used; after the next build meta.rejects says why."
    return said


@contextmanager
def _progress() -> Generator[Callable[[str, int, int], None]]:
    """A bar on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        told = 0

        def tell(name: str, done: int, size: int) -> None:
            nonlocal told
            if done < size and done * _LINES // size > told:
                told = done * _LINES // size
                typer.echo(f"{name}: {100 * done // size} % read", err=True)

        yield tell
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed
    from rich.progress import TimeRemainingColumn as Remaining

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        DownloadColumn(),
        Elapsed(),
        Remaining(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=None, visible=False)

        def draw(name: str, done: int, size: int) -> None:
            file = name.rpartition("/")[2][-40:]
            progress.update(task, description=file, completed=done, total=size, visible=True)

        yield draw
