"""Remembers fetched datasets, so that unchanged ones are not requested again.

A dataset is remembered together with what was requested of it, because its totals say nothing
about its products. It is remembered as long as the releases that may contain its rows exist.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from dagster_project.fetch.release import may_share
from dagster_project.fetch.store import plain, write_whole
from dagster_project.settings import Settings, SettingsError
from dagster_project.sources.connector import Available, Chunk, Selection, SourceInfo
from dagster_project.sources.snapshot import Release, discover_releases

# These select datasets; everything else says what is requested of each.
_CHOOSING = frozenset({"reporters", "first", "last"})


@dataclass(frozen=True)
class _Brought:
    """The day a query was answered, and the releases that contained the answer then."""

    on: date
    releases: tuple[str, ...]


@dataclass(frozen=True)
class _Dataset:
    """The key of a dataset, and what each query fetched under this key."""

    key: str
    brought: dict[str, _Brought]


class FetchedDatasets:
    """The remembered datasets of a source, for one query."""

    def __init__(
        self, settings: Settings, about: SourceInfo, selection: Selection, *, has_key: bool
    ) -> None:
        self.file = settings.fetching / "seen" / f"{about.source_id}.json"
        self._settings = settings
        self._source_id = about.source_id
        self._question = _question(settings.seeds, about, selection, has_key=has_key)

    def mark(self, known: Sequence[Available]) -> tuple[Available, ...]:
        """The same datasets; those already fetched under their present key have `unchanged_since`.

        Raises:
            SettingsError: the file does not have the format written here.
        """
        brought = self._still_held(one.name for one in known)
        return tuple(
            replace(one, unchanged_since=brought[one.name][1].on)
            if one.name in brought and brought[one.name][0] == one.release_key
            else one
            for one in known
        )

    def may_be_unchanged(self, chunks: Iterable[Chunk]) -> str | None:
        """The note for a plan that was made before the publisher's list was read."""
        brought = self._still_held({name for chunk in chunks for name in chunk.datasets})
        if not brought:
            return None
        last = max(one.on for _, one in brought.values())
        return (
            f"{_datasets(len(brought))} of this were fetched before, the last on {last}. Those"
            " that the publisher says are unchanged need not be requested again."
        )

    def unchanged(self, known: Iterable[Available]) -> str | None:
        """The note for marked datasets."""
        days = [one.unchanged_since for one in known if one.unchanged_since is not None]
        if not days:
            return None
        later = " or later" if max(days) > min(days) else ""
        return (
            f"{_datasets(len(days))} unchanged since {min(days)}{later} need not be requested"
            f" again. To fetch them again, remove {self.file}."
        )

    def remember(
        self, known: Iterable[Available], chunks: Iterable[Chunk], lost: Collection[str], on: date
    ) -> None:
        """Remember the keys of the datasets that these chunks of a finished fetch requested.

        `lost` names datasets with a received row that is in no release.
        """
        key_of = {
            one.name: one.release_key
            for one in known
            if one.release_key is not None and one.unchanged_since is None and one.name not in lost
        }
        releases = self._releases() if key_of else []
        touched: dict[str, set[str]] = {}
        for chunk in chunks:
            names = [name for name in chunk.datasets if name in key_of]
            ids = _touching(chunk, releases) if names else set()
            for name in names:
                touched.setdefault(name, set()).update(ids)
        if not touched:
            return
        datasets = self._read()
        for name, ids in touched.items():
            key, held = str(key_of[name]), datasets.get(name)
            # Answers to other queries under another key are no longer valid.
            others = held.brought if held is not None and held.key == key else {}
            datasets[name] = _Dataset(
                key, others | {self._question: _Brought(on, tuple(sorted(ids)))}
            )
        self.file.parent.mkdir(parents=True, exist_ok=True)
        for leftover in self.file.parent.glob(f".{self.file.name}.*"):
            leftover.unlink()
        content = {name: asdict(datasets[name]) for name in sorted(datasets)}
        write_whole(self.file, json.dumps(content, default=str).encode() + b"\n")

    def _still_held(self, names: Iterable[str]) -> dict[str, tuple[str, _Brought]]:
        """Key and answer of the datasets for which the query was answered."""
        datasets = self._read()
        found = {
            name: (datasets[name].key, datasets[name].brought[self._question])
            for name in names
            if name in datasets and self._question in datasets[name].brought
        }
        if not found:
            return {}
        held = {release.release_id for release in self._releases()}
        return {name: one for name, one in found.items() if held.issuperset(one[1].releases)}

    def _releases(self) -> list[Release]:
        return [
            release
            for release in discover_releases(self._settings.snapshot_roots)
            if release.source_id == self._source_id
        ]

    def _read(self) -> dict[str, _Dataset]:
        try:
            return {
                name: _Dataset(
                    str(one["key"]),
                    {
                        question: _Brought(
                            date.fromisoformat(brought["on"]),
                            tuple(str(release) for release in brought["releases"]),
                        )
                        for question, brought in one["brought"].items()
                    },
                )
                for name, one in json.loads(self.file.read_bytes()).items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(
                f"{self.file}: not a valid list of fetched datasets. Remove it; everything is then"
                " requested again once."
            ) from error


def _question(seeds: Path, about: SourceInfo, selection: Selection, *, has_key: bool) -> str:
    """A digest of what a selection requests of any dataset."""
    asked = {name: value for name, value in plain(selection).items() if name not in _CHOOSING}
    codes = [hashlib.sha256((seeds / name).read_bytes()).hexdigest() for name in about.seeds]
    text = json.dumps([asked, has_key, codes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _touching(chunk: Chunk, releases: Iterable[Release]) -> set[str]:
    """The releases with a file that may contain rows a chunk requests."""
    return {
        release.release_id
        for release in releases
        if any(
            chunk.covers is None or may_share(file.covers, chunk.covers)
            for file in release.files_of(chunk.table)
        )
    }


def _datasets(count: int) -> str:
    return f"{count:,} dataset{'' if count == 1 else 's'}"
