"""Terminal output: lines, tables, progress and error messages.

All that is printed passes here, and through `display`: other modules do not print. A rule of
`make check` refuses it.
"""

from __future__ import annotations

import textwrap
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from dagster_project.display import for_terminal, one_line
from dagster_project.questions.values import cell

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table as RichTable

    from dagster_project.questions.publication import Table

# Cells fold to at least this width; a table that is still too wide becomes records.
_FOLDED = 12
# Names of sources and releases are shorter; longer words are keys made of several names.
_NAME = 22
_WIDE = 10_000


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines of text, on stderr with `err`."""
    typer.echo(for_terminal(text), err=err)


def error_console() -> Console:
    """The console of stderr, for progress."""
    return Console(stderr=True)


def echo_above(progress: Progress, text: str) -> None:
    """Print lines of text above a progress bar."""
    progress.console.print(for_terminal(text), markup=False, highlight=False)


def width() -> int:
    """The width of the terminal, or 100 without one."""
    console = Console()
    return console.width if console.is_terminal else 100


def print_table(table: Table) -> None:
    """Print a table if it fits the terminal, otherwise one record per row.

    Nothing is folded in a pipe: another program expects one row per line.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=_WIDE, highlight=False)
    names, rows = table
    header = [one_line(name) for name in names]
    cells = [[one_line(cell(value)) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    columns = map(list, zip(*cells, strict=True)) if cells else ([] for _ in header)
    narrowest = sum(
        max(min(width, _FOLDED), _name_width(column))
        for width, column in zip(widths, columns, strict=True)
    ) + 2 * (len(widths) - 1)
    if narrowest <= console.width:
        console.print(_rich_table(header, rows, cells))
        return
    for place, row in enumerate(cells, start=1):
        console.print(f"row {place}", style="bold")
        for name, text in zip(header, row, strict=True):
            console.print(
                f"  {name:<{max(map(len, header))}}  {text}", soft_wrap=True, markup=False
            )


def _rich_table(header: list[str], rows: list[list[Any]], cells: list[list[str]]) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(header):
        is_number = bool(rows) and all(
            row[place] is None or isinstance(row[place], int | float | Decimal) for row in rows
        )
        column = [row[place] for row in cells]
        drawn.add_column(
            Text(name),
            justify="right" if is_number else "left",
            min_width=_name_width(column),
            no_wrap=is_number,
            overflow="fold",
        )
    for row in cells:
        drawn.add_row(*(Text(text) for text in row))
    return drawn


def _name_width(column: list[str]) -> int:
    """The width at which no name or code of a column is broken, so that it can be copied."""
    if any(" " in text for text in column):
        return 0
    longest = max(map(len, column), default=0)
    return longest if longest <= _NAME else 0


def bar(
    console: Console,
    title: str = "{task.description}",
    *,
    width: int | None = 40,
    is_in_bytes: bool = False,
    is_estimated: bool = True,
    after: str | None = None,
) -> Progress:
    """A progress bar between a title and the time spent, and the time left if it is estimated."""
    from rich import progress
    from rich.text import Text

    class Column(progress.TextColumn):
        """Text that a terminal does not obey."""

        def render(self, task: progress.Task) -> Text:
            return Text(one_line(super().render(task).plain))

    return progress.Progress(
        Column(title, markup=False),
        progress.BarColumn(bar_width=width),
        progress.DownloadColumn() if is_in_bytes else progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        *([progress.TimeRemainingColumn()] if is_estimated else []),
        *([Column(after, markup=False)] if after else []),
        console=console,
    )


class Steps:
    """Says when to print progress outside a terminal, so that there are about `lines` lines."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._reported = 0

    def is_due(self, done: int, total: int) -> bool:
        reached = done * self._lines // total
        is_due = reached > self._reported
        self._reported = max(self._reported, reached)
        return is_due


def print_error(message: str, title: str = "Error") -> None:
    """Print one paragraph on stderr, folded at the width of the terminal."""
    console = Console(stderr=True)
    columns = console.width if console.is_terminal else _WIDE
    # A line may end in many ways; only the plain one is no character to show.
    lines = f"{title}: {message}".split("\n")
    echo("\n".join(textwrap.fill(for_terminal(line), columns) for line in lines), err=True)
