"""Finds tables in a text, and reads the figures in their cells.

A cell is a figure if its column or row names a flow, and if its row, its column or the line above
the table gives the time, the unit and the countries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dagster_project.reading.context import Context
from dagster_project.reading.flow import IT, Flow
from dagster_project.reading.flows import flows
from dagster_project.reading.grammar import Grammar
from dagster_project.reading.items import KIND, PLACE, SECTOR, Marked, marked
from dagster_project.reading.tokens import Token, tokens
from dagster_project.reading.word_lists import small_words

_NUMBER = re.compile(
    r"(?P<sign>[-+−–(]?)\s?(?P<money>US\$|[$€£¥₩])?\s?(?P<minus>[-−–]?)"  # noqa: RUF001
    r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3}){1,12}(?:\.[0-9]++)?|[0-9]++(?:\.[0-9]++)?)\s?"
    r"(?P<scale>bn|billion|mn|million|m|b|tn|trillion)?(?P<percent>%?)\)?"
)
_RULE = re.compile(r"[\s|:+=-]++")
_MINUS = ("-", "−", "–")  # noqa: RUF001
_WORD = re.compile(r"\S++")
_LONGEST_LABEL = 4
_LEAST_ROWS = 2
_WIDEST = 40


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its position in the text and its words."""

    start: int
    end: int
    text: str


@dataclass
class Table:
    """Rows of cells between two places of a text; the first row is the header."""

    start: int
    end: int
    rows: list[list[Cell]] = field(default_factory=list)

    def places(self, words: Grammar) -> Iterator[str]:
        """The places that its rows are of."""
        for row in self.rows[1:]:
            for item in _marked(row[0].text, words).of(PLACE) if row else ():
                yield item.value["place"]


@dataclass(frozen=True)
class CellFigure:
    """A number in a cell with everything that its table says about it.

    `unit` is written as in a claims file; it is empty if the table names none.
    """

    cell: Cell
    value: Decimal
    decimals: int
    unit: str
    flow: Flow
    place: str
    sector: str
    marks: tuple[Marked, ...]
    is_growth: bool
    is_change: bool
    is_share: bool


def find_tables(text: str) -> list[Table]:
    """The tables of a text: lines with bars, or with columns separated by tabs or spaces."""
    tables: list[Table] = []
    table: Table | None = None
    form = ""
    position = 0
    for line in text.splitlines(keepends=True):
        start, position = position, position + len(line)
        cells, line_form = _cells(line, start)
        is_rule = table is not None and form == "|" and _RULE.fullmatch(line) is not None
        if is_rule and table is not None:
            table.end = position
            continue
        if len(cells) < 2 or (table is not None and line_form != form):
            table = _kept(tables, table)
        if len(cells) >= 2:
            if table is None:
                table, form = Table(start, position), line_form
            table.rows.append(cells)
            table.end = position
    _kept(tables, table)
    for plain in _plain_tables(text):
        if all(plain.end <= one.start or one.end <= plain.start for one in tables):
            tables.append(plain)
    return sorted(tables, key=lambda one: one.start)


def _plain_tables(text: str) -> list[Table]:
    """Tables whose columns are separated by single spaces, as in the text of a PDF file.

    Rows end in the same number of figures, at least two, and the line above them has a word for
    each column.
    """
    tables: list[Table] = []
    table: Table | None = None
    above: list[Cell] = []
    position = 0
    for line in text.splitlines(keepends=True):
        start, position = position, position + len(line)
        words = [
            Cell(start + one.start(), start + one.end(), one[0]) for one in _WORD.finditer(line)
        ]
        words = words[:_WIDEST]
        numbers = 0
        while numbers < len(words) and _NUMBER.fullmatch(words[-1 - numbers].text):
            numbers += 1
        label = words[: len(words) - numbers] or words[:1]
        columns = numbers + (1 if len(words) > numbers else 0)
        is_row = columns > 2 and len(label) <= _LONGEST_LABEL
        if not is_row or (table is not None and len(table.rows[0]) != columns):
            table = _kept(tables, table)
        if is_row and table is None and len(above) == columns:
            table = Table(above[0].start, position, [above])
        if is_row and table is not None:
            first = Cell(label[0].start, label[-1].end, text[label[0].start : label[-1].end])
            table.rows.append([first, *words[len(label) :]])
            table.end = position
        above = words
    _kept(tables, table)
    return tables


def _kept(tables: list[Table], table: Table | None) -> None:
    """Keep a table that has a header and a row with a number."""
    if table is None or len(table.rows) < _LEAST_ROWS:
        return
    header, first = table.rows[0], table.rows[1]
    if len(header) == len(first) - 1:
        # Above the labels of the rows stands nothing.
        header.insert(0, Cell(table.start, table.start, ""))
    if any(_NUMBER.fullmatch(cell.text) for row in table.rows[1:] for cell in row[1:]):
        tables.append(table)


def _cells(line: str, start: int) -> tuple[list[Cell], str]:
    stripped = line.strip()
    if stripped.startswith("|") or stripped.count("|") > 1:
        return _split(line, start, "|"), "|"
    if "\t" in stripped:
        return _split(line, start, "\t"), "\t"
    if "  " in stripped and len(stripped) < 400:
        return _split(line, start, "  "), "  "
    return [], ""


def _split(line: str, start: int, separator: str) -> list[Cell]:
    cells = []
    position = 0
    parts = line.split(separator)
    for place, part in enumerate(parts):
        text = part.strip(" \t\r\n*_`")
        first = position + (part.find(text) if text else 0)
        position += len(part) + len(separator)
        is_edge = separator == "|" and place in (0, len(parts) - 1)
        if text or (separator == "|" and not is_edge):
            cells.append(Cell(start + first, start + first + len(text), text))
    return cells[:_WIDEST]


def read_table(
    table: Table, captions: Sequence[Marked], context: Context, words: Grammar
) -> list[CellFigure]:
    """The figures of a table for which a flow is named; `captions` are the sentences above it,
    the nearest first.
    """
    header = [_marked(cell.text, words) for cell in table.rows[0]]
    header_flows = [flows(one) for one in header]
    above = next((found for one in captions if (found := flows(one))), [])
    units = (_unit(one.tokens, words) for one in captions)
    above_unit = next((unit for unit in units if unit not in ("", "pct")), "")
    named = {flow.quantity for found in header_flows for flow in found}
    if {"exports", "imports"} <= named:
        for column, one in enumerate(header):
            if not header_flows[column] and any(token.word == "total" for token in one.tokens):
                header_flows[column] = [Flow(0, 0, "two_way_trade")]
    growth = [False] * len(header)
    for column, one in enumerate(header):
        if column and not header_flows[column] and _is_of_change(one):
            # Exports, change, imports, change: each of the column before it.
            header_flows[column], growth[column] = header_flows[column - 1], True
    result: list[CellFigure] = []
    for row in table.rows[1:]:
        label = _marked(row[0].text, words) if row else None
        if label is None:
            continue
        row_flows = flows(label)
        for column, cell in enumerate(row):
            number = _NUMBER.fullmatch(cell.text)
            if column == 0 or number is None or column >= len(header):
                continue
            flow = next(iter([*header_flows[column], *row_flows, *above]), None)
            if flow is None:
                continue
            if not flow.partner and above:
                flow.partner, flow.owner = (
                    flow.partner or above[0].partner,
                    flow.owner or above[0].owner,
                )
                named = (item for one in (label, header[0]) for item in one.of(KIND))
                kind = next((item.value["trade_kind"] for item in named), above[0].kind)
                flow.kind = flow.kind or kind
            is_share = any(_is_share(one) for one in (header[column], label))
            marks = (label, header[column], header[0], *captions)
            unit = _cell_unit(number, header[column], label, above_unit, words)
            is_amount = growth[column] and unit != "pct" and _is_amount(header[column])
            unit = "pct" if growth[column] and not is_amount else unit
            digits = number["digits"].replace(",", "")
            value = Decimal(digits)
            if (
                number["minus"]
                or (number["sign"] == "(" and (growth[column] or not number["percent"]))
                or number["sign"] in _MINUS
            ):
                value = -value
            if number["sign"] == "(" and not cell.text.endswith(")"):
                continue
            result.append(
                CellFigure(
                    cell,
                    value,
                    len(digits.partition(".")[2]),
                    unit,
                    flow,
                    _place(label, header[column], flow),
                    _sector(label, header[column], *captions),
                    marks,
                    is_growth=unit == "pct" and not is_share,
                    is_change=is_amount,
                    is_share=unit == "pct" and is_share,
                )
            )
    return result


def _marked(text: str, words: Grammar) -> Marked:
    return marked(tokens(text, 0, len(text)), words)


def _is_of_change(heading: Marked) -> bool:
    """Whether a column is of changes: % change, Ch."""
    return any(token.word in small_words("column of changes") for token in heading.tokens)


def _is_amount(heading: Marked) -> bool:
    """Whether a column of changes is in money: Absolute change."""
    return any(token.word in small_words("column of amounts") for token in heading.tokens)


def _is_share(heading: Marked) -> bool:
    """Whether a row or column is of shares: Proportion of total exports."""
    return any(token.word in small_words("shares") for token in heading.tokens)


def _place(label: Marked, header: Marked, flow: Flow) -> str:
    """The partner that a row or column names."""
    for one in (label, header):
        for item in one.of(PLACE):
            if item.value["place"] != flow.owner:
                return item.value["place"]
    return "" if flow.partner == IT else flow.partner


def _sector(*headings: Marked) -> str:
    for one in headings:
        for item in one.of(SECTOR):
            return item.value["sector"]
    return ""


def _cell_unit(
    number: re.Match[str], header: Marked, label: Marked, above: str, words: Grammar
) -> str:
    if number["percent"]:
        return "pct"
    said = f"{number['money'] or ''} {number['scale'] or ''}"
    units = (
        _unit(tokens(said, 0, len(said)), words),
        _unit(header.tokens, words),
        _unit(label.tokens, words),
    )
    return next((unit for unit in units if unit), "") or (above if above != "pct" else "")


def _unit(found: Sequence[Token], words: Grammar) -> str:
    """The unit that a heading names: ($ billion), in millions of dollars, percent change."""
    if any(token.word in ("%", "percent", "pct") for token in found):
        return "pct"
    money = (words.phrases["currencies"].at(found, place) for place in range(len(found)))
    currency = next((match.value["currency"] for match in money if match), "")
    scale = next((scale for token in found if (scale := words.scale(token))), "")
    return f"{currency} {scale}" if currency and scale else ""
