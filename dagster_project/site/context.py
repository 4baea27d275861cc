"""The context of every page: the marts, the templates, the names, the styles of series."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import jinja2
from markupsafe import Markup

from dagster_project.claims.phrases import KINDS, Names
from dagster_project.display import for_page
from dagster_project.site import addresses, numbers
from dagster_project.site.figure import Basis, Figure, Picture, together
from dagster_project.site.queries import Answer, Marts, header_of

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class File:
    """A file of the site, by its path from the root."""

    path: str
    content: str


@dataclass(frozen=True)
class Pair:
    """Reporter and partner."""

    reporter: str
    partner: str
    reporter_name: str
    partner_name: str

    @property
    def values(self) -> dict[str, str]:
        """The values for queries about a pair, and for their headers."""
        return asdict(self)

    @property
    def label(self) -> str:
        return f"{self.reporter_name} – {self.partner_name}"  # noqa: RUF001


@dataclass(frozen=True)
class Link:
    """An entry of the navigation; `path` is the address of a page."""

    text: str
    path: str


@dataclass(frozen=True)
class Outline:
    """The content of the site, known before any page is built, so that every link has a target."""

    pairs: tuple[Pair, ...]
    years: Mapping[tuple[str, str], tuple[int, ...]]
    sectors: Mapping[tuple[str, str], Mapping[str, str]]
    claims: frozenset[str]
    documents: Mapping[str, str]

    def years_of(self, pair: Pair) -> tuple[int, ...]:
        return self.years.get((pair.reporter, pair.partner), ())

    def sectors_of(self, pair: Pair) -> Mapping[str, str]:
        """The names of the sectors with a page, by id, in their order."""
        return self.sectors.get((pair.reporter, pair.partner), {})


class PageContext:
    """Builds any page of the site from one publication and one outline."""

    def __init__(self, marts: Marts, outline: Outline) -> None:
        self.marts = marts
        self.outline = outline

    def ask(self, query: str, **values: object) -> Answer:
        return self.marts.ask(query, **values)

    # -- shared data ---------------------------------------------------------------------

    @cached_property
    def publication(self) -> Mapping[str, Any]:
        return self.ask("publication").rows[0]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Names of countries and groups by code."""
        return {row["code"]: row["name"] for row in self.ask("names").rows}

    @cached_property
    def _withheld(self) -> Mapping[str, str]:
        return {row["source_id"]: row["licence"] for row in self.ask("terms").rows}

    @cached_property
    def publishers(self) -> Mapping[str, str]:
        """The publisher of each source."""
        return {row["source_id"]: row["publisher"] for row in self.ask("publishers").rows}

    @cached_property
    def words(self) -> Names:
        """The names used in sentences about verdicts."""
        products = {row["code"]: row["name"] for row in self.ask("products").rows}
        return Names(self.names, self.publishers, products)

    def bases(self, pair: Pair) -> Answer:
        """The bases of a pair by goods / services scope, the preferred ones first."""
        return self.ask("bases_of_pair", **pair.values)

    def styles(self, pair: Pair) -> dict[str, int]:
        """The style of each basis of a pair, the same on all pages."""
        names = dict.fromkeys(self.bases(pair).column("basis_id"))
        return {name: place for place, name in enumerate(names)}

    def notes(self, pair: Pair, kind: str) -> dict[str, str]:
        """The description of each basis for goods, services or both."""
        return {
            row["basis_id"]: row["description"] or ""
            for row in self.bases(pair).rows
            if row["trade_kind"] == kind
        }

    # -- making a figure -----------------------------------------------------------------

    def table(self, query: str, **values: object) -> Figure:
        """The rows of a query as a table, with the texts of its header."""
        return self.figure(self.ask(query, **values))

    def figure(
        self,
        answer: Answer,
        *,
        figure_id: str | None = None,
        picture: Picture | None = None,
        absence: str | None = None,
        links: dict[str, str] | None = None,
        **words: object,
    ) -> Figure:
        """The rows of a query, with the texts of its header and perhaps a picture.

        The header has these keys:
        - `id`: by default the name of the query.
        - `title` and `unit`.
        - `basis`: shown under the figure, with `release` and `source`, or with `releases`, the
          columns that name releases.
        - `columns`: the columns of the table, by default all.
        - `absence`: the text shown if there are no rows.
        - `links`: the kind of page to which the first column links, by its value or by the value of
          `linked_by`.

        The texts of the header may use the values of the query, `rows`, `first`, `picture` and
        `words`.

        Args:
            answer: the answer of `ask`.
            figure_id: replaces the `id` of the header.
            picture: drawn from the same rows.
            absence: shown where there are rows but no picture.
            links: replaces the links of the header.
            words: further values for the texts.
        """
        header = header_of(answer.query)
        values = {
            **answer.values,
            **words,
            "rows": answer.rows,
            "first": answer.rows[0] if answer else None,
            "picture": picture,
            "kinds": KINDS,
            "outline": self.outline,
            "publication": self.publication,
        }
        texts = {
            key: text.render(values)
            for key, text in header.items()
            if not isinstance(text, list) and (key != "absence" or not answer)
        }
        columns = tuple(header.get("columns", answer.columns))
        return Figure(
            id=figure_id or addresses.anchor(texts.get("id", answer.query)),
            title=texts["title"],
            unit=texts.get("unit", ""),
            basis=self._basis(answer, texts, header.get("releases", ["release_key"])),
            answer=answer,
            picture=picture,
            columns=columns,
            absence=absence or texts.get("absence"),
            links=self._links(answer, texts, columns[0]) if links is None else links,
        )

    def _basis(self, answer: Answer, texts: Mapping[str, str], columns: list[str]) -> Basis:
        """The line under a figure, from the columns that name releases.

        A release key is a source and a release. Several keys are joined by +. Rows without a key
        describe the warehouse itself.
        """
        if not {*columns} <= {*answer.columns}:
            return Basis(
                basis=texts["basis"],
                release=texts.get(
                    "release", f"publication {self.publication['content_hash'][:16]}"
                ),
                source=texts.get("source", "the published warehouse itself"),
            )
        keys = sorted(
            {
                one
                for row in answer.rows
                for column in columns
                for one in str(row[column] or "").split(" + ")
                if one
            }
        )
        sources = dict.fromkeys(key.partition(" ")[0] for key in keys)
        terms = [self._withheld[one] for one in sources if one in self._withheld]
        return Basis(
            basis=texts["basis"],
            release=together(keys),
            source=together(self.publishers.get(one, one) for one in sources),
            terms=together(terms) if terms else None,
        )

    def _links(self, answer: Answer, texts: Mapping[str, str], first: str) -> dict[str, str]:
        """The page of each value of the first column, if the site has one."""
        pair: Any = answer.values.get("reporter"), answer.values.get("partner")
        outline = self.outline
        pages: dict[str, str] = {}
        match texts.get("links"):
            case "years":
                years = outline.years.get(pair, ())
                pages = {str(year): addresses.of_year(*pair, year) for year in years}
            case "sectors":
                sectors = outline.sectors.get(pair, ())
                pages = {one: addresses.of_sector(*pair, one) for one in sectors}
            case "claims":
                pages = {one: addresses.of_claim(one) for one in outline.claims}
            case "documents":
                pages = {one: addresses.of_document(one) for one in outline.documents}
        key = texts.get("linked_by", first)
        return {str(row[first]): page for row in answer.rows if (page := pages.get(str(row[key])))}

    # -- making a page -------------------------------------------------------------------

    def page(
        self,
        path: str,
        template: str,
        *,
        title: str,
        trail: Iterable[Link] = (),
        figures: Iterable[Figure] = (),
        json_ld: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> list[File]:
        """A page with the CSV files of its figures.

        Args:
            path: address of the page.
            template: a file of `templates/` that extends `base.html`.
            title: the heading of the page and the title of the window.
            trail: the breadcrumb, without the front page and the page itself.
            figures: available to the template by id in `figures`.
            json_ld: structured data about the page.
            context: other variables of the template.
        """
        placed = {one.id: one for one in figures}
        html = self._templates.get_template(template).render(
            path=path,
            title=title,
            trail=list(trail),
            figures=placed,
            publication=self.publication,
            outline=self.outline,
            json_ld=None if json_ld is None else _script_safe(json_ld),
            link=lambda target: addresses.relative(path, target),
            csv_of=lambda figure: addresses.of_csv(path, figure.id),
            **context,
        )
        files = [File(addresses.of_csv(path, one.id), one.csv()) for one in placed.values()]
        return [File(path, for_page(html)), *files]

    @cached_property
    def _templates(self) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "heading": numbers.heading,
            "svg": Markup,
        }
        cast("dict[str, Any]", environment.globals).update(
            shown=numbers.shown,
            printed=numbers.printed,
            is_number=numbers.is_number,
            is_date=numbers.is_date,
            at=addresses,
            kinds=KINDS,
        )
        return environment


def _script_safe(data: Mapping[str, Any]) -> Markup:
    """JSON that is safe in a script element, whatever text it contains."""
    text = json.dumps(data, indent=1, default=str)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)
