"""Tests that unchanged datasets are not requested again while their rows still hold."""

from __future__ import annotations

import json
import re
import shutil
from ast import literal_eval
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fetch.held import as_printed, held_rows, leftovers
from fetch.homes import HomeAt
from fetch.loopback import Loopback, reply
from fetch.publishers import PUBLISHERS
from fetch.publishers.publisher import Asked, Case, Row, years
from fetch.publishers.un_comtrade import UnComtrade
from fetch.publishers.world import World
from fetch.replay_server import Fault, Phase, ReplayServer
from fetch.small_publisher import (
    NO_WAITS,
    TABLE,
    YEARS,
    KeyedConnector,
    SmallPublisher,
    all_rows,
    small_settings,
)
from fetch.small_publisher import SOURCE as SMALL
from polars.testing import assert_frame_equal

from dagster_project.fetch.fetched import FetchedDatasets
from dagster_project.fetch.job import FetchError, FetchOutcome, run_fetch
from dagster_project.fetch.planning import plan_fetch
from dagster_project.fetch.release import Replies
from dagster_project.settings import PROJECT_ROOT, Settings, SettingsError
from dagster_project.sources import catalog
from dagster_project.sources.connector import Available, Chunk, Request, Selection
from dagster_project.sources.snapshot import Covers, read_release
from dagster_project.sources.un_comtrade.connector import CONNECTOR

pytestmark = pytest.mark.slow

SOURCE = "un_comtrade"
TRADE = "un_comtrade__trade"
FIRST_DAY = datetime(2026, 3, 2, 6, tzinfo=UTC)
LATER = FIRST_DAY + timedelta(days=9)
ASKED = years(2014, 2015, reporters=("USA", "KOR"), level="hs2", frequency="A")
CODES = {"USA": "842", "KOR": "410"}


class Revised(UnComtrade):
    """The same publisher, which has put out some reports (reporter and period) again."""

    def __init__(self) -> None:
        self.reports: set[tuple[str, str]] = set()

    def rows(self, asked: Asked, world: World) -> list[Row]:
        if asked.path.startswith("/bulk/v1/file/"):
            code, name = asked.path.split("/")[-2:]
            is_anew = (code, bytes.fromhex(name).decode()[1:]) in self.reports
            return super().rows(asked, world.later() if is_anew else world)
        published = super().rows
        return [
            row
            for of_world, is_anew in ((world, False), (world.later(), True))
            for row in published(asked, of_world)
            if (_report(row) in self.reports) == is_anew
        ]

    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        old, new = super().truth(case, world), super().truth(case, world.later())
        is_anew = pl.struct("reporter_code", "period").is_in(
            [{"reporter_code": code, "period": period} for code, period in self.reports]
        )
        return {
            table: pl.concat([old[table].filter(~is_anew), new[table].filter(is_anew)])
            if self.reports
            else old[table]
            for table in old
        }


def _report(row: Row) -> tuple[str, str]:
    record = json.loads(row[0])
    return str(record["reporterCode"]), str(record["period"])


@pytest.fixture(autouse=True)
def publisher(monkeypatch: pytest.MonkeyPatch) -> Revised:
    revised = Revised()
    monkeypatch.setitem(PUBLISHERS, SOURCE, revised)
    return revised


@pytest.fixture
def settings(home_at: HomeAt) -> Settings:
    return home_at("home")


def fetch(
    settings: Settings, selection: Selection = ASKED, now: datetime = FIRST_DAY
) -> FetchOutcome:
    return run_fetch(settings, SOURCE, selection, now=now, retry=NO_WAITS)


def asked_parts(replay: ReplayServer) -> list[tuple[set[str], set[str]]]:
    """Reporters and periods of the calls for trade since the server last forgot."""
    found = []
    for sent in replay.sent:
        if "/get/C/" in sent.identity or "/preview/C/" in sent.identity:
            named = dict(literal_eval(sent.identity.split(" ", 2)[2]))
            today = set(named["reporterCode"].split(",")) & set(CODES.values())
            found.append((today, set(named["period"].split(","))))
    return found


def assert_holds(settings: Settings, publisher: Revised, selection: Selection = ASKED) -> None:
    for table, rows in publisher.truth(Case(selection), World()).items():
        assert_frame_equal(
            as_printed(held_rows(settings, table).select(rows.columns)), as_printed(rows)
        )


def test_unchanged_datasets_are_not_requested(settings: Settings, replay: ReplayServer) -> None:
    first = fetch(settings)
    assert (first.unchanged, first.is_new) == (0, True)
    assert first.rows > 100
    replay.forget()
    again = fetch(settings, now=LATER)
    assert [sent.identity.split(" ")[1] for sent in replay.sent] == ["/public/v1/getDa/C/A/HS"]
    assert (again.requests_sent, again.unchanged, again.rows) == (1, 4, 0)
    assert (again.release, again.is_new) == (None, False)
    # What is unchanged is not told as missing.
    (said,) = again.notes
    assert re.match(r"4 datasets .*\b2026-03-02\b", said)
    assert str(settings.fetching / "seen" / "un_comtrade.json") in said
    # Whose turn it is tomorrow is told by the day it came, not by the day it was looked at.
    assert fetch(settings, now=LATER + timedelta(days=1)).notes == again.notes


def test_a_changed_dataset_is_requested_and_its_changes_are_stored(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    fetch(settings)
    assert_holds(settings, publisher)
    publisher.reports = {("410", "2015")}
    replay.forget()
    later = fetch(settings, now=LATER)
    assert asked_parts(replay) == [({"410"}, {"2015"})]
    assert later.unchanged == 3
    found = later.comparison
    assert min(found.changed, found.withdrawn, found.same) > 0
    assert later.release is not None
    assert later.release.known_from == date(2020, 1, 2), "the day of the report that changed"
    assert_holds(settings, publisher)
    replay.forget()
    settled = fetch(settings, now=LATER + timedelta(days=1))
    assert (settled.requests_sent, settled.unchanged) == (1, 4)
    (said,) = [note for note in settled.notes if "unchanged" in note]
    assert "unchanged since 2026-03-02 or later" in said


def test_reports_that_changed_apart_share_a_call_that_takes_unchanged_ones_along(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    asked = replace(ASKED, level="total", partners=("DEU",))
    fetch(settings, asked)
    publisher.reports = {("410", "2015"), ("842", "2014")}
    replay.forget()
    later = fetch(settings, asked, LATER)
    assert asked_parts(replay) == [({"410", "842"}, {"2014", "2015"})]
    assert later.unchanged == 2
    assert_holds(settings, publisher, asked)


OTHER_QUESTIONS: Mapping[str, Mapping[str, object]] = {
    "level": {"level": "hs4"},
    "products": {"products": ("27",)},
    "partners": {"partners": ("CHN",)},
    "flows": {"flows": ("export",)},
    "frequency": {"frequency": "M", "first": date(2015, 12, 1)},
}


@pytest.mark.parametrize("part", OTHER_QUESTIONS)
def test_a_fetch_does_not_count_as_one_of_another_selection(
    settings: Settings, replay: ReplayServer, part: str
) -> None:
    fetch(settings)
    replay.forget()
    other = replace(ASKED, **OTHER_QUESTIONS[part])  # ty: ignore
    outcome = fetch(settings, other, LATER)
    assert outcome.unchanged == 0
    assert {code for codes, _ in asked_parts(replay) for code in codes} == {"410", "842"}
    replay.forget()
    assert fetch(settings, other, LATER).requests_sent == 1
    assert fetch(settings, now=LATER).requests_sent == 1, "nor does it make the first forgotten"


def test_a_fetch_with_a_key_is_another_query(settings: Settings, replay: ReplayServer) -> None:
    asked = replace(ASKED, level="total", partners=("DEU",))
    fetch(replace(settings, keys={}), asked)
    replay.forget()
    assert fetch(settings, asked, LATER).unchanged == 0
    assert any("getMetadata" in sent.identity for sent in replay.sent)


def test_only_new_reporters_and_periods_are_requested(
    settings: Settings, replay: ReplayServer
) -> None:
    fetch(settings, replace(ASKED, reporters=("USA",), first=date(2015, 1, 1)))
    replay.forget()
    assert fetch(settings, now=LATER).unchanged == 1
    cells = [
        (code, period)
        for codes, periods in asked_parts(replay)
        for code in codes
        for period in periods
    ]
    assert len(set(cells)) == 3 or len(asked_parts(replay)) == 1
    assert set(cells) >= {("410", "2014"), ("410", "2015"), ("842", "2014")}


def test_a_dataset_is_requested_again_when_its_release_is_removed(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    fetch(settings, replace(ASKED, reporters=("USA",)))
    korea = fetch(settings, replace(ASKED, reporters=("KOR",)), FIRST_DAY + timedelta(hours=1))
    assert korea.release is not None
    shutil.rmtree(korea.release.folder)
    replay.forget()
    again = fetch(settings, now=LATER)
    assert again.unchanged == 2
    assert {code for codes, _ in asked_parts(replay) for code in codes} == {"410"}
    assert again.release is not None
    assert_holds(settings, publisher)


def test_without_the_file_everything_is_requested_again(
    settings: Settings, replay: ReplayServer
) -> None:
    first = fetch(settings)
    (settings.fetching / "seen" / f"{SOURCE}.json").unlink()
    replay.forget()
    again = fetch(settings, now=LATER)
    assert (again.unchanged, again.requests_sent) == (0, first.requests_sent)
    assert again.comparison.same == first.rows


def test_a_fetch_that_failed_remembers_nothing(settings: Settings, replay: ReplayServer) -> None:
    def fail_after_the_first_call(number: int, phase: Phase) -> None:
        fault: Fault = "unknown"
        if (number, phase) == (2, "sent"):
            replay.always = fault

    asked = replace(ASKED, level="hs6", partners=("DEU", "JPN"))
    replay.on_phase = fail_after_the_first_call
    with pytest.raises(FetchError):
        fetch(settings, asked)
    assert not (settings.fetching / "seen").exists()
    replay.on_phase, replay.always = lambda number, phase: None, None
    replay.forget()
    outcome = fetch(settings, asked)
    assert (outcome.unchanged, outcome.chunks_taken_from_before) == (0, 2)
    assert outcome.is_new
    assert fetch(settings, asked, LATER).requests_sent == 1


def test_a_fetch_killed_before_its_release_remembers_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(Replies, "keep", dies)
        with pytest.raises(KeyboardInterrupt):
            fetch(settings)
    outcome = fetch(settings)
    assert (outcome.unchanged, outcome.requests_sent, outcome.is_new) == (0, 0, True)


def test_a_fetch_killed_after_its_release_is_completed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember = FetchedDatasets.remember

    def dies(self: FetchedDatasets, *what: object) -> None:
        remember(self, *what)  # ty: ignore
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(FetchedDatasets, "remember", dies)
        with pytest.raises(KeyboardInterrupt):
            fetch(settings)
    outcome = fetch(settings, now=FIRST_DAY + timedelta(hours=1))
    assert (outcome.release, outcome.unchanged, outcome.requests_sent) == (None, 4, 0)
    assert held_rows(settings, TRADE).height > 100
    assert not list(leftovers(settings))


def test_a_withdrawn_revision_is_requested_again(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    """Seen by a narrower question only, it would stand among the rows of the wider for good."""
    fetch(settings)
    publisher.reports = {("410", "2015")}
    fetch(settings, replace(ASKED, partners=("DEU", "JPN")), LATER)
    publisher.reports = set()
    replay.forget()
    back = fetch(settings, now=LATER + timedelta(days=1))
    # The narrower question brought the other reports under the key they had.
    assert asked_parts(replay) == [({"410"}, {"2015"})]
    assert back.unchanged == 3


def test_a_revision_seen_by_a_narrower_selection_is_requested_by_the_wider(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    fetch(settings)
    publisher.reports = {("410", "2015")}
    fetch(settings, replace(ASKED, partners=("DEU", "JPN")), LATER)
    replay.forget()
    assert fetch(settings, now=LATER + timedelta(days=1)).comparison.changed > 0
    assert asked_parts(replay) == [({"410"}, {"2015"})]
    assert_holds(settings, publisher)


def test_a_plan_counts_datasets_that_may_be_unchanged_and_after_the_survey_those_that_are(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    assert not any("dataset" in note for note in plan_fetch(settings, SOURCE, ASKED).notes)
    whole = plan_fetch(settings, SOURCE, ASKED).to_send
    fetch(settings)
    planned = plan_fetch(settings, SOURCE, ASKED, now=LATER)
    assert planned.to_send == whole
    (said,) = [note for note in planned.notes if "dataset" in note]
    assert re.match(r"4 datasets .*\b2026-03-02\b", said)

    publisher.reports = {("410", "2015")}

    def fail_after_the_list(number: int, phase: Phase) -> None:
        if phase == "sent":
            replay.always = "unknown"

    replay.on_phase = fail_after_the_list
    with pytest.raises(FetchError):
        fetch(settings, now=LATER)
    replay.on_phase, replay.always = lambda number, phase: None, None
    replay.forget()
    planned = plan_fetch(settings, SOURCE, ASKED, now=LATER)
    assert replay.sent == []
    (said,) = [note for note in planned.notes if "dataset" in note]
    assert re.match(r"3 datasets .*\b2026-03-02\b", said)
    # The call and its metadata.
    assert (planned.stored, planned.to_send) == (1, 2)


def test_bulk_files_that_are_unchanged_are_left_where_they_are(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    asked = replace(ASKED, level="all")
    first = fetch(settings, asked)
    assert first.is_new
    replay.forget()
    again = fetch(settings, asked, LATER)
    assert (again.unchanged, again.requests_sent) == (4, 1)
    publisher.reports = {("842", "2014")}
    replay.forget()
    later = fetch(settings, asked, LATER)
    files = [sent for sent in replay.sent if "/bulk/v1/file/" in sent.identity]
    assert len(files) == 1
    assert later.unchanged == 3
    assert later.release is not None
    assert [file.name for file in later.release.files] == ["bulk_A_842_2014.tsv.gz"]
    assert_holds(settings, publisher, asked)


def test_a_bulk_file_that_is_taken_back_under_its_old_day_holds_from_then_on(
    settings: Settings, publisher: Revised
) -> None:
    asked = replace(ASKED, level="all")
    first = fetch(settings, asked)
    publisher.reports = {("842", "2014"), ("842", "2015"), ("410", "2014"), ("410", "2015")}
    second = fetch(settings, asked, LATER)
    publisher.reports = set()
    back = fetch(settings, asked, LATER + timedelta(days=1))
    known = [one.release.known_from for one in (first, second, back) if one.release is not None]
    # The publisher's own day would put it before the one whose place it takes.
    assert known == [date(2020, 1, 1), date(2020, 1, 2), date(2026, 3, 12)]
    assert back.is_new
    assert_holds(settings, publisher, asked)
    (settings.fetching / "seen" / f"{SOURCE}.json").unlink()
    assert fetch(settings, asked, LATER + timedelta(days=2)).release is None


def test_only_the_removed_bulk_file_is_requested_again(
    settings: Settings, replay: ReplayServer, publisher: Revised
) -> None:
    asked = replace(ASKED, level="all")
    america = fetch(settings, replace(asked, reporters=("USA",)))
    fetch(settings, replace(asked, reporters=("KOR",)), FIRST_DAY + timedelta(hours=1))
    assert america.release is not None
    shutil.rmtree(america.release.folder)
    replay.forget()
    again = fetch(settings, asked, LATER)
    assert again.unchanged == 2
    files = {sent.identity.split("/")[4] for sent in replay.sent if "/file/" in sent.identity}
    assert files == {"842"}
    assert_holds(settings, publisher, asked)


def test_a_file_that_cannot_be_read_is_named(settings: Settings) -> None:
    fetch(settings)
    file = settings.fetching / "seen" / f"{SOURCE}.json"
    for damaged in ('{"C-A-HS-842-2014": {"key": "1"}}', "[]", '{"C-A'):
        file.write_text(damaged)
        with pytest.raises(SettingsError, match=r"seen/un_comtrade\.json"):
            fetch(settings, now=LATER)


def test_changed_codes_make_another_query(tmp_path: Path) -> None:
    """A partner that is new in the seeds was never asked for."""
    seeds = tmp_path / "dbt" / "seeds"
    seeds.mkdir(parents=True)
    for name in CONNECTOR.about.seeds:
        shutil.copy(PROJECT_ROOT / "dbt" / "seeds" / name, seeds)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "snapshots").symlink_to(PROJECT_ROOT / "data" / "snapshots")
    settings = Settings(tmp_path, tmp_path / "home", None)
    known = (Available("one", "2015-01", "2015-12", "key"), Available("none", "2015-01", "2015-12"))
    chunk = Chunk(
        "a.json",
        TRADE,
        "",
        Request("https://example.org"),
        Covers({}, "2015-01", "2015-12"),
        datasets=("one", "none"),
    )

    def marked() -> list[str]:
        seen = FetchedDatasets(settings, CONNECTOR.about, ASKED, has_key=True)
        return [one.name for one in seen.mark(known) if one.unchanged_since is not None]

    FetchedDatasets(settings, CONNECTOR.about, ASKED, has_key=True).remember(
        known, (chunk,), (), date(2026, 3, 2)
    )
    assert marked() == ["one"], "a dataset without a key is never known"
    with (seeds / "comtrade_areas.csv").open("a") as file:
        file.write("\n")
    assert marked() == []


@pytest.fixture
def small(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> SmallPublisher:
    monkeypatch.setattr(catalog, "CONNECTORS", {SMALL: KeyedConnector()})
    monkeypatch.setattr(catalog, "CATALOG", (TABLE,))
    publisher = SmallPublisher(all_rows())
    server.otherwise = publisher.answer
    return publisher


def test_datasets_of_any_connector_can_be_unchanged(
    small: SmallPublisher, server: Loopback, tmp_path: Path
) -> None:
    settings = small_settings(tmp_path / "data", server.address)
    small.released = {"KOR": "2026-10-05", "JPN": "2026-09-01"}

    def partners() -> set[str]:
        server.seen.clear()
        run_fetch(settings, SMALL, YEARS, now=FIRST_DAY + timedelta(days=300), retry=NO_WAITS)
        asked = [seen.path for seen in server.seen]
        return {path[path.index("partner=") + 8 :][:3] for path in asked if "partner=" in path}

    assert partners() == set(YEARS.partners)
    # The others have no key in the publisher's list: nothing says that they are unchanged.
    assert partners() == set(YEARS.partners) - {"KOR", "JPN"}
    small.released = {"KOR": "2026-10-06", "JPN": "2026-09-01"}
    assert partners() == set(YEARS.partners) - {"JPN"}


def test_a_row_in_no_release_is_requested_again(
    small: SmallPublisher, server: Loopback, tmp_path: Path
) -> None:
    """A file without news is not kept, so nobody could read its bad row better later."""
    settings = small_settings(tmp_path / "data", server.address)
    small.released = {"MEX": "2026-01-05"}
    small.rows[("MEX", "2016-02")] = "n/a"
    asked = replace(YEARS, partners=("MEX",))
    now = FIRST_DAY
    first = run_fetch(settings, SMALL, asked, now=now, retry=NO_WAITS)
    assert (first.rejects, first.is_new) == (1, True)
    kept = run_fetch(settings, SMALL, asked, now=now, retry=NO_WAITS)
    assert kept.unchanged == 1, "the file is held, and with it the row"
    (settings.fetching / "seen" / f"{SMALL}.json").unlink()
    unkept = run_fetch(settings, SMALL, asked, now=now, retry=NO_WAITS)
    assert (unkept.rejects, unkept.release) == (1, None)
    assert run_fetch(settings, SMALL, asked, now=now, retry=NO_WAITS).unchanged == 0


def test_replies_from_before_the_list_are_not_remembered_by_its_keys(
    small: SmallPublisher, server: Loopback, tmp_path: Path
) -> None:
    settings = small_settings(tmp_path / "data", server.address)
    small.released = {"KOR": "2026-01-05", "JPN": "2026-01-05"}
    asked = replace(YEARS, partners=("KOR", "JPN"))
    server.otherwise = lambda seen: reply(400, b"no") if "JPN" in seen.path else small.answer(seen)
    with pytest.raises(FetchError):
        run_fetch(settings, SMALL, asked, now=FIRST_DAY, retry=NO_WAITS)
    (survey,) = settings.fetching.rglob("survey/*.reply")
    survey.unlink()
    server.otherwise = small.answer
    small.released = {"KOR": "2026-02-05", "JPN": "2026-02-05"}
    outcome = run_fetch(settings, SMALL, asked, now=FIRST_DAY, retry=NO_WAITS)
    assert outcome.chunks_taken_from_before > 0
    again = run_fetch(settings, SMALL, asked, now=FIRST_DAY, retry=NO_WAITS)
    assert again.unchanged == 1
    assert again.requests_sent > 1
    assert read_release(outcome.release.folder) if outcome.release else False
