"""What all commands share: the application, exit codes, errors and common options."""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import duckdb
import typer

from dagster_project.cli.terminal import print_error
from dagster_project.settings import SettingsError, load_settings
from dagster_project.warehouse import WarehouseError

if TYPE_CHECKING:
    from dagster_project.questions.replay import Replay

DONE, CONTRADICTED, BAD_INPUT, STOPPED = 0, 1, 2, 3

# A disk that is full, or a file that this user may not read or write.
_UNUSABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})

app = typer.Typer(
    name="bilateral",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Explains why published trade figures disagree, with a dollar amount for each cause.",
    epilog="Exit codes: 0 done; 1 a claim is contradicted or inconsistent (check, read); 2 bad"
    " usage or input; 3 fetch interrupted, run it again to resume (fetch); 130 or 143 stopped by"
    " Ctrl-C or SIGTERM.",
)


class TextFormat(StrEnum):
    text = "text"
    json = "json"


class VerdictFormat(StrEnum):
    text = "text"
    csv = "csv"
    json = "json"


class TableFormat(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"


class Flow(StrEnum):
    export = "export"
    imports = "import"


class Frequency(StrEnum):
    years = "A"
    months = "M"


Reporter = Annotated[
    str, typer.Option(help="Reporting country: an ISO code or a name.", metavar="COUNTRY")
]
Reporters = Annotated[
    list[str] | None,
    typer.Option(
        "--reporter",
        help="Reporting country: an ISO code or a name; may be repeated. Default: the source's.",
        metavar="COUNTRY",
    ),
]
Frequencies = Annotated[
    Frequency, typer.Option("--frequency", help="M for months, A for years.", metavar="A|M")
]
Partner = Annotated[
    str,
    typer.Option(
        help="Partner: a country, WLD for the world, or a group of countries (census:0003).",
        metavar="COUNTRY",
    ),
]
PeriodOption = Annotated[
    str, typer.Option(help="2016, 2016-11 or 2016-01/2016-11.", metavar="PERIOD")
]
Sector = Annotated[
    str,
    typer.Option(
        help="A sector (total, autos), one of its product groups (autos.hs87) or a code (hs2:87).",
        metavar="SECTOR",
    ),
]
Kind = Annotated[
    str, typer.Option("--kind", help="goods, services or goods_services.", metavar="KIND")
]


_FORMAT = typer.Option("--format", help="Output format.")
TextForm = Annotated[TextFormat, _FORMAT]
VerdictForm = Annotated[VerdictFormat, _FORMAT]
TableForm = Annotated[TableFormat, _FORMAT]


class Refused(Exception):
    """An error that ends a command with a message on stderr."""


def handle_errors(command: Callable[..., int | None]) -> Callable[..., None]:
    """Turn the expected errors of a command into one paragraph on stderr and exit code 2."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _UNUSABLE and error.filename:
                print_error(f"{error.filename}: {error.strerror}.")
                raise typer.Exit(BAD_INPUT) from error
            if not isinstance(error, _expected()):
                raise
            print_error(str(error))
            raise typer.Exit(BAD_INPUT) from error
        raise typer.Exit(code or DONE)

    return run


def _expected() -> tuple[type[Exception], ...]:
    """The errors with a message for the user, imported only after one has happened."""
    from dagster_project.publish.links import ReplaceRefused
    from dagster_project.questions.words import InputError
    from dagster_project.sources.connector import ReplyError, SelectionError
    from dagster_project.sources.snapshot import SnapshotError

    return (
        *(Refused, WarehouseError, SettingsError, SnapshotError),
        *(InputError, SelectionError, ReplyError, ReplaceRefused),
    )


@contextmanager
def open_replay() -> Generator[Replay]:
    """Open the published warehouse to answer a query; an unknown word in it is an error."""
    from dagster_project.questions.replay import QuestionError, Replay

    try:
        with Replay(load_settings()) as replay:
            yield replay
    except (QuestionError, duckdb.CatalogException, duckdb.BinderException) as error:
        raise another_version(error) from error


def another_version(error: Exception) -> Refused:
    first = str(error).strip().splitlines()[0]
    return Refused(
        f"The published warehouse does not match this version of the command ({first})."
        " Run `bilateral build`."
    )
