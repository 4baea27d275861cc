"""Which rows a release adds, changes and withdraws."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from sources.source_files import snapshot_file

from dagster_project.settings import Settings
from dagster_project.sources.formats import read_csv_cells
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.partitions import PART
from dagster_project.sources.raw import SourceTable, load_table
from dagster_project.sources.release_diff import Comparison, compare_with_held
from dagster_project.sources.snapshot import (
    Covers,
    NewFile,
    NewRelease,
    add_release,
    discover_releases,
)

COLUMNS = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "partner": pl.String(),
    "month": pl.String(),
    "value": pl.String(),
}


def parse(content: bytes, _file: object) -> Parsed:
    cells, rejects = read_csv_cells(content, "file", ("partner", "month", "value"))
    return Parsed(
        cells.select("row_number", pl.lit("value").alias("column_name"), *list(COLUMNS)[2:]),
        rejects,
    )


TABLE = SourceTable(
    source_id="source",
    table="source__table",
    description="",
    layouts=frozenset({"layout"}),
    parser=lambda _seeds: parse,
    seeds=(),
    columns=COLUMNS,
    primary_key=("partner", "month"),
    calendar="",
    values=("value",),
    period=pl.col("month"),
)
KOREA_2016 = Covers({"partner": ("KOR",)}, "2016-01", "2016-12")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project_root=tmp_path / "project", data_home=tmp_path / "home", as_of=None)


def content(rows: dict[tuple[str, str], str]) -> bytes:
    lines = [f"{partner},{month},{value}\n" for (partner, month), value in rows.items()]
    return "".join(["partner,month,value\n", *lines]).encode() if rows else b""


def add(
    settings: Settings,
    day: date,
    rows: dict[tuple[str, str], str],
    covers: Covers | None = KOREA_2016,
    release_id: str | None = None,
    hour: int = 0,
) -> None:
    root = settings.fetched_snapshots
    new = NewRelease(
        source_id="source",
        release_id=release_id or f"{day}-a",
        known_from=day,
        known_from_precision="day",
        retrieved_on=day,
        licence="none",
        redistributable=True,
        files=(NewFile("a.csv", TABLE.table, "layout", None, content(rows), covers=covers),),
        retrieved_at=datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
    )
    held = discover_releases([root]) if root.is_dir() else ()
    assert add_release(root, new, held).is_new
    load_table(TABLE, settings)


def withdrawn(settings: Settings) -> list[tuple[str, int, str]]:
    """Release and row that was withdrawn, and the release that withdrew it."""
    files = settings.raw / "snapshots__withdrawn" / "**" / "*.parquet"
    frame = pl.read_parquet(str(files), hive_partitioning=False)
    return frame.select("release_id", "row_number", "withdrawn_by").sort(pl.all()).rows()


def beside(
    settings: Settings,
    day: date,
    rows: dict[tuple[str, str], str],
    covers: Covers | None = KOREA_2016,
) -> Comparison:
    frame = (
        parse(content(rows), snapshot_file("layout")).frame
        if rows
        else pl.DataFrame(schema=COLUMNS)
    )
    return compare_with_held(TABLE, settings, {"a.csv": (frame, covers)}, day)["a.csv"]


FIRST = {("KOR", "2016-01"): "1", ("KOR", "2016-02"): "2", ("JPN", "2016-01"): "9"}


def test_rows_are_new_changed_same_or_withdrawn(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST, covers=None)
    now = {("KOR", "2016-01"): "1", ("KOR", "2016-03"): "3"}
    found = beside(settings, date(2017, 2, 7), now)
    assert found == Comparison(new=1, changed=0, withdrawn=1, same=1)
    changed = {**FIRST, ("KOR", "2016-02"): "2.5"}
    assert beside(settings, date(2017, 2, 7), changed) == Comparison(0, 1, 0, 2)
    assert not beside(settings, date(2017, 2, 7), FIRST).has_news


def test_before_anything_is_held_everything_is_new(settings: Settings) -> None:
    add(settings, date(2017, 6, 6), FIRST)
    assert beside(settings, date(2017, 1, 1), FIRST) == Comparison(3, 0, 0, 0)


def test_a_file_that_says_nothing_of_what_was_asked_withdraws_nothing(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST)
    now = {("KOR", "2016-01"): "1"}
    assert beside(settings, date(2017, 2, 7), now, covers=None).withdrawn == 0
    assert beside(settings, date(2017, 2, 7), now).withdrawn == 1


def test_the_empty_reply_withdraws_all_it_asked_for(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST)
    assert beside(settings, date(2017, 2, 7), {}) == Comparison(0, 0, 2, 0)
    add(settings, date(2017, 2, 7), {})
    assert withdrawn(settings) == [
        ("2017-01-06-a", 2, "2017-02-07-a"),
        ("2017-01-06-a", 3, "2017-02-07-a"),
    ]
    # What is gone already cannot be withdrawn again, and is new when it comes back.
    assert not beside(settings, date(2017, 3, 7), {}).has_news
    assert beside(settings, date(2017, 3, 7), {("KOR", "2016-01"): "1"}).new == 1


def test_what_was_asked_for_bounds_what_is_withdrawn(settings: Settings) -> None:
    rows = {**FIRST, ("KOR", "2015-12"): "7", ("KOR", "2017-01"): "8"}
    add(settings, date(2017, 3, 7), rows)
    assert beside(settings, date(2017, 4, 7), {("KOR", "2016-01"): "1"}).withdrawn == 1


def test_beginnings_of_codes_bound_what_is_withdrawn(settings: Settings) -> None:
    rows = {**FIRST, ("KAZ", "2016-01"): "7", ("LKA", "2016-01"): "8"}
    add(settings, date(2017, 1, 6), rows, covers=None)
    covers = Covers({}, "2016-01", "2016-12", {"partner": ("KO", "J")})
    assert beside(settings, date(2017, 2, 7), {}, covers).withdrawn == 3
    add(settings, date(2017, 2, 7), {}, covers)
    assert {row for _, row, _ in withdrawn(settings)} == {2, 3, 4}


def test_a_value_that_returns_is_news(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST)
    add(settings, date(2017, 2, 7), {**FIRST, ("KOR", "2016-01"): "1.5"})
    assert beside(settings, date(2017, 3, 7), FIRST).changed == 1


def test_a_late_release_changes_what_later_ones_withdrew(settings: Settings) -> None:
    add(settings, date(2017, 3, 7), {("KOR", "2016-01"): "1"})
    assert withdrawn(settings) == []
    add(settings, date(2017, 1, 6), FIRST)
    assert withdrawn(settings) == [("2017-01-06-a", 3, "2017-03-07-a")]


def test_of_one_day_the_release_retrieved_later_follows(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST, release_id="z", hour=9)
    add(settings, date(2017, 1, 6), {("KOR", "2016-01"): "1"}, release_id="b", hour=17)
    assert withdrawn(settings) == [("z", 3, "b")]


def test_all_figures_of_a_row_are_withdrawn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = dataclasses.replace(TABLE, second_columns=("partner",))
    monkeypatch.setitem(globals(), "TABLE", both)
    add(settings, date(2017, 1, 6), FIRST)
    add(settings, date(2017, 2, 7), {("KOR", "2016-01"): "1"})
    parts = settings.raw / "snapshots__withdrawn" / "**" / "*.parquet"
    gone = pl.read_parquet(str(parts), hive_partitioning=False)
    assert gone.select("row_number", "column_name").rows() == [(3, "KOR"), (3, "value")]
    # Each row still counts once.
    assert beside(settings, date(2017, 3, 7), FIRST).new == 1


def test_a_release_that_is_gone_leaves_no_trace(settings: Settings) -> None:
    import shutil

    add(settings, date(2017, 1, 6), FIRST)
    add(settings, date(2017, 2, 7), {("KOR", "2016-01"): "1"})
    assert len(withdrawn(settings)) == 1
    shutil.rmtree(settings.fetched_snapshots / "source" / "2017-02-07-a")
    load_table(TABLE, settings)
    assert withdrawn(settings) == []


def test_loading_again_writes_nothing(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST)
    add(settings, date(2017, 2, 7), {("KOR", "2016-01"): "1"})
    parts = sorted(settings.raw.rglob(PART))
    before = [path.stat().st_mtime_ns for path in parts]
    load_table(TABLE, settings)
    assert [path.stat().st_mtime_ns for path in parts] == before
    assert any("snapshots__withdrawn" in str(path) for path in parts)


def test_rows_of_one_fetch_count_together(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST)
    half = {("KOR", "2016-01"): "1"}
    rest = {("KOR", "2016-02"): "2"}
    frames = {
        name: (parse(content(rows), snapshot_file("layout")).frame, KOREA_2016)
        for name, rows in (("a", half), ("b", rest))
    }
    found = compare_with_held(TABLE, settings, frames, date(2017, 2, 7))
    assert found == {"a": Comparison(0, 0, 0, 1), "b": Comparison(0, 0, 0, 1)}
    assert not any(one.has_news for one in found.values())


def test_codes_that_are_empty_are_compared_too(settings: Settings) -> None:
    table = dataclasses.replace(TABLE, primary_key=("partner", "month"))
    add(settings, date(2017, 1, 6), FIRST)
    frame = parse(content(FIRST), snapshot_file("layout")).frame.with_columns(
        pl.when(pl.col("partner") == "KOR").then(pl.col("partner")).alias("partner")
    )
    found = compare_with_held(table, settings, {"a": (frame, None)}, date(2017, 2, 7))
    assert found["a"] == Comparison(new=1, changed=0, withdrawn=0, same=2)


def test_a_request_may_be_told_by_a_column_outside_the_key(settings: Settings) -> None:
    add(settings, date(2017, 1, 6), FIRST)
    asked = Covers({"column_name": ("value",)}, "2016-01", "2016-12")
    files = {"a": (parse(content(FIRST), snapshot_file("layout")).frame.head(1), asked)}
    found = compare_with_held(TABLE, settings, files, date(2017, 2, 7))
    assert found["a"] == Comparison(new=0, changed=0, withdrawn=2, same=1)
