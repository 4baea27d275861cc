"""A page of the site as text: its links, its figures, their rows, marks and queries."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

_VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "wbr", "source", "col"})


@dataclass
class Table:
    caption: str = ""
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class Picture:
    """A drawing: its alternative text, and what is said of each of its marks, by kind."""

    summary: str
    marks: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Figure:
    id: str
    title: str = ""
    basis: str = ""
    absence: str = ""
    csv: str | None = None
    queries: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


@dataclass
class Document:
    ids: list[str] = field(default_factory=list)
    # Element, attribute and address.
    links: list[tuple[str, str, str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    drawings: int = 0
    # Those that stand under a sentence, not in a figure.
    queries: list[str] = field(default_factory=list)
    # What is read, queries aside.
    text: str = ""


def repeated_sentences(html: str) -> list[str]:
    """Sentences of five words or more that a page prints in two places.

    Tables and the lines of sources are no sentences, and within one figure two rows may be told
    in the same words.
    """
    html = re.sub(r"<(svg|script|pre|table)\b.*?</\1>", " ", html, flags=re.DOTALL)
    figures = re.findall(r"<figure\b.*?</figure>", html, re.DOTALL)
    rest = re.sub(r"<figure\b.*?</figure>", " ", html, flags=re.DOTALL)
    counts = Counter(_sentences(rest))
    for figure in figures:
        counts.update(set(_sentences(figure)))
    return [sentence for sentence, count in counts.items() if count > 1]


def _sentences(html: str) -> list[str]:
    parts = re.findall(
        r'<(?:p|li|dd)\b(?! class="basis")[^>]*>(.*?)</(?:p|li|dd)>', html, re.DOTALL
    )
    return [
        " ".join(sentence.split())
        for part in parts
        for sentence in re.split(r"(?<=[.:;!?])\s+", unescape(re.sub(r"<[^>]+>", " ", part)))
        if len(sentence.split()) >= 5
    ]


def pages_of(site: Path) -> list[str]:
    """The addresses of all pages, sorted."""
    root = site.resolve()
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.html"))


@cache
def read(path: Path) -> Document:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    reader.document.text = " ".join("".join(reader.words).split())
    return reader.document


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.document = Document()
        self.words: list[str] = []
        self._query: list[str] | None = None
        self._open: list[tuple[str, str]] = []
        self._figure: Figure | None = None
        # The element whose text is being read, and what has come of it.
        self._caught: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append((tag, given.get("class", "")))
        if "id" in given:
            self.document.ids.append(given["id"])
        for name in ("href", "src", "xlink:href", "data", "action", "poster", "srcset"):
            if name in given:
                self.document.links.append((tag, name, given[name]))
        if tag == "figure":
            self._figure = Figure(given.get("id", ""))
            self.document.figures.append(self._figure)
        elif tag == "svg" and self._has("div", "picture"):
            self.document.drawings += 1
        elif tag == "code" and self._figure is None and self._has("details"):
            self._query = []
        if self._figure is not None:
            self._start_in_figure(self._figure, tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def _start_in_figure(self, figure: Figure, tag: str, given: dict[str, str]) -> None:
        if given.get("role") == "img":
            figure.pictures.append(Picture(given.get("aria-label", "")))
        kind = given.get("aria-roledescription", "")
        if kind and figure.pictures and kind != "axis" and not kind.endswith("container"):
            figure.pictures[-1].marks.append((kind, given.get("aria-label", "")))
        if tag == "a" and "download" in given:
            figure.csv = given["href"]
        elif tag == "table":
            figure.tables.append(Table())
        elif tag == "tr" and self._has("tbody"):
            figure.tables[-1].rows.append([])
        elif self._caught is None and (
            tag in {"th", "td", "caption", "h2", "h3", "h4", "h5"}
            or (tag == "code" and self._has("pre"))
            or (tag == "p" and given.get("class", "") in {"basis", "absence"})
        ):
            self._caught = (tag, [])

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        classes = ""
        while self._open:
            closed, classes = self._open.pop()
            if closed == tag:
                break
        figure = self._figure
        if tag == "code" and self._query is not None:
            self.document.queries.append("".join(self._query))
            self._query = None
        if figure is None:
            return
        if tag == "figure":
            self._figure = None
        elif self._caught is not None and tag == self._caught[0]:
            text = "".join(self._caught[1])
            self._caught = None
            self._end_in_figure(figure, tag, classes, text)

    def _end_in_figure(self, figure: Figure, tag: str, classes: str, text: str) -> None:
        words = " ".join(text.split())
        if tag == "code":
            figure.queries.append(text)
        elif tag in {"h2", "h3", "h4", "h5"}:
            figure.title = figure.title or words
        elif tag == "caption":
            figure.tables[-1].caption = words
        elif tag == "p" and classes in {"basis", "absence"}:
            setattr(figure, classes, words)
        elif tag in {"th", "td"} and figure.tables:
            table = figure.tables[-1]
            (table.rows[-1] if table.rows else table.header).append(words)

    def handle_data(self, data: str) -> None:
        if self._query is not None:
            self._query.append(data)
        if self._caught is not None:
            self._caught[1].append(data)
        if not any(tag in {"script", "style", "pre"} for tag, _ in self._open):
            self.words.append(data)

    def _has(self, tag: str, class_: str = "") -> bool:
        return any(name == tag and class_ in classes for name, classes in self._open)
