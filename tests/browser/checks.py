"""What must hold of every page: each check gives sentences, one a fault, none where all is well."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from browser.chromium import window
from browser.reading import Figure, pages_of, read
from playwright.sync_api import Browser, Page

from dagster_project.settings import Settings
from dagster_project.site.numbers import basis_name, billions, heading, millions, raw, shown
from dagster_project.site.queries import Marts
from dagster_project.warehouse import QueryRefused

WIDTHS = (360, 768, 1600)
LARGEST = 400_000
# What loads something by itself; a link waits for a reader.
_PYTHON = re.compile(
    r"\bNone\b(?! of)|\bnan\b|\bNaN\b|\bInfinity\b|Decimal\(|datetime\.|<[a-z.]+ object"
)
_LOADING = frozenset({"script", "img", "link", "iframe", "source", "video", "audio", "object"})


def figures_of(site: Path) -> Iterator[tuple[str, Figure]]:
    for page in pages_of(site):
        for figure in read(site.resolve() / page).figures:
            yield page, figure


# ---------------------------------------------------------------------------
# Read as text
# ---------------------------------------------------------------------------


def links(site: Path) -> Iterator[str]:
    """Every address leads to a file of the site and to an anchor that is there."""
    root = site.resolve()
    for page in pages_of(site):
        document = read(root / page)
        for name, count in Counter(document.ids).items():
            if count > 1:
                yield f"{page}: the anchor {name} stands there {count} times"
        for tag, attribute, address in document.links:
            parts = urlsplit(address)
            if parts.scheme in {"http", "https"} and tag not in _LOADING:
                continue
            if parts.scheme == "data" and tag == "link":
                continue
            if parts.scheme or parts.netloc or address.startswith("/"):
                yield f"{page}: {tag} {attribute}={address!r} is not of this site"
                continue
            where = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
            target = root / (where if parts.path else page)
            if not target.is_file() or not target.resolve().is_relative_to(root):
                yield f"{page}: {address!r} leads nowhere"
            elif parts.fragment and unquote(parts.fragment) not in read(target).ids:
                yield f"{page}: {address!r} has no such anchor"


def sizes(site: Path) -> Iterator[str]:
    for page in pages_of(site):
        size = (site.resolve() / page).stat().st_size
        if size > LARGEST:
            yield f"{page}: {size:,} bytes"


def figures(site: Path) -> Iterator[str]:
    """Each figure says what it is; a picture has a text, rows and marks, or is not there."""
    for page, figure in figures_of(site):
        name = f"{page}#{figure.id}"
        if not figure.id or not figure.title:
            yield f"{name}: no anchor or no title"
        if len(figure.queries) != 1:
            yield f"{name}: {len(figure.queries)} queries"
        if figure.pictures and not (figure.csv and figure.tables and figure.basis):
            yield f"{name}: a picture without rows, CSV or basis"
        if figure.csv and not all(
            word in figure.basis for word in ("Basis: ", "Release: ", "Source: ")
        ):
            yield f"{name}: the line under it says {figure.basis!r}"
        if not figure.pictures and not figure.absence and not any(t.rows for t in figure.tables):
            yield f"{name}: nothing, and no word of it"
        for picture in figure.pictures:
            if len(picture.summary) < 20:
                yield f"{name}: the alternative text is {picture.summary!r}"
            if not any(kind != "text mark" for kind, _ in picture.marks):
                yield f"{name}: an empty picture"
    root = site.resolve()
    for page in pages_of(site):
        document = read(root / page)
        if document.drawings > sum(len(one.pictures) for one in document.figures):
            yield f"{page}: a drawing outside of a figure"


def rows(site: Path, settings: Settings) -> Iterator[str]:
    """Each query runs as printed and gives the CSV file; the table shows the same numbers."""
    root = site.resolve()
    with Marts(settings) as marts:
        answers = {}
        for page in pages_of(site):
            for sql in read(root / page).queries:
                try:
                    answers[sql] = answers.get(sql) or marts.run(sql)
                except QueryRefused as error:
                    yield f"{page}: the query of a sentence is refused: {error}"
        for page, figure in figures_of(site):
            name = f"{page}#{figure.id}"
            for sql in figure.queries:
                if sql not in answers:
                    try:
                        answers[sql] = marts.run(sql)
                    except QueryRefused as error:
                        yield f"{name}: its query is refused: {error}"
                        continue
                answer = answers.get(sql)
                if answer is None:
                    continue
                if figure.csv is None:
                    if answer.rows:
                        yield f"{name}: its query gives rows, and there is no CSV file"
                    continue
                file = root / posixpath.normpath(
                    posixpath.join(posixpath.dirname(page), figure.csv)
                )
                printed = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
                wanted = [list(answer.columns), *(raw(row) for row in answer.rows)]
                if printed != wanted:
                    yield f"{name}: the CSV file is not what its query gives"
                yield from _table(name, figure, answer.columns, answer.rows)


def _table(name: str, figure: Figure, columns: Iterable[str], rows: list[dict]) -> Iterator[str]:
    by_heading: dict[str, list[str]] = {}
    for column in columns:
        by_heading.setdefault(heading(column), []).append(column)
    for table in figure.tables:
        if table.caption != figure.title:
            continue
        if len(table.rows) != len(rows):
            yield f"{name}: {len(table.rows)} rows in the table, {len(rows)} from the query"
            continue
        for place, word in enumerate(table.header):
            cells = [row[place] for row in table.rows]
            # A code and its name may have one heading, of which the table shows either.
            wanted = [
                [" ".join(shown(column, row[column]).split()) for row in rows]
                for column in by_heading.get(word, ())
            ]
            if not wanted:
                yield f"{name}: a column {word!r} that its query does not give"
            elif cells not in wanted:
                pairs = zip(cells, wanted[0], strict=True)
                number, (cell, other) = next(
                    (number, pair) for number, pair in enumerate(pairs, 1) if pair[0] != pair[1]
                )
                yield f"{name}: row {number}, {word}: {cell!r} instead of {other!r}"


def words(site: Path) -> Iterator[str]:
    """No value of Python's stands where a word or a number should."""
    for page in pages_of(site):
        for found in _PYTHON.findall(read(site.resolve() / page).text):
            yield f"{page}: says {found!r}"


def balances(site: Path) -> Iterator[str]:
    """Every balance of the rows is a mark of each drawing, and no other is."""
    for page, figure in figures_of(site):
        if not figure.id.startswith("balances-") or not figure.pictures:
            continue
        said = [
            Counter(says for kind, says in picture.marks if kind == "circle")
            for picture in figure.pictures
        ]
        unit, scaled = ("million", millions) if "million" in str(said) else ("billion", billions)
        wanted = Counter(
            f"{basis_name(row['basis_id'])}, {row['year']}:"
            f" {scaled(Decimal(row['balance_usd']))} {unit} US dollars"
            for row in csv_rows(site, page, figure)
        )
        for number, drawn in enumerate(said, start=1):
            for says in sorted((wanted - drawn).keys() | (drawn - wanted).keys()):
                yield (
                    f"{page}#{figure.id}: drawing {number} has {drawn[says]} of {says!r}, its rows"
                    f" {wanted[says]}"
                )


def waterfalls(site: Path, settings: Settings) -> Iterator[str]:
    """Bars go from figure to figure by the steps of the mart, and add up to the cent."""
    with Marts(settings) as marts:
        for page, figure in figures_of(site):
            rows = csv_rows(site, page, figure) if _is_waterfall(figure) else []
            if not rows:
                continue
            name = f"{page}#{figure.id}"
            amounts = [Decimal(row["amount_usd"]) for row in rows]
            if amounts[0] + sum(amounts[1:-1]) != amounts[-1]:
                yield f"{name}: the steps add up to {sum(amounts[:-1])}, not to {amounts[-1]}"
            [bridge_id] = set(re.findall(r"bridge_id = '((?:[^']|'')*)'", figure.queries[0]))
            [bridge] = marts.run(
                f"select a_usd, b_usd, gap_usd from marts.bridges where bridge_id = '{bridge_id}'"
            ).rows
            ends = [amounts[0], amounts[-1], amounts[-1] - amounts[0]]
            if ends != list(bridge.values()):
                yield f"{name}: it goes {ends}, the mart {list(bridge.values())}"
            wanted = [
                f"{millions(amount, signed=row['role'] == 'step')} million US dollars"
                for row, amount in zip(rows, amounts, strict=True)
            ]
            for picture in figure.pictures:
                bars = [says for kind, says in picture.marks if kind == "bar"]
                if len(bars) != len(wanted) or not all(map(str.endswith, bars, wanted)):
                    yield f"{name}: bars {bars}, rows {wanted}"


def _is_waterfall(figure: Figure) -> bool:
    return figure.id.startswith("bridge-") and bool(figure.pictures)


def csv_rows(site: Path, page: str, figure: Figure) -> list[dict[str, str]]:
    assert figure.csv is not None, f"{page}#{figure.id} has no CSV file"
    file = site.resolve() / posixpath.normpath(posixpath.join(posixpath.dirname(page), figure.csv))
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


# ---------------------------------------------------------------------------
# Seen in a browser
# ---------------------------------------------------------------------------


def address(site: Path, page: str) -> str:
    return (site.resolve() / page).as_uri()


def loading(browser: Browser, site: Path, pages: Iterable[str], width: int) -> Iterator[str]:
    """Pages load whole, ask nobody, do not scroll sideways, and their pictures have a size."""
    with window(browser, width=width) as seen:
        heard: list[str] = []
        seen.on("console", lambda said: heard.append(f"console: {said.text}"))
        seen.on("pageerror", lambda error: heard.append(f"script: {error}"))
        seen.on("requestfailed", lambda one: heard.append(f"failed: {one.url}"))
        seen.on(
            "request",
            lambda one: (
                heard.append(f"asked: {one.url}")
                if urlsplit(one.url).scheme not in {"file", "data"}
                else None
            ),
        )
        # What would leave the machine is stopped, and heard of as a failure as well.
        seen.route("http*://**", lambda route: route.abort())
        for page in pages:
            heard.clear()
            seen.goto(address(site, page), wait_until="load")
            for said in heard:
                yield f"{page}: {said}"
            yield from (f"{page}: {said}" for said in _layout(seen))


def _layout(seen: Page) -> list[str]:
    return seen.evaluate(
        """() => {
          const said = [];
          const root = document.documentElement;
          const edge = root.clientWidth;
          if (root.scrollWidth > edge) {
            const wide = [...document.querySelectorAll("body *")].find((one) =>
              one.getBoundingClientRect().right > edge + 1 && !one.closest(".scroll, pre, svg"));
            const name = `${wide?.tagName} ${wide?.className}`;
            said.push(`scrolls sideways at ${edge}: ${root.scrollWidth} px, ${name}`);
          }
          for (const figure of document.querySelectorAll("figure")) {
            const pictures = [...figure.querySelectorAll(":scope > .picture")];
            if (!pictures.length) continue;
            const shown = pictures.filter((one) => one.getBoundingClientRect().height > 40);
            if (shown.length !== 1) said.push(`${figure.id}: ${shown.length} pictures are shown`);
            for (const one of shown) {
              const box = one.querySelector("svg")?.getBoundingClientRect();
              if (!box || box.width < 200 || box.height < 40) said.push(`${figure.id}: no size`);
            }
          }
          return said;
        }"""
    )


def accessibility(
    browser: Browser, site: Path, pages: Iterable[str], *, dark: bool
) -> Iterator[str]:
    """No rule of WCAG 2.2 A and AA, and no good practice, is broken; in the dark, contrast."""
    axe = Axe()
    # Only contrast depends on light and dark, and looking at all else takes its time.
    options = {"resultTypes": ["violations"], **({"runOnly": ["color-contrast"]} if dark else {})}
    with window(browser, dark=dark) as seen:
        for page in pages:
            seen.goto(address(site, page), wait_until="load")
            # What is folded away is read too.
            seen.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
            for fault in axe.run(seen, options=options).response["violations"]:
                node = fault["nodes"][0]
                yield (
                    f"{page}: {fault['id']}, {len(fault['nodes'])} times, such as"
                    f" {' '.join(map(str, node['target']))}: {node['html'][:160]}"
                )
