"""List the available releases, and compare two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dagster_project.questions.replay import Replay
from dagster_project.questions.words import InputError
from dagster_project.settings import Settings
from dagster_project.sources.parsing import closest
from dagster_project.sources.snapshot import Release, discover_releases
from dagster_project.warehouse import read_publication

_REQUESTED = {
    "source_id": pl.String,
    "a_release_id": pl.String,
    "b_release_id": pl.String,
}


@dataclass(frozen=True)
class Compared:
    """The figures that differ between two releases, and their sums."""

    source_id: str
    a_release_id: str
    b_release_id: str
    figures: Sequence[Mapping[str, object]]
    sums: Sequence[Mapping[str, object]]


def available_releases(settings: Settings, source_id: str | None) -> list[dict[str, object]]:
    """Every release on disk, and whether it is in the published warehouse.

    Raises:
        InputError: no release of this source is available.
        SnapshotError: a sidecar cannot be used.
    """
    releases = discover_releases(settings.snapshot_roots)
    sources = {release.source_id for release in releases}
    if source_id is not None and source_id not in sources:
        raise InputError(f"No release of {source_id!r} is available: {closest(source_id, sources)}")
    publication = read_publication(settings)
    built = {} if publication is None else publication.releases
    return [
        _described(release, is_built=release.release_id in built.get(release.source_id, []))
        for release in releases
        if source_id in (None, release.source_id)
    ]


def compare(replay: Replay, source_id: str, a_release_id: str, b_release_id: str) -> Compared:
    """Compare two releases of a source.

    Raises:
        InputError: a release is not in the published warehouse.
    """
    available = replay.published(
        "select source_id, release_id from warehouse.marts.releases"
        " order by source_id, release_order"
    ).rows()
    sources = {source for source, _ in available}
    if source_id not in sources:
        raise InputError(f"SOURCE: no source {source_id!r}: {closest(source_id, sources)}")
    releases = [release for source, release in available if source == source_id]
    for where, release in (("R1", a_release_id), ("R2", b_release_id)):
        if release not in releases:
            raise InputError(
                f"{where}: the published warehouse has no release {release!r} of {source_id}."
                f" It has {', '.join(releases)}. `bilateral build` adds newer releases."
            )
    replay.answer(
        {
            "releases_requested": pl.DataFrame(
                [(source_id, a_release_id, b_release_id)], schema=_REQUESTED, orient="row"
            )
        },
        ["releases_compared", "releases_summed"],
    )
    return Compared(
        source_id=source_id,
        a_release_id=a_release_id,
        b_release_id=b_release_id,
        figures=replay.rows(
            "releases_compared",
            "reporter_iso3, partner_code, flow, series_code, measure, product_system, product_code,"
            " datediff('month', period_start, period_end), period_start, raw_table, series_key",
        ),
        sums=replay.rows(
            "releases_summed",
            "flow, measure, series_code, product_system, period_kind, partners, change",
        ),
    )


def _described(release: Release, *, is_built: bool) -> dict[str, object]:
    return {
        "source_id": release.source_id,
        "release_id": release.release_id,
        "known_from": release.known_from,
        "known_from_precision": release.known_from_precision,
        "retrieved_on": release.retrieved_on,
        "files": len(release.files),
        "bytes": sum(file.bytes for file in release.files),
        "is_composed": any(file.composed_from is not None for file in release.files),
        "is_redistributable": release.redistributable,
        "is_built": is_built,
        "licence": release.licence,
        "tables": sorted({file.table for file in release.files}),
    }
