"""`bilateral report`: write the published warehouse as a site of static pages."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.cli.app import (
    DONE,
    Refused,
    another_version,
    app,
    handle_errors,
    open_replay,
    reading_settings,
)
from dagster_project.cli.terminal import bar, echo, error_console, print_error
from dagster_project.settings import Settings
from dagster_project.warehouse import QueryRefused

if TYPE_CHECKING:
    from dagster_project.site.build import Site

Pairs = list[tuple[str, str]]

# The number of partners suggested when the requested one is not available.
_SUGGESTED = 8


@app.command()
@handle_errors
def report(
    reporter: Annotated[
        str | None,
        typer.Option(help="Reporting country: an ISO code or a name.", metavar="COUNTRY"),
    ] = None,
    partner: Annotated[
        list[str] | None,
        typer.Option(
            help="Partner: a country, WLD for the world, or a group of countries (census:0003); may"
            " be repeated.",
            metavar="COUNTRY",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the site. Default: report in the data home.",
            metavar="DIR",
        ),
    ] = None,
    is_opened: Annotated[
        bool,
        typer.Option("--open", help="Serve it to this machine only, and open it in a browser."),
    ] = False,
) -> int:
    """Write the published warehouse as a site of static pages.

    There is one page per pair of countries, year, claim, article and sector. Each figure has its
    basis, its source rows and its SQL. The pairs default to those named in the available articles.
    The site is a folder that works without a network. It is replaced as a whole: the previous site
    stays in place until the new one is complete.

    Example: `bilateral report --open`

    Example: `bilateral report --reporter USA --partner KOR --partner JPN --out ~/trade`
    """
    settings = reading_settings()
    pairs = _pairs(settings, reporter, partner or [])
    site = _written(settings, pairs, out)
    said = f"{site.pages:,} pages, {site.size / 1e6:.1f} MB, content {site.content_hash[:12]}."
    if site.is_new:
        echo(f"Site written to {site.link / 'index.html'}: {said}")
    else:
        echo(f"No change to {site.link / 'index.html'}: {said}")
    if is_opened:
        _serve(site.link)
    else:
        echo("`bilateral report --open` shows it in a browser.")
    return DONE


def _written(settings: Settings, pairs: Pairs, out: Path | None) -> Site:
    # Half a second of imports, for this command alone.
    from dagster_project.site.build import PublicationChanged, write_site

    try:
        with _progress() as on_page:
            return write_site(settings, pairs, out=out and out.expanduser(), on_page=on_page)
    except PublicationChanged as error:
        raise Refused(f"{error} The previous site is unchanged; run this again.") from error
    except QueryRefused as error:
        raise another_version(error) from error
    except BrokenProcessPool as error:
        raise Refused(
            "A process that writes pages was killed from outside, perhaps for lack of memory. The"
            " previous site is unchanged; run this again."
        ) from error
    except OSError as error:
        raise Refused(f"The site cannot be written: {error}") from error


def _pairs(settings: Settings, reporter: str | None, partners: Sequence[str]) -> Pairs:
    """The requested pairs; the page of a pair without data says so."""
    if reporter is None and not partners:
        return []
    if reporter is None:
        raise Refused(
            f"--reporter is missing. For example: --reporter USA --partner {partners[0]}."
        )
    if not partners:
        raise Refused(f"--partner is missing. For example: --reporter {reporter} --partner KOR.")
    from dagster_project.questions.words import Words

    with open_replay(settings) as replay:
        words = Words(replay)
        one = words.country(reporter, "--reporter", may_be_group=False)
        others = [words.country(name, "--partner", may_be_group=True) for name in partners]
    available = _available_partners(settings, one.code)
    for other in others:
        if other.code == one.code:
            raise Refused(f"--partner: {other.name} is the reporter itself.")
        if other.code not in available:
            print_error(
                f"No data on the trade of {one.name} with {other.name}; its page says so."
                f" {_instead(one.name, available)}",
                "Note",
            )
    return list(dict.fromkeys((one.code, other.code) for other in others))


def _available_partners(settings: Settings, reporter: str) -> list[str]:
    from dagster_project.site.queries import Marts

    with Marts(settings) as marts:
        return marts.ask("partners_held", reporter=reporter).column("partner_code")


def _instead(reporter: str, available: Sequence[str]) -> str:
    if not available:
        return (
            f"{reporter} has no data at all. To list the reporters:"
            ' bilateral sql "select distinct reporter_iso3 from marts.trade_by_year"'
        )
    hidden = len(available) - _SUGGESTED
    more = f" and {hidden} more" if hidden > 0 else ""
    return f"Partners of {reporter} with data: {', '.join(available[:_SUGGESTED])}{more}."


def _serve(site: Path) -> None:
    """Serve the site until Ctrl-C; without a browser, the printed address is enough."""
    from dagster_project.site.serving import address_of, server_of

    with server_of(site) as server:
        address = address_of(server)
        echo(f"Serving {address} to this machine only; press Ctrl-C to stop.")
        with suppress(webbrowser.Error):
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    echo("")


@contextmanager
def _progress() -> Generator[Callable[[int, int], None]]:
    """Show a bar on a terminal, and print a line at the end elsewhere."""
    console = error_console()
    if not console.is_terminal:

        def report_end(done: int, total: int) -> None:
            if done == total:
                echo(f"Pages: {done} done", err=True)

        yield report_end
        return
    with bar(console) as progress:
        task = progress.add_task("Pages", total=None)

        def draw(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield draw
