"""`bilateral read`: find the trade figures in an article, and check each."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.cli.app import CONTRADICTED, DONE, Refused, app, handle_errors, open_replay
from dagster_project.cli.terminal import echo, print_error, width
from dagster_project.cli.writing import write_csv_objects
from dagster_project.questions.values import to_json

if TYPE_CHECKING:
    from dagster_project.questions.read import ReadAnswer
    from dagster_project.reading.text import Article

_STDIN = "-"


class ReadFormat(StrEnum):
    text = "text"
    json = "json"
    csv = "csv"
    html = "html"


@app.command()
@handle_errors
def read(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE|-", help="Text, Markdown, HTML or PDF; - reads from stdin."),
    ] = None,
    published_on: Annotated[
        str | None,
        typer.Option(
            help="Publication date, from which 'last year' is counted. Default: the page's date.",
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    reporter: Annotated[
        str | None,
        typer.Option(
            help="The country whose figures are meant where the text does not say: an ISO code or a"
            " name.",
            metavar="COUNTRY",
        ),
    ] = None,
    form: Annotated[ReadFormat, typer.Option("--format", help="Output format.")] = ReadFormat.text,
    claims: Annotated[
        Path | None,
        typer.Option(
            help="Also write the claims to this file, to correct them and run `bilateral check`.",
            metavar="FILE.csv",
        ),
    ] = None,
    open_: Annotated[
        bool,
        typer.Option(
            "--open",
            help="Open a page of this machine to paste texts into, until Ctrl-C. No other option is"
            " needed.",
        ),
    ] = False,
) -> int:
    """Find the trade figures in an article, and check each against the published warehouse.

    The text output shows each sentence with its figures marked, and under it what each figure
    claims and the verdict. Every figure shows how it was read: certain, likely, or open if the text
    allows other readings, which are checked as well. A figure that is *not understood*, or *not
    asserted* (a forecast, a denial, a plan), is listed and not judged. Figures of other things,
    such as jobs, tariffs and prices, are ignored.

    Nothing leaves this machine. To correct a reading, write the claims to a file, edit it, and
    check the file: the rows that begin with # are other readings, and are skipped.

    Example: `bilateral read article.html`

    Example: `bilateral read article.txt --published-on 2017-08-18 --claims claims.csv`

    Example: `cat article.txt | bilateral read - --published-on 2017-08-18 --reporter USA`

    Example: `bilateral read --open`
    """
    if open_:
        return _serve()
    if file is None:
        raise Refused("no FILE to read. Name one, or - for stdin, or --open for a page.")
    from dagster_project.questions import read as reading
    from dagster_project.questions import read_text
    from dagster_project.reading.text import with_day

    article, name = _article(file)
    if published_on is not None:
        article = with_day(article, _day(published_on))
    answer = _answer(article, name, reporter or "")
    if claims is not None:
        _write(claims, reading.claims_file(answer))
    if form is ReadFormat.json:
        echo(to_json(read_text.answer_objects(answer)))
    elif form is ReadFormat.csv:
        write_csv_objects(read_text.answer_objects(answer))
    elif form is ReadFormat.html:
        from dagster_project.questions.read_page import answer_page

        echo(answer_page(answer))
    else:
        echo(read_text.answer_text(answer, width()))
    if article.published_on is None:
        print_error(
            "the text has no publication date, so 'last year' is counted from today,"
            f" {date.today()}. Give"
            " the date with --published-on.",
            "Note",
        )
    for note in answer.checked.notes:
        print_error(note, "Note")
    return CONTRADICTED if answer.is_contradicted else DONE


def _answer(article: Article, name: str, reporter: str) -> ReadAnswer:
    """Find the figures of an article, and check them."""
    from dagster_project.questions.read import judge
    from dagster_project.questions.words import Words
    from dagster_project.reading.reader import read as find_figures

    with open_replay() as replay:
        words = Words(replay)
        home = words.country(reporter, "--reporter", may_be_group=True).code if reporter else ""
        found = find_figures(article.text, article.published_on or date.today(), home)
        return judge(replay, words, article, name, found)


def _serve() -> int:
    """Serve the page until Ctrl-C; without a browser, the printed address is enough."""
    from dagster_project.questions.read_server import ReadServer

    with open_replay():
        # Without a warehouse, it is better to say so before a text was pasted.
        pass
    with ReadServer(_judged_page) as server:
        echo(f"Serving {server.address} to this machine only; press Ctrl-C to stop.")
        with suppress(webbrowser.Error):
            webbrowser.open(server.address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    echo("")
    return DONE


def _judged_page(text: str, published_on: str, reporter: str) -> str:
    """The page of a text that was pasted.

    Raises:
        Unreadable: it cannot be read, or the date or the country is not one.
    """
    from dagster_project.questions.read_page import answer_page
    from dagster_project.questions.read_server import Unreadable
    from dagster_project.questions.words import InputError
    from dagster_project.reading.text import ArticleError, read_article, with_day

    try:
        article = read_article(text.replace("\r\n", "\n").encode(), "the text")
        if published_on:
            article = with_day(article, _day(published_on))
        return answer_page(_answer(article, "Pasted text", reporter), is_served=True)
    except (ArticleError, InputError, Refused) as error:
        raise Unreadable(str(error)) from error


def _article(file: str) -> tuple[Article, str]:
    """The article in a file or on stdin, and the name of the file."""
    from dagster_project.reading.text import MOST_BYTES, ArticleError, read_article, read_file

    try:
        if file == _STDIN:
            content = typer.get_binary_stream("stdin").read(MOST_BYTES + 1)
            return read_article(content, "stdin"), "stdin"
        return read_file(Path(file)), Path(file).name
    except ArticleError as error:
        raise Refused(str(error)) from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused(
            f"--published-on: {text!r} is not a date. Write it as YYYY-MM-DD, for example"
            " 2017-08-18."
        ) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"--claims: {path} cannot be written ({error.strerror}).") from error
