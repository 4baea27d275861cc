"""Some pages of a site, made in this process: where a whole site would teach nothing more."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from dagster_project.settings import Settings
from dagster_project.site.build import Job, jobs_of, make, read_outline
from dagster_project.site.context import File, PageContext
from dagster_project.site.queries import Marts

STATIC = Path(make.__code__.co_filename).with_name("static")


def write_sample(
    settings: Settings,
    folder: Path,
    pairs: Sequence[tuple[str, str]],
    choose: Callable[[Sequence[Job]], Iterable[Job]],
) -> Path:
    """Write the chosen pages of a site; what they link to may be missing."""
    with Marts(settings) as marts:
        context = PageContext(marts, read_outline(marts, pairs))
        for job in choose(list(jobs_of(context.outline))):
            _write(folder, make(context, job))
    for file in STATIC.iterdir():
        shutil.copyfile(file, folder / file.name)
    return folder


def first_and_last(jobs: Sequence[Job]) -> list[Job]:
    """Of each kind of page the first and the last."""
    by_kind: dict[str, list[Job]] = {}
    for job in jobs:
        by_kind.setdefault(job.kind, []).append(job)
    return [group[place] for group in by_kind.values() for place in sorted({0, len(group) - 1})]


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
