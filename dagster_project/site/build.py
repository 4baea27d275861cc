"""The whole site: its pages, made in parallel."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dagster_project.publish.links import require_managed_link
from dagster_project.settings import Settings
from dagster_project.site import addresses
from dagster_project.site.context import File, Outline, PageContext, Pair
from dagster_project.site.output import place
from dagster_project.site.pages import (
    claim,
    document,
    front,
    pair,
    reference,
    sector,
    world,
    year,
)
from dagster_project.site.queries import Marts

_STATIC = Path(__file__).with_name("static")
_PROCESSES = 2
# A publication during a build restarts it; publications are minutes apart.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Site:
    """A written site: its link, its size, and whether anything changed."""

    link: Path
    pages: int
    size: int
    is_new: bool
    content_hash: str


class PublicationChanged(RuntimeError):
    """Another warehouse was published between two pages of one site."""


def write_site(
    settings: Settings,
    pairs: Sequence[tuple[str, str]] = (),
    *,
    out: Path | None = None,
    on_page: Callable[[int, int], None] = lambda done, total: None,
) -> Site:
    """Make the pages of the pairs and replace the previous site.

    Args:
        settings: the data home with the published warehouse.
        pairs: reporter and partner codes; by default the pairs that articles make claims about.
        out: the path of the site; by default `report` in the data home.
        on_page: called after each page with the number made and the total.

    Raises:
        WarehouseMissing: nothing has been published.
        PublicationChanged: the warehouse was published repeatedly during the build.
        ReplaceRefused: something else is at the path of the site.
    """
    link = (out or settings.report).absolute()
    # Fails before the work, not after it.
    require_managed_link(link)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            files = _files(settings, pairs, on_page)
            break
        except PublicationChanged:
            if attempt == _ATTEMPTS:
                raise
    placed = place(link, files)
    return Site(
        link=link,
        pages=sum(one.path.endswith(".html") for one in files),
        size=sum(len(one.content.encode()) for one in files),
        is_new=placed.is_new,
        content_hash=placed.content_hash,
    )


def _files(
    settings: Settings, pairs: Sequence[tuple[str, str]], on_page: Callable[[int, int], None]
) -> list[File]:
    """All files of a site, from one publication.

    Raises:
        PublicationChanged: the warehouse was published during the build.
    """
    with Marts(settings) as marts:
        outline = read_outline(marts, pairs)
        publication = PageContext(marts, outline).publication
    return [*_static_files(), *_made(settings, outline, publication, on_page)]


def read_outline(marts: Marts, requested: Sequence[tuple[str, str]]) -> Outline:
    """The pages of the site: every requested pair, its years, sectors and articles."""
    pairs = requested or [
        (row["reporter_iso3"], row["partner_code"]) for row in marts.ask("pairs_claimed").rows
    ]
    names = {row["code"]: row["name"] for row in marts.ask("names").rows}
    years, sectors, claims, documents = {}, {}, set(), {}
    for reporter, partner in pairs:
        values = {"reporter": reporter, "partner": partner}
        years[reporter, partner] = tuple(marts.ask("years_of_pair", **values).column("year"))
        sectors[reporter, partner] = {
            row["sector_id"]: row["sector_name"]
            for row in marts.ask("sectors_of_pair", **values).rows
        }
        for row in marts.ask("claims_of_pair", **values).rows:
            claims.add(row["claim_id"])
            documents[row["document_id"]] = row["publisher"]
    return Outline(
        pairs=tuple(
            Pair(reporter, partner, names.get(reporter, reporter), names.get(partner, partner))
            for reporter, partner in pairs
        ),
        years=years,
        sectors=sectors,
        claims=frozenset(claims),
        documents=documents,
    )


def pages_of(outline: Outline) -> Iterator[partial[list[File]]]:
    """The functions that make the pages of the outline, the slowest first."""
    for one in outline.pairs:
        yield partial(pair.page, pair=one)
        # The latest years have the most data.
        for each in reversed(outline.years_of(one)):
            yield partial(year.page, pair=one, year=each)
        if outline.sectors_of(one):
            yield partial(sector.overview, pair=one)
        for sector_id in outline.sectors_of(one):
            yield partial(sector.page, pair=one, sector=sector_id)
    for claim_id in sorted(outline.claims):
        yield partial(claim.page, claim_id=claim_id)
    for document_id in sorted(outline.documents):
        yield partial(document.page, document_id=document_id)
    for once in (world.gaps, world.reporters, reference.sources, reference.dictionary, front.page):
        yield partial(once)


def _made(
    settings: Settings,
    outline: Outline,
    publication: Mapping[str, Any],
    on_page: Callable[[int, int], None],
) -> Iterator[File]:
    pages = list(pages_of(outline))
    # A forked process would share the open database.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        _PROCESSES,
        mp_context=spawn,
        initializer=_init_worker,
        initargs=(settings, outline, publication),
    ) as pool:
        waiting = [pool.submit(_make, page) for page in pages]
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                on_page(done, len(pages))
                yield from future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


# The page context of a worker, and the publication that all workers must read.
_context: PageContext | None = None
_publication: Mapping[str, Any] = {}


def _init_worker(settings: Settings, outline: Outline, publication: Mapping[str, Any]) -> None:
    global _context, _publication
    # Ctrl-C reaches every process of a terminal; the parent ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _context = PageContext(Marts(settings), outline)
    _publication = publication


def _exit_with_parent() -> None:
    """End with the parent: a worker whose parent was killed would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(page: partial[list[File]]) -> list[File]:
    assert _context is not None, "the worker is initialised before it gets a page"
    # Each worker opens the warehouse itself, so one may have opened a newer publication.
    if _context.publication != _publication:
        raise PublicationChanged("Another warehouse was published while pages were made.")
    return page(_context)


def _static_files() -> Iterator[File]:
    for address in (addresses.STYLE, addresses.SCRIPT):
        yield File(address, (_STATIC / address).read_text(encoding="utf-8"))
