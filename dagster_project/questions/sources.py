"""The sources: their data, terms and keys, and the releases available here."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from dagster_project.fetch.keys import key_of
from dagster_project.fetch.quota import Quota
from dagster_project.questions.words import InputError
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import SourceInfo
from dagster_project.sources.parsing import closest
from dagster_project.sources.snapshot import discover_releases
from dagster_project.warehouse import WarehouseMissing, connect_published

_NOT_FETCHED = {
    "gives": None,
    "levels": None,
    "coverage": None,
    "calendar": None,
    "hosts": None,
    "shapes": None,
    "verified_against": None,
    "key": None,
    "key_is_set": None,
    "key_variable": None,
    "key_obtained_at": None,
    "requests_left_today": None,
    "requests_per_day": None,
    "notes": [],
}


def list_sources(settings: Settings, source_id: str | None) -> list[dict[str, Any]]:
    """Every source that is fetched or listed, or only `source_id`.

    Raises:
        InputError: no such source.
        SettingsError: the keys file, or a count of requests, cannot be used.
        SnapshotError: a sidecar cannot be used.
    """
    seed = (settings.seeds / "source_list.csv").read_text(encoding="utf-8")
    listed = {row["source_id"]: row for row in csv.DictReader(io.StringIO(seed))}
    names = [*catalog.CONNECTORS, *(name for name in listed if name not in catalog.CONNECTORS)]
    if source_id is not None and source_id not in names:
        raise InputError(f"SOURCE: no source {source_id!r}: {closest(source_id, names)}")
    available = _available(settings)
    return [
        _described(name, listed.get(name, {}), available.get(name, []), settings)
        for name in names
        if source_id in (None, name)
    ]


def _available(settings: Settings) -> dict[str, list[tuple[str, date]]]:
    """The releases of each source and the days they are known from, the latest last.

    A publisher known only from quotations has no release on disk under its own name: its releases
    are in the published warehouse, if there is one.
    """
    available: defaultdict[str, list[tuple[str, date]]] = defaultdict(list)
    for release in discover_releases(settings.snapshot_roots):
        available[release.source_id].append((release.release_id, release.known_from))
    try:
        connection = connect_published(settings)
    except WarehouseMissing:
        return available
    try:
        built = connection.execute(
            "select source_id, release_id, known_from from marts.releases"
            " order by known_from, release_id"
        ).fetchall()
    finally:
        connection.close()
    on_disk = set(available)
    for source, release, known_from in built:
        if source not in on_disk:
            available[source].append((release, known_from))
    return available


def _described(
    name: str, listed: Mapping[str, str], releases: list[tuple[str, date]], settings: Settings
) -> dict[str, Any]:
    about = catalog.CONNECTORS[name].about if name in catalog.CONNECTORS else None
    latest, known_from = releases[-1] if releases else (None, None)
    return {
        "source_id": name,
        "publisher": listed.get("publisher") or (about.title if about else None),
        "dataset": about.title if about else listed["dataset"],
        "is_fetched": about is not None,
        **(_NOT_FETCHED if about is None else _connected(about, settings)),
        "licence": about.terms.licence if about else listed["licence"],
        "is_redistributable": (
            about.terms.is_redistributable if about else listed["is_redistributable"] == "true"
        ),
        "address": listed.get("address") or None,
        "releases": len(releases),
        "latest_release": latest,
        "latest_known_from": known_from,
    }


def _connected(about: SourceInfo, settings: Settings) -> dict[str, Any]:
    has_key = key_of(settings, about.source_id) is not None
    quota = Quota(settings.fetching / "quota", about.source_id, about.limits, has_key=has_key)
    need = "none" if about.key is None else "required" if about.key.is_required else "optional"
    return {
        "gives": about.gives,
        "levels": list(about.levels),
        "coverage": about.coverage,
        "calendar": about.calendar,
        "hosts": list(about.hosts),
        # The parser was tested on real responses, or written from documentation.
        "shapes": "seen" if about.verified else "documented",
        "verified_against": about.verified_against,
        "key": need,
        "key_is_set": None if about.key is None else has_key,
        "key_variable": None if about.key is None else f"BILATERAL_KEY_{about.source_id.upper()}",
        "key_obtained_at": None if about.key is None else about.key.obtained_at,
        "requests_left_today": quota.remaining(),
        "requests_per_day": quota.per_day,
        "notes": list(about.notes),
    }
