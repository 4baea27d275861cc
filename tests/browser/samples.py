"""Some pages of a site, made in this process: where a whole site would teach nothing more."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from dagster_project.settings import Settings
from dagster_project.site import build
from dagster_project.site.context import File, PageContext
from dagster_project.site.queries import Marts

STATIC = Path(build.__file__).with_name("static")


def write_sample(
    settings: Settings,
    folder: Path,
    pairs: Sequence[tuple[str, str]],
) -> Path:
    """Write the first and last page of each kind; what they link to may be missing."""
    with Marts(settings) as marts:
        context = PageContext(marts, build.read_outline(marts, pairs))
        for page in _first_and_last(build.pages_of(context.outline)):
            _write(folder, page(context))
    for file in STATIC.iterdir():
        shutil.copyfile(file, folder / file.name)
    return folder


def altered(settings: Settings, home: Path, *statements: str) -> Settings:
    """The published warehouse with something in its marts made different, in a home of its own."""
    home.mkdir(parents=True)
    copy = replace(settings, data_home=home)
    shutil.copyfile(settings.warehouse, copy.warehouse)
    with duckdb.connect(str(copy.warehouse)) as connection:
        for statement in statements:
            connection.execute(statement)
    return copy


def _write(folder: Path, files: Iterable[File]) -> None:
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content, encoding="utf-8")


def _first_and_last(pages: Iterable[partial[list[File]]]) -> list[partial[list[File]]]:
    by_kind: dict[Callable[..., list[File]], list[partial[list[File]]]] = {}
    for page in pages:
        by_kind.setdefault(page.func, []).append(page)
    return [group[place] for group in by_kind.values() for place in sorted({0, len(group) - 1})]
