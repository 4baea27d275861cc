"""Sidecars, hashes and the order of releases."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sources.source_files import edit_sidecar, write_release

from dagster_project.sources.snapshot import (
    Covers,
    NewFile,
    NewRelease,
    SnapshotError,
    add_release,
    discover,
    discover_releases,
    read_release,
    read_verified,
    scrub_address,
)

FILES = {"a.csv": ("us_census__country_file", "census_country_file", b"abc")}


def new_release(content: bytes, release_id: str, known_from: date, **changes: Any) -> NewRelease:
    fields: dict[str, Any] = {
        "source_id": "us_census",
        "release_id": release_id,
        "known_from": known_from,
        "known_from_precision": "day",
        "retrieved_on": date(2026, 11, 21),
        "licence": "public domain",
        "redistributable": True,
        "files": (
            NewFile(
                name="a.csv",
                table="us_census__country_file",
                layout="census_country_file",
                address="https://example.org/data?get=X&key=s3cret",
                content=content,
            ),
        ),
    }
    return NewRelease(**(fields | changes))


def test_a_release_is_read_as_its_sidecar_describes_it(tmp_path: Path) -> None:
    release = read_release(write_release(tmp_path, "us_census", "2017-01", FILES))
    file = release.files[0]
    assert release.known_from == date(2017, 1, 31)
    assert (file.table, file.layout, file.bytes) == (*FILES["a.csv"][:2], 3)
    assert file.snapshot_file == "us_census/2017-01/a.csv"
    assert read_verified(file) == b"abc"


def alter_bytes(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"abd")


def cut_bytes(folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"ab")


def remove_file(folder: Path) -> None:
    (folder / "a.csv").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (alter_bytes, "2017-01/a.csv: 3 bytes.*3 bytes"),
        (cut_bytes, "2017-01/a.csv: 2 bytes.*3 bytes"),
        (remove_file, f"2017-01/a.csv.*{os.strerror(errno.ENOENT)}"),
    ],
)
def test_bytes_that_differ_from_the_sidecar_are_refused(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    folder = write_release(tmp_path, "us_census", "2017-01", FILES)
    damage(folder)
    with pytest.raises(SnapshotError, match=message):
        read_verified(read_release(folder).files[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"release_id": "2017-02"}, "release_id.*2017-02.*2017-01"),
        ({"source_id": "other"}, "source_id.*other.*us_census"),
        ({"known_from": "31.1.2017"}, "known_from.*31.1.2017"),
        ({"known_from_precision": "week"}, "known_from_precision.*week.*day"),
        ({"retrieved_on": "2016-12-31"}, "known_from 2017-01-31.*retrieved_on 2016-12-31"),
        ({"known_from": "2016-12-31"}, "known_from 2016-12-31.*2017-01"),
        ({"redistributable": "yes"}, "redistributable"),
        ({"licence": ""}, "licence"),
        ({"files": []}, "files"),
    ],
)
def test_a_sidecar_that_cannot_be_right_is_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = write_release(tmp_path, "us_census", "2017-01", FILES)
    edit_sidecar(folder, **changes)
    with pytest.raises(SnapshotError, match=f"us_census/2017-01/sidecar.json: .*{message}"):
        read_release(folder)


def test_an_absent_or_broken_sidecar_is_named(tmp_path: Path) -> None:
    folder = write_release(tmp_path, "us_census", "2017-01", FILES)
    (folder / "sidecar.json").write_text("{", encoding="utf-8")
    with pytest.raises(SnapshotError, match=r"2017-01/sidecar.json.*line 1"):
        read_release(folder)
    (folder / "sidecar.json").unlink()
    with pytest.raises(SnapshotError, match=r"2017-01/sidecar.json"):
        read_release(folder)


def test_a_file_the_sidecar_does_not_name_is_refused(tmp_path: Path) -> None:
    folder = write_release(tmp_path, "us_census", "2017-01", FILES)
    (folder / "stray.csv").write_bytes(b"x")
    with pytest.raises(SnapshotError, match=r"stray\.csv"):
        read_release(folder)


MONTHS = {"first": "2016-01", "last": "2016-12"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../a.csv"}, r"file 1.*\.\./a\.csv"),
        ({"address": "https://example.org/?key=s3cret"}, "file 1.*SCRUBBED"),
        ({"covers": ["2016"]}, "file 1, covers"),
        ({"covers": {"equal": {"year": "2016"}, **MONTHS}}, "covers: year"),
        ({"covers": {"equal": {}, "beginnings": {"code": [87]}, **MONTHS}}, "covers: code"),
        (
            {"covers": {"equal": {}, "first": "2016-12", "last": "2016-01"}},
            "covers: first and last",
        ),
        ({"covers": {"equal": {}, "first": "2016", "last": "2016-01"}}, "covers: first and last"),
    ],
)
def test_an_entry_of_a_sidecar_that_cannot_be_right_is_named_without_its_key(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    folder = write_release(tmp_path, "us_census", "2017-01", FILES)
    entry = json.loads((folder / "sidecar.json").read_text())["files"][0]
    edit_sidecar(folder, files=[entry | changes])
    with pytest.raises(
        SnapshotError, match=f"us_census/2017-01/sidecar.json, .*{message}"
    ) as caught:
        read_release(folder)
    assert "s3cret" not in str(caught.value)


def test_a_later_release_may_not_have_been_known_earlier(tmp_path: Path) -> None:
    write_release(tmp_path, "us_census", "2017-01", FILES, known_from="2019-12-31")
    write_release(tmp_path, "us_census", "2018-06", FILES, known_from="2018-06-30")
    expected = r"2018-06/sidecar\.json.*2018-06-30.*2017-01 \(2019-12-31\)"
    usable, [unusable] = discover([tmp_path])
    assert [release.release_id for release in usable] == ["2017-01"]
    assert (unusable.source_id, unusable.release_id) == ("us_census", "2018-06")
    assert re.search(expected, unusable.reason)


def test_a_sidecar_that_cannot_be_read_leaves_the_other_releases(tmp_path: Path) -> None:
    write_release(tmp_path, "us_census", "2017-01", FILES)
    broken = write_release(tmp_path, "us_census", "2018-06", FILES) / "sidecar.json"
    broken.write_text("{")
    usable, [unusable] = discover([tmp_path])
    assert [release.release_id for release in usable] == ["2017-01"]
    assert (unusable.source_id, unusable.release_id) == ("us_census", "2018-06")


def test_releases_come_in_the_order_they_were_known(tmp_path: Path) -> None:
    write_release(tmp_path, "us_census", "2018-06", FILES, known_from="2018-06-30")
    write_release(tmp_path, "us_census", "2017-01", FILES)
    found = discover_releases([tmp_path, tmp_path / "not there"])
    assert [release.release_id for release in found] == ["2017-01", "2018-06"]


def test_no_release_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=str(tmp_path)):
        discover_releases([tmp_path])


def test_one_release_in_two_roots_counts_once_and_may_not_differ(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    write_release(shipped, "us_census", "2017-01", FILES)
    folder = write_release(own, "us_census", "2017-01", FILES)
    assert len(discover_releases([shipped, own])) == 1
    write_release(own, "us_census", "2017-01", {"a.csv": (*FILES["a.csv"][:2], b"other")})
    [used], [unusable] = discover([shipped, own])
    assert used.folder.parent.parent == shipped
    assert str(folder) in unusable.reason


@pytest.mark.parametrize(
    ("address", "scrubbed"),
    [
        ("https://a.org/x?get=V&key=1&time=2016", "https://a.org/x?get=V&key=SCRUBBED&time=2016"),
        ("https://a.org/x?subscription-key=1", "https://a.org/x?subscription-key=SCRUBBED"),
        ("https://a.org/x?UserID=1&method=G", "https://a.org/x?UserID=SCRUBBED&method=G"),
        ("https://a.org/x?serviceKey=a%2Fb", "https://a.org/x?serviceKey=SCRUBBED"),
        ("https://a.org/x?api_key=1", "https://a.org/x?api_key=SCRUBBED"),
        ("https://a.org/x?a=1&token=", "https://a.org/x?a=1&token=SCRUBBED"),
        ("https://a.org/x?time=from+2010-01", "https://a.org/x?time=from+2010-01"),
        ("https://a.org/keys", "https://a.org/keys"),
    ],
)
def test_keys_are_taken_out_of_addresses(address: str, scrubbed: str) -> None:
    assert scrub_address(address) == scrubbed
    assert scrub_address(scrubbed) == scrubbed


def test_the_same_content_adds_nothing_and_changed_content_adds_a_release(tmp_path: Path) -> None:
    first = add_release(tmp_path, new_release(b"one", "2017-01", date(2017, 1, 6)), ())
    held = discover_releases([tmp_path])
    again = add_release(tmp_path, new_release(b"one", "2017-02", date(2017, 2, 7)), held)
    changed = add_release(tmp_path, new_release(b"two", "2017-02", date(2017, 2, 7)), held)
    assert (first.is_new, again.is_new, changed.is_new) == (True, False, True)
    assert again.release.release_id == "2017-01"
    found = discover_releases([tmp_path])
    assert [release.release_id for release in found] == ["2017-01", "2017-02"]
    assert read_verified(found[1].files[0]) == b"two"
    assert found[0].files[0].address == "https://example.org/data?get=X&key=SCRUBBED"
    assert "s3cret" not in (found[0].folder / "sidecar.json").read_text()


def test_an_added_release_may_not_replace_one(tmp_path: Path) -> None:
    add_release(tmp_path, new_release(b"one", "2017-03", date(2017, 3, 7)), ())
    held = discover_releases([tmp_path])
    with pytest.raises(SnapshotError, match="us_census/2017-03"):
        add_release(tmp_path, new_release(b"two", "2017-03", date(2017, 3, 8)), held)
    with pytest.raises(SnapshotError, match="us_census/2017-04"):
        add_release(tmp_path, new_release(b"", "2017-04", date(2017, 4, 7), files=()), held)
    assert [path.name for path in (tmp_path / "us_census").iterdir()] == ["2017-03"]


def test_what_a_killed_writer_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    first = add_release(tmp_path, new_release(b"one", "2017-01", date(2017, 1, 6)), ()).release
    begun = first.folder.with_name(f".2017-02.{'0' * 32}")
    begun.mkdir()
    (begun / "half").write_bytes(b"tw")
    (first.folder.parent / ".kept").mkdir()
    held = discover_releases([tmp_path])
    add_release(tmp_path, new_release(b"two", "2017-03", date(2017, 3, 7)), held)
    assert sorted(path.name for path in first.folder.parent.iterdir()) == [
        ".kept",
        "2017-01",
        "2017-03",
    ]


def add(root: Path, *news: NewRelease) -> list[bool]:
    """Whether each was new, in this order."""
    return [
        add_release(root, new, discover_releases([root]) if root.exists() else ()).is_new
        for new in news
    ]


def test_a_late_release_takes_its_place_by_the_day_it_was_known(tmp_path: Path) -> None:
    root = tmp_path / "snapshots"
    assert add(
        root,
        new_release(b"one", "2017-03", date(2017, 3, 7)),
        new_release(b"two", "2017-01", date(2017, 1, 6)),
        new_release(b"one", "2017-02", date(2017, 2, 7)),
        # What was known on its day already adds nothing, whatever came after.
        new_release(b"two", "again", date(2017, 1, 20)),
    ) == [True, True, True, False]
    assert [one.release_id for one in discover_releases([root])] == [
        "2017-01",
        "2017-02",
        "2017-03",
    ]


def test_what_was_asked_for_and_when_is_kept(tmp_path: Path) -> None:
    equal, beginnings = {"cty_code": ("5800",)}, {"commodity_code": ("87", "8802")}
    covers = Covers(equal, "2016-01", "2016-12", beginnings)
    at = datetime(2017, 3, 7, 8, 30, tzinfo=UTC)
    file = NewFile("a.json", "us_census__country_file", "layout", None, b"one", covers=covers)
    empty = replace(file, name="b.json", content=b"")
    new = new_release(b"", "2017-03", date(2017, 3, 7), files=(file, empty), retrieved_at=at)
    added = add_release(tmp_path, new, ()).release
    assert [one.covers for one in added.files] == [covers, covers]
    assert [one.is_empty for one in added.files] == [False, True]
    assert added.retrieved_at == at


def test_the_release_retrieved_later_on_one_day_comes_later(tmp_path: Path) -> None:
    root = tmp_path / "snapshots"
    first, second = (
        new_release(
            release_id.encode(),
            release_id,
            date(2017, 3, 7),
            retrieved_at=datetime(2017, 3, 7, hour, tzinfo=UTC),
        )
        for release_id, hour in (("b", 9), ("a", 17))
    )
    assert add(root, first, second) == [True, True]
    assert [one.release_id for one in discover_releases([root])] == ["b", "a"]
