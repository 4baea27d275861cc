"""`bilateral report`: the site of the published warehouse."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dagster_project.cli.app import DONE, Refused, app, handle_errors, open_replay
from dagster_project.cli.terminal import print_error
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import QueryRefused

if TYPE_CHECKING:
    from dagster_project.site.build import Site

Pairs = list[tuple[str, str]]

# So many partners are named where the one asked for is not held.
_NAMED = 8


@app.command()
@handle_errors
def report(
    reporter: Annotated[
        str | None,
        typer.Option(help="Whose trade: an ISO code or a name, such as USA.", metavar="COUNTRY"),
    ] = None,
    partner: Annotated[
        list[str] | None,
        typer.Option(
            help="With whom: a country, WLD for the world, or a group such as census:0003; may be"
            " given several times.",
            metavar="COUNTRY",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The name under which the site stands; without it, report in the data home.",
            metavar="DIR",
        ),
    ] = None,
    is_opened: Annotated[
        bool,
        typer.Option("--open", help="Serve it to this machine alone, and open it in a browser."),
    ] = False,
) -> int:
    """Make a site of static pages from the published warehouse.

    A page a pair, a year, a claim, a document and a sector; each figure with its basis, its rows
    and the SQL that made it. Without a pair, those that the documents held speak of. The site is
    a folder that works without a network; a reader never meets half of it, and the one of before
    stays until the new one is whole.

    Example: `bilateral report --open`

    Example: `bilateral report --reporter USA --partner KOR --partner JPN --out ~/trade`
    """
    settings = load_settings()
    pairs = _pairs(settings, reporter, partner or [])
    site = _written(settings, pairs, out)
    said = f"{site.pages:,} pages, {site.size / 1e6:.1f} MB, content {site.content_hash[:12]}."
    if site.is_new:
        typer.echo(f"The site stands at {site.link / 'index.html'}: {said}")
    else:
        typer.echo(f"Nothing has changed at {site.link / 'index.html'}: {said}")
    if is_opened:
        _serve(site.link)
    else:
        typer.echo("`bilateral report --open` shows it in a browser.")
    return DONE


def _written(settings: Settings, pairs: Pairs, out: Path | None) -> Site:
    # Half a second of imports, for this command alone.
    from dagster_project.publish.atomic import ReplaceRefused
    from dagster_project.site.build import PublicationChanged, write_site

    try:
        with _progress() as on_page:
            return write_site(settings, pairs, out=out and out.expanduser(), on_page=on_page)
    except ReplaceRefused as error:
        raise Refused(str(error)) from error
    except PublicationChanged as error:
        raise Refused(f"{error} The site of before stays; run this again.") from error
    except QueryRefused as error:
        first = str(error).strip().splitlines()[0]
        raise Refused(
            f"The published warehouse does not fit this version of the command ({first})."
            " Run `bilateral build`."
        ) from error
    except BrokenProcessPool as error:
        raise Refused(
            "A process that made pages was ended from outside, perhaps for want of memory. The"
            " site of before stays; run this again."
        ) from error
    except OSError as error:
        raise Refused(f"The site cannot be written: {error}") from error


def _pairs(settings: Settings, reporter: str | None, partners: Sequence[str]) -> Pairs:
    """The pairs asked for; of one of which nothing is held, the page says so."""
    if reporter is None and not partners:
        return []
    if reporter is None:
        raise Refused(
            f"--reporter is missing: whose trade with {partners[0]}? Write, such as,"
            f" --reporter USA --partner {partners[0]}."
        )
    if not partners:
        raise Refused(
            f"--partner is missing: the trade of {reporter} with whom? Write, such as,"
            f" --reporter {reporter} --partner KOR."
        )
    from dagster_project.questions.words import Words

    with open_replay() as replay:
        words = Words(replay)
        one = words.country(reporter, "--reporter", may_be_group=False)
        others = [words.country(name, "--partner", may_be_group=True) for name in partners]
    held = _partners_held(settings, one.code)
    for other in others:
        if other.code == one.code:
            raise Refused(f"--partner: {other.name} is the reporter itself.")
        if other.code not in held:
            print_error(
                f"Nothing is held of the trade of {one.name} with {other.name}, and its page says"
                f" so. {_instead(one.name, held)}",
                "Note",
            )
    return list(dict.fromkeys((one.code, other.code) for other in others))


def _partners_held(settings: Settings, reporter: str) -> list[str]:
    from dagster_project.site.queries import Marts

    with Marts(settings) as marts:
        return marts.ask("partners_held", reporter=reporter).column("partner_code")


def _instead(reporter: str, held: Sequence[str]) -> str:
    if not held:
        return (
            f"Nothing at all is held of {reporter}:"
            ' bilateral sql "select distinct reporter_iso3 from marts.trade_by_year" lists who'
            " reports."
        )
    more = f" and {len(held) - _NAMED} more" if len(held) > _NAMED else ""
    return f"Of {reporter} there is trade with {', '.join(held[:_NAMED])}{more}."


def _serve(site: Path) -> None:
    """Until Ctrl-C; where there is no browser, the address is enough."""
    from dagster_project.site.serving import address_of, server_of

    with server_of(site) as server:
        address = address_of(server)
        typer.echo(f"It is served at {address} to this machine alone; Ctrl-C ends it.")
        with suppress(webbrowser.Error):
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    typer.echo("")


@contextmanager
def _progress() -> Generator[Callable[[int, int], None]]:
    """A bar on a terminal, a line at the end elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:

        def tell(done: int, total: int) -> None:
            if done == total:
                typer.echo(f"Pages: {done} done", err=True)

        yield tell
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed
    from rich.progress import TimeRemainingColumn as Remaining

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Elapsed(),
        Remaining(),
        console=console,
    ) as progress:
        task = progress.add_task("Pages", total=None)

        def draw(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield draw
