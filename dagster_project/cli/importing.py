"""`bilateral import`: turn publishers' files that are already downloaded into releases."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.cli.app import BAD_INPUT, DONE, app, handle_errors
from dagster_project.cli.terminal import Steps, bar, echo, error_console, print_error
from dagster_project.display import one_line
from dagster_project.settings import load_settings
from dagster_project.sources.isolation import READER, Isolated

if TYPE_CHECKING:
    from dagster_project.sources.inbox import Imported

# Outside a terminal, progress is reported in about this many lines.
_LINES = 10


@app.command("import")
@app.command("take", hidden=True)
@handle_errors
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Unchanged files from a publisher.")
    ],
    table: Annotated[
        str | None,
        typer.Option(
            help="The raw table to import into, if the layout fits two: un_comtrade__bulk for whole"
            " reports to reconcile, un_comtrade__trade for single figures to compare. Default:"
            " decided by size and layout.",
            metavar="TABLE",
        ),
    ] = None,
    known_from: Annotated[
        str | None,
        typer.Option(
            help="First day on which these were the publisher's figures. Default: today.",
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    published_on: Annotated[
        str | None,
        typer.Option(
            help="The publication date of an article. Default: what the page says of itself.",
            metavar="YYYY-MM-DD",
        ),
    ] = None,
) -> int:
    """Import files that you have already downloaded, of any size, and articles, as releases.

    Files downloaded by `bilateral fetch` need no import.

    Each file is recognised by its layout and stays where it is. A file that was imported before
    adds nothing. Metadata in `<file>.json` beside a file is used too. The next `bilateral build`
    includes the new releases.

    Of an article (text, Markdown, HTML or PDF), the trade figures and the sentences that contain
    them are stored. The next build judges each figure, and the site has a page for the article.

    Example: `bilateral import 2016.tsv.gz`

    Example: `bilateral import article.html --published-on 2017-08-18`

    Example: `bilateral import fuels/*.csv.gz --table un_comtrade__bulk`
    """
    settings = load_settings()
    options = {"table": table, "known_from": known_from, "published_on": published_on}
    stated = {name: text for name, text in options.items() if text is not None}
    failed = 0
    # The child imports what it needs while this process does.
    with Isolated(READER) as isolated:
        from dagster_project.reading.article_files import read_as_article
        from dagster_project.sources.inbox import InboxError, ingest_named

        for path in files:
            now = datetime.now(UTC)
            try:
                with _progress() as on_progress:
                    imported = ingest_named(
                        path, settings, stated, now, on_progress, isolated, read_as_article
                    )
            except InboxError as error:
                print_error(f"{one_line(path.name)}: {error}")
                failed += 1
                continue
            echo(_result(imported))
    if failed and len(files) > 1:
        print_error(f"{failed} of {len(files)} files were not imported.", "Stopped")
    return BAD_INPUT if failed else DONE


def _result(imported: Imported) -> str:
    release = f"{imported.release.source_id}/{imported.release.release_id}"
    if not imported.is_new:
        return f"{imported.name}: already in release {release}; nothing added."
    from dagster_project.sources.inbox.article import ARTICLE

    if imported.layout == ARTICLE:
        said = f"{imported.name}: {imported.rows:,} trade figures, as claims of {release}."
        if imported.rejects:
            said += f" {imported.rejects:,} more cannot be judged; meta.rejects lists them."
        return said
    said = f"{imported.name}: {imported.rows:,} rows of {imported.table} as {release}."
    if imported.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in imported.left_out.items())
        figures = imported.rows - sum(imported.left_out.values())
        said += f" {figures:,} are figures; left out: {reasons}."
    if imported.rejects:
        said += f" {imported.rejects:,} rejected; meta.rejects lists them after the next build."
    return said


@contextmanager
def _progress() -> Generator[Callable[[str, int, int], None]]:
    """Show a bar on a terminal, and print occasional lines elsewhere."""
    console = error_console()
    if not console.is_terminal:
        steps = Steps(_LINES)

        def report(name: str, done: int, size: int) -> None:
            if done < size and steps.is_due(done, size):
                echo(f"{name}: {100 * done // size} % read", err=True)

        yield report
        return
    with bar(console, width=20, is_in_bytes=True) as progress:
        task = progress.add_task("", total=None, visible=False)

        def draw(name: str, done: int, size: int) -> None:
            file = name.rpartition("/")[2][-40:]
            progress.update(task, description=file, completed=done, total=size, visible=True)

        yield draw
