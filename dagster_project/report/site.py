"""The site as a whole: which pages it has, how they are made side by side, how it takes its place.

Belongs here: the outline, the work of the processes, the folder and its swap. Does not belong
here: what any page says (`pages/`).
"""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.report import addresses
from dagster_project.report.asking import Marts
from dagster_project.report.desk import Desk, File, Outline, Pair
from dagster_project.report.models import models_page
from dagster_project.report.pages import claim, document, front, pair
from dagster_project.settings import Settings
from dagster_project.swapping import beside, fsync, swap_link

_STATIC = Path(__file__).with_name("static")
# A site is told from a folder of somebody else by this file, which every site has.
_PROCESSES = 2

Maker = Callable[..., list[File]]
_MAKERS: Mapping[str, Maker] = {
    "claim": claim.page,
    "document": document.page,
    "front": front.page,
    "pair": pair.page,
}


@dataclass(frozen=True)
class Job:
    """One page to be made: its kind, and what it is about."""

    kind: str
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Site:
    """What was written: the link that leads to it, its pages, whether anything was new."""

    folder: Path
    pages: int
    is_new: bool
    content_hash: str


def write_site(
    settings: Settings,
    pairs: Sequence[tuple[str, str]] = (),
    *,
    out: Path | None = None,
    on_page: Callable[[int, int], None] = lambda done, total: None,
) -> Site:
    """Make the pages of the pairs, and put them in the place of those before.

    Args:
        settings: whose published warehouse is read.
        pairs: reporter and partner by code; none means those that documents speak of.
        out: the name under which the site stands; by default `report` in the data home.
        on_page: told after each page how many of how many are made.

    Raises:
        WarehouseMissing: nothing has been published.
        SwapRefused: something else stands where the site is to stand.
    """
    link = (out or settings.report).absolute()
    with ThreadPoolExecutor(1) as beside_pages:
        models = beside_pages.submit(models_page, settings)
        with Marts(settings) as marts:
            outline = read_outline(marts, pairs)
        files = [*_static_files(), *_made(settings, outline, on_page), *models.result()]
    return _put(link, files)


def read_outline(marts: Marts, asked: Sequence[tuple[str, str]]) -> Outline:
    """Which pages there are: every pair asked for, its years and sectors, its documents."""
    pairs = asked or [
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
        has_models=True,
    )


def jobs_of(outline: Outline) -> Iterator[Job]:
    """Every page of the outline, the slowest kinds first."""
    for one in outline.pairs:
        yield Job("pair", {"pair": one})
    for one in sorted(outline.claims):
        yield Job("claim", {"claim_id": one})
    for one in sorted(outline.documents):
        yield Job("document", {"document_id": one})
    yield Job("front", {})


def _made(
    settings: Settings, outline: Outline, on_page: Callable[[int, int], None]
) -> Iterator[File]:
    jobs = list(jobs_of(outline))
    # A copy of this process would share its open database; a new one has its own.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        _PROCESSES, mp_context=context, initializer=_sit_down, initargs=(settings, outline)
    ) as pool:
        waiting = [pool.submit(_make, job) for job in jobs]
        for done, future in enumerate(as_completed(waiting), start=1):
            on_page(done, len(jobs))
            yield from future.result()


# The desk of a worker: one publication for all its pages.
_desk: Desk | None = None


def _sit_down(settings: Settings, outline: Outline) -> None:
    global _desk  # noqa: PLW0603 — what a pool's processes keep between jobs has no other place
    _desk = Desk(Marts(settings), outline)


def _make(job: Job) -> list[File]:
    assert _desk is not None, "a worker sits down before it works"
    return _MAKERS[job.kind](_desk, **job.about)


def _static_files() -> Iterator[File]:
    for address in (addresses.STYLE, addresses.SCRIPT):
        yield File(address, (_STATIC / address).read_text(encoding="utf-8"))


def _put(link: Path, files: Iterable[File]) -> Site:
    """Write all files into a folder of their own, and let the link lead to it."""
    files = sorted(files, key=lambda one: one.path)
    digest = hashlib.sha256()
    for one in files:
        digest.update(f"{one.path}\0{len(one.content)}\0{one.content}".encode())
    content_hash = digest.hexdigest()
    folder = beside(link, content_hash)
    is_new = not (folder.is_dir() and link.is_symlink() and link.resolve() == folder.resolve())
    if is_new:
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary = link.with_name(f".{link.name}.{uuid.uuid4().hex[:8]}.making")
        try:
            for one in files:
                target = temporary / one.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(one.content, encoding="utf-8")
                fsync(target)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
            swap_link(folder, link)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    pages = sum(one.path.endswith(".html") for one in files)
    return Site(link, pages, is_new, content_hash)
