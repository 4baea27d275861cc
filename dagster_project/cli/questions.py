"""`bilateral explain`, `check` and `figures`: query the published warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.app import (
    BAD_INPUT,
    CONTRADICTED,
    DONE,
    Kind,
    Partner,
    PeriodOption,
    Refused,
    Reporter,
    Sector,
    TableForm,
    TableFormat,
    TextForm,
    TextFormat,
    VerdictForm,
    VerdictFormat,
    app,
    handle_errors,
    open_replay,
)
from dagster_project.cli.terminal import echo, print_error, width
from dagster_project.cli.writing import write_csv_objects
from dagster_project.questions.values import to_json


# A negative figure starts like an option.
@app.command(context_settings={"ignore_unknown_options": True})
@handle_errors
def explain(
    a: Annotated[str, typer.Argument(metavar="A", help="A figure (27.6) or a basis (census).")],
    b: Annotated[str, typer.Argument(metavar="B", help="The figure or basis to compare with A.")],
    reporter: Reporter,
    partner: Partner,
    period: PeriodOption,
    measure: Annotated[
        str,
        typer.Option(help="balance, deficit, surplus, exports, imports or two_way_trade."),
    ] = "balance",
    sector: Sector = "total",
    to_period: Annotated[
        str | None, typer.Option(help="The period of B, if it differs.", metavar="PERIOD")
    ] = None,
    to_sector: Annotated[
        str | None, typer.Option(help="The sector of B, if it differs.", metavar="SECTOR")
    ] = None,
    kind: Kind = "goods",
    form: TextForm = TextFormat.text,
) -> int:
    """Explain why two figures for the same trade differ.

    A and B are each a quoted figure (`27.6`, `-27.6`, `426mn`; billions of US dollars by default)
    or a basis (`census`, `cif`, `mirror`). A basis can be as of a release or a day
    (`census@2017-01`, `census@2017-07-12`).

    Example: `bilateral explain 27.6 29.6 --reporter USA --partner KOR --period 2016`

    Example: `bilateral explain census mirror --reporter USA --partner KOR --period 2016`

    Example: `bilateral explain census@2017-01 cif --reporter USA --partner KOR --period 2015`
    """
    from dagster_project.questions import explain as explaining
    from dagster_project.questions import explain_text
    from dagster_project.questions.words import Words

    with open_replay() as replay:
        question = explaining.read_question(
            Words(replay),
            a=a,
            b=b,
            reporter=reporter,
            partner=partner,
            a_period=period,
            b_period=to_period or period,
            a_sector=sector,
            b_sector=to_sector or sector,
            trade_kind=kind,
            measure=measure,
        )
        answer = explaining.explain(replay, question)
    if answer.bridge is None:
        raise Refused(explain_text.unanswered_text(answer))
    if form is TextFormat.json:
        echo(to_json(explain_text.answer_json(answer)))
    else:
        echo(explain_text.answer_text(answer, width()))
    for note in explain_text.notes(answer):
        print_error(note, "Note")
    return DONE


@app.command()
@handle_errors
def check(
    claims: Annotated[Path, typer.Argument(metavar="CLAIMS.csv", help="The claims to check.")],
    documents: Annotated[
        Path | None,
        typer.Option(
            help="The articles they are from, with publication dates.",
            metavar="FILE",
        ),
    ] = None,
    form: VerdictForm = VerdictFormat.text,
) -> int:
    """Check every claim in a file against the published warehouse.

    The columns are those of the bundled claims; README.md describes them. Rows that cannot be used
    are reported with line and column; all other rows are checked. A file has at most 5,000 claims.

    Example: `bilateral check claims.csv --documents documents.csv`
    """
    from dagster_project.questions import check as checking
    from dagster_project.questions.words import Words

    with open_replay() as replay:
        checked = checking.check(replay, Words(replay), claims, documents)
    objects = checking.checked_objects(checked)
    if form is VerdictFormat.json:
        echo(to_json(objects))
    elif form is VerdictFormat.csv:
        write_csv_objects(objects)
    else:
        echo(checking.checked_text(checked, width()))
    for note in checked.notes:
        print_error(note, "Note")
    for problem in checked.problems:
        print_error(str(problem))
    if checked.problems:
        return BAD_INPUT
    return CONTRADICTED if checked.is_contradicted else DONE


@app.command()
@handle_errors
def figures(
    reporter: Reporter,
    partner: Partner,
    period: PeriodOption,
    sector: Sector = "total",
    kind: Kind = "goods",
    form: TableForm = TableFormat.table,
) -> int:
    """Show all available figures for the same trade, side by side.

    Amounts are in millions of US dollars in the table, in US dollars in csv and json.

    Example: `bilateral figures --reporter USA --partner KOR --period 2016`

    Example: `bilateral figures --reporter USA --partner KOR --period 2016 --sector autos`
    """
    from dagster_project.questions import figures as figuring
    from dagster_project.questions.words import Words, read_period

    with open_replay() as replay:
        words = Words(replay)
        rows = figuring.figures(
            replay,
            reporter=words.country(reporter, "--reporter", may_be_group=False),
            partner=words.country(partner, "--partner", may_be_group=True),
            trade_kind=words.trade_kind(kind, "--kind"),
            product_groups=figuring.product_groups(replay, words, sector),
            period=read_period(period, "--period"),
        )
    if not rows:
        raise Refused(
            f"No figure is available for {reporter}–{partner}, {kind}, {sector}, {period}."  # noqa: RUF001
            ' To list the available partners and periods: `bilateral sql "select partner_code,'
            " period from marts.balances_by_basis where product_group = 'total:total'\"`."
        )
    if form is TableFormat.json:
        echo(to_json(figuring.figures_json(rows)))
    elif form is TableFormat.csv:
        write_csv_objects(figuring.figures_json(rows))
    else:
        echo(figuring.figures_text(rows, width()))
    return DONE
