"""Tests of whole fetches: interrupted and resumed, with and without new data."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fetch.loopback import (
    Answer,
    Loopback,
    ReceivedRequest,
    chunked,
    cut,
    hang_up,
    reply,
    zipped,
)
from fetch.small_publisher import (
    KEY,
    NO_WAITS,
    SOURCE,
    TABLE,
    TABLE_NAME,
    YEARS,
    SmallConnector,
    SmallPublisher,
    all_rows,
    small_settings,
    with_limits,
)
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sources.source_files import table_bytes

from dagster_project.fetch.job import FetchError, FetchEvent, FetchOutcome, run_fetch
from dagster_project.fetch.planning import plan_fetch
from dagster_project.fetch.release import may_share
from dagster_project.settings import Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import (
    Chunk,
    KeyUse,
    QuotaSpent,
    Refused,
    Reply,
    ReplyResult,
    Selection,
    SelectionError,
    TryAgain,
    Unconfirmed,
)
from dagster_project.sources.raw import load_table
from dagster_project.sources.release_diff import Comparison
from dagster_project.sources.snapshot import Covers, discover_releases, read_release

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE_YEAR = Selection(date(2016, 1, 1), date(2016, 12, 1), partners=("KOR", "JPN"))
# Eight requests of twelve months in pages, four with three, two with nothing there; the survey.
ALL_REQUESTS = 4 * 2 * 3 + 2 + 2 + 1


@pytest.fixture
def publisher(server: Loopback) -> SmallPublisher:
    small = SmallPublisher(all_rows())
    server.otherwise = small.answer
    return small


@pytest.fixture
def settings(tmp_path: Path, server: Loopback) -> Settings:
    return small_settings(tmp_path / "data", server.address)


@pytest.fixture(autouse=True)
def connector(monkeypatch: pytest.MonkeyPatch) -> SmallConnector:
    small = SmallConnector()
    monkeypatch.setattr(catalog, "CONNECTORS", {SOURCE: small})
    monkeypatch.setattr(catalog, "CATALOG", (TABLE,))
    return small


def fetch(
    settings: Settings,
    selection: Selection = YEARS,
    *,
    now: datetime = NOON,
    on_event: Callable[[FetchEvent], None] | None = None,
    is_confirmed: bool = False,
) -> FetchOutcome:
    return run_fetch(
        settings,
        SOURCE,
        selection,
        now=now,
        retry=NO_WAITS,
        on_event=on_event,
        is_confirmed=is_confirmed,
    )


def release_bytes(outcome: FetchOutcome) -> dict[str, bytes]:
    assert outcome.release is not None
    return table_bytes(outcome.release.folder)


def names(outcome: FetchOutcome) -> list[str]:
    assert outcome.release is not None
    return [file.name for file in outcome.release.files]


def job_folders(settings: Settings) -> list[Path]:
    return [path for path in (settings.fetching / SOURCE).iterdir() if path.is_dir()]


@pytest.mark.slow
@pytest.mark.usefixtures("publisher")
def test_a_release_records_what_was_requested(settings: Settings) -> None:
    outcome = fetch(settings)
    assert outcome.comparison == Comparison(new=102, changed=0, withdrawn=0, same=0)
    assert (outcome.rows, outcome.rejects) == (102, 0)
    assert outcome.requests_sent == ALL_REQUESTS
    assert outcome.notes == ("a note",)
    assert outcome.is_new
    release = outcome.release
    assert release is not None
    assert release.folder.parent == settings.fetched_snapshots / SOURCE
    assert (release.known_from, release.known_from_precision) == (NOON.date(), "day")
    assert (release.retrieved_on, release.retrieved_at) == (NOON.date(), NOON)
    terms = SmallConnector().about.terms
    assert (release.licence, release.redistributable) == (terms.licence, False)
    assert release.release_id.startswith("2026-11-21-")
    second_page = release.files[1]
    assert second_page.name == "KOR_2015-01_2015-12_2.json"
    assert second_page.covers == Covers({"partner": ("KOR",)}, "2015-01", "2015-12")
    # The publisher's own address, and the host that it really came through.
    base = "https://api.example.org/v1/data"
    assert second_page.address == f"{base}?partner=KOR&from=2015-01&to=2015-12&page=2"
    assert second_page.note == f"Received through {settings.addresses[SOURCE]}"
    # Nobody trades with the last partner, and nothing was held of it: nothing to say.
    assert not [file for file in release.files if file.name.startswith("ATA")]
    assert load_table(TABLE, settings).rows == 102
    assert job_folders(settings) == []


@pytest.mark.slow
def test_the_same_again_adds_nothing(
    settings: Settings, server: Loopback, publisher: SmallPublisher
) -> None:
    fetch(settings)
    publisher.is_reversed = publisher.is_doubled = True
    again = fetch(settings, now=NOON + timedelta(days=3))
    assert again.release is None
    assert not again.is_new
    assert again.comparison == Comparison(new=0, changed=0, withdrawn=0, same=102)
    assert again.rejects > 0, "the rows that appear twice"
    assert len(discover_releases([settings.fetched_snapshots])) == 1


@pytest.mark.slow
def test_a_release_holds_what_is_new_alone(settings: Settings, publisher: SmallPublisher) -> None:
    fetch(settings)
    publisher.rows[("DEU", "2015-02")] = "99.5"
    publisher.rows[("ATA", "2016-07")] = "0.1"
    later = fetch(settings, now=NOON + timedelta(days=30))
    assert later.comparison == Comparison(new=1, changed=1, withdrawn=0, same=101)
    assert names(later) == ["DEU_2015-01_2015-12.json", "ATA_2016-01_2016-12.json"]


@pytest.mark.slow
def test_what_the_publisher_no_longer_has_is_withdrawn(
    settings: Settings, publisher: SmallPublisher
) -> None:
    fetch(settings)
    for key in [key for key in publisher.rows if key[0] == "DEU" and key[1] < "2016"]:
        del publisher.rows[key]
    del publisher.rows[("CAN", "2016-03")]
    with pytest.raises(FetchError, match=r"DEU_2015-01_2015-12\.json is empty: 3 of 3") as held:
        fetch(settings, now=NOON + timedelta(days=30))
    assert isinstance(held.value.reply_error, Unconfirmed)
    later = fetch(settings, now=NOON + timedelta(days=30), is_confirmed=True)
    # One row of a year in pages, and three of a year of which nothing is left.
    assert later.comparison == Comparison(new=0, changed=0, withdrawn=4, same=98)
    assert later.release is not None
    files = {file.name: file for file in later.release.files}
    empty = files["DEU_2015-01_2015-12.json"]
    assert (empty.bytes, empty.is_empty) == (0, True)
    # All pages of the other year: what stands on one is not withdrawn because of another.
    pages = {f"CAN_2016-01_2016-12{page}.json" for page in ("", "_2", "_3")}
    assert set(files) == {empty.name, *pages}
    load_table(TABLE, settings)
    settled = fetch(settings, now=NOON + timedelta(days=31))
    assert settled.comparison == Comparison(new=0, changed=0, withdrawn=0, same=98)


@pytest.mark.slow
def test_requests_that_are_too_large_are_divided(
    settings: Settings, publisher: SmallPublisher
) -> None:
    publisher.too_large = ("MEX",)
    outcome = fetch(settings)
    assert outcome.rows == 102
    mexican = [name for name in names(outcome) if name.startswith("MEX_2015")]
    halves = ("2015-01_2015-06", "2015-07_2015-12")
    assert mexican == [f"MEX_{half}{page}.json" for half in halves for page in ("", "_2")]


@pytest.mark.slow
def test_a_release_is_known_from_the_publishers_own_day(
    settings: Settings, publisher: SmallPublisher
) -> None:
    publisher.released = {"KOR": "2026-10-05", "JPN": "2026-09-01"}
    outcome = fetch(settings)
    assert outcome.release is not None
    assert outcome.release.known_from == date(2026, 10, 5)
    assert outcome.release.release_id.startswith("2026-10-05-")
    assert outcome.release.retrieved_at == NOON


@pytest.mark.slow
def test_a_release_is_not_known_from_a_future_day(
    settings: Settings, publisher: SmallPublisher
) -> None:
    publisher.released = {"KOR": "2026-11-22"}
    outcome = fetch(settings)
    assert outcome.release is not None
    assert outcome.release.known_from == NOON.date()


@pytest.mark.slow
def test_progress_is_reported_reply_by_reply(settings: Settings, server: Loopback) -> None:
    server.answers.extend([reply(503, b"busy"), hang_up])
    server.otherwise = SmallPublisher(all_rows(), too_large=("MEX",)).answer
    events: list[FetchEvent] = []
    fetch(settings, on_event=events.append)
    notes = [event.note for event in events if event.note]
    assert len(notes) == 2
    assert "HTTP 503 ('busy')" in notes[0]
    steps = [event for event in events if event.note is None]
    assert [event.done for event in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].done == steps[-1].total
    assert sum(event.rows for event in steps) == 102
    # The plan's own guess stands until replies announce more.
    assert steps[1].total == 25
    assert all(before.total <= after.total for before, after in pairwise(steps))


FAULTS: tuple[Answer, ...] = (
    reply(429, b"", Retry_After="2"),
    reply(500),
    reply(503, b"<html>", content_type="text/html"),
    reply(200, b"<html>maintenance</html>", content_type="text/html"),
    reply(200, b'{"rows": [], "pages": 1}', content_type="video/mp4"),
    reply(200, b""),
    hang_up,
    cut(b'{"rows": []}'),
    chunked(b'{"rows": [["KOR"', is_cut=True),
    zipped(b'{"rows": []}' * 9, cut=6),
)


@pytest.mark.slow
@given(st.integers(), st.floats(0.1, 0.6))
@hypothesis_settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_faults_that_pass_leave_the_same_release(
    tmp_path_factory: pytest.TempPathFactory,
    server: Loopback,
    publisher: SmallPublisher,
    seed: int,
    share: float,
) -> None:
    server.otherwise = publisher.answer
    clean = fetch(small_settings(tmp_path_factory.mktemp("clean"), server.address))
    faults: dict[str, list[Answer]] = {}

    def answer(seen: ReceivedRequest) -> Answer:
        chance = random.Random(f"{seed} {seen.path}")
        count = chance.randint(1, 7) if chance.random() < share else 0
        left = faults.setdefault(seen.path, chance.choices(FAULTS, k=count))
        return left.pop() if left else publisher.answer(seen)

    server.otherwise = answer
    shaken = fetch(small_settings(tmp_path_factory.mktemp("shaken"), server.address))
    assert release_bytes(shaken) == release_bytes(clean)
    assert shaken.comparison == clean.comparison


@pytest.mark.slow
def test_a_resumed_fetch_requests_only_what_is_missing(
    settings: Settings, server: Loopback, publisher: SmallPublisher, tmp_path: Path
) -> None:
    clean = fetch(small_settings(tmp_path / "clean", server.address))
    server.seen.clear()

    def fails_at_mexico(seen: ReceivedRequest) -> Answer:
        return reply(500, b"no") if "MEX" in seen.path else publisher.answer(seen)

    server.otherwise = fails_at_mexico
    with pytest.raises(FetchError, match=r"\b13 of 25\b") as caught:
        fetch(settings)
    assert isinstance(caught.value.reply_error, TryAgain)
    assert (caught.value.stored, caught.value.total) == (13, 25)
    assert discover_releases(settings.snapshot_roots)
    assert not settings.fetched_snapshots.exists()
    planned = plan_fetch(settings, SOURCE, YEARS, now=NOON)
    assert (planned.stored, planned.to_send) == (13, 12)
    before = Counter(seen.path for seen in server.seen if "MEX" not in seen.path)
    server.seen.clear()
    server.otherwise = publisher.answer
    outcome = fetch(settings)
    assert outcome.chunks_taken_from_before == 13
    assert outcome.requests_sent == len(server.seen) == ALL_REQUESTS - 13
    assert not before.keys() & {seen.path for seen in server.seen}
    assert release_bytes(outcome) == release_bytes(clean)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_killed_fetch_repeats_at_most_one_request(
    settings: Settings, server: Loopback, publisher: SmallPublisher, tmp_path: Path, seed: int
) -> None:
    publisher.too_large = ("MEX",)
    clean = fetch(small_settings(tmp_path / "clean", server.address))
    server.seen.clear()
    chance = random.Random(seed)
    kills = sorted(chance.sample(range(1, 32), 3))
    running: list[subprocess.Popen[bytes]] = []
    answered = 0

    def answer(seen: ReceivedRequest) -> Answer:
        nonlocal answered
        answered += 1
        whole = publisher.answer(seen)
        if not kills or answered < kills[0]:
            return whole
        kills.pop(0)
        before_reply = chance.random() < 0.5

        def killing(handler: Any) -> None:
            if not before_reply:
                whole(handler)
                time.sleep(chance.random() * 0.01)
            running[-1].send_signal(signal.SIGKILL)

        return killing

    server.otherwise = answer
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["tests", "."])}
    command = [
        *(sys.executable, "-m", "fetch.small_publisher"),
        *(str(settings.data_home), server.address, NOON.isoformat()),
    ]
    while not running or running[-1].returncode == -signal.SIGKILL:
        running.append(
            subprocess.Popen(
                command, env=environment, cwd=settings.project_root, stdout=subprocess.PIPE
            )
        )
        running[-1].communicate(timeout=60)
    *killed, ended = running
    assert ended.returncode == 0
    assert killed
    asked = Counter(seen.path for seen in server.seen)
    assert sum(asked.values()) - len(asked) <= len(killed), "the one in flight at each kill"
    (release,) = discover_releases([settings.fetched_snapshots])
    assert table_bytes(release.folder) == release_bytes(clean)
    assert job_folders(settings) == []


@pytest.mark.slow
@pytest.mark.usefixtures("publisher")
def test_a_job_older_than_two_weeks_is_started_again(settings: Settings, server: Loopback) -> None:
    server.answers.extend([reply(200, b'{"released": {}}'), reply(400, b"no")])
    with pytest.raises(FetchError):
        fetch(settings, now=NOON - timedelta(days=15))
    (folder,) = job_folders(settings)
    planned = plan_fetch(settings, SOURCE, YEARS, now=NOON)
    assert planned.stored == 0
    assert any("14 days" in note for note in planned.notes)
    outcome = fetch(settings)
    assert outcome.chunks_taken_from_before == 0
    assert str(folder) in outcome.notes[0]


@pytest.mark.usefixtures("publisher")
def test_abandoned_jobs_are_removed(settings: Settings, server: Loopback) -> None:
    for days, selection in ((15, ONE_YEAR), (13, YEARS)):
        server.answers.extend([reply(200, b'{"released": {}}'), reply(400, b"no")])
        with pytest.raises(FetchError):
            fetch(settings, selection, now=NOON - timedelta(days=days))
    assert len(job_folders(settings)) == 2
    outcome = fetch(settings, replace(ONE_YEAR, partners=("KOR",)))
    assert outcome.notes == ("a note",)
    (left,) = job_folders(settings)
    assert json.loads((left / "job.json").read_text())["selection"]["first"] == "2015-01-01"


@pytest.mark.usefixtures("publisher")
def test_the_order_of_codes_makes_no_other_fetch(settings: Settings, server: Loopback) -> None:
    server.answers.extend([reply(200, b'{"released": {}}'), reply(204), reply(400, b"no")])
    with pytest.raises(FetchError):
        fetch(settings, ONE_YEAR)
    turned = replace(ONE_YEAR, partners=ONE_YEAR.partners[::-1])
    assert plan_fetch(settings, SOURCE, turned, now=NOON).stored == 2
    assert plan_fetch(settings, SOURCE, YEARS, now=NOON).stored == 0


def test_a_stored_reply_to_another_request_is_not_taken(
    settings: Settings, server: Loopback, publisher: SmallPublisher
) -> None:
    server.answers.extend([reply(200, b'{"released": {}}'), reply(204), reply(400, b"no")])
    with pytest.raises(FetchError):
        fetch(settings, ONE_YEAR)
    (stored,) = job_folders(settings)[0].glob("*.reply")
    head, _, body = stored.read_bytes().partition(b"\n")
    stored.write_bytes(json.dumps(json.loads(head) | {"request": "x"}).encode() + b"\n" + body)
    assert fetch(settings, ONE_YEAR).rows == 24


@pytest.mark.slow
@pytest.mark.usefixtures("publisher")
def test_one_fetch_of_a_source_at_a_time(settings: Settings) -> None:
    folder = settings.fetching / SOURCE
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(FetchError, match=f"^{SOURCE}:"):
            fetch(settings)
        planned = plan_fetch(settings, SOURCE, YEARS, now=NOON)
    assert planned.to_send == 25
    assert fetch(settings).rows == 102


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"columns": []}', "field rows"),
        (b'{"rows": [["KOR", "2016-01", "n/a"]]}', r"row 1: "),
        (b'{"rows": []}', "KOR_2016-01_2016-12.json: "),
    ],
)
def test_a_reply_of_another_layout_stops_the_fetch_and_is_not_kept(
    settings: Settings,
    server: Loopback,
    publisher: SmallPublisher,
    body: bytes,
    message: str,
) -> None:
    server.answers.extend([reply(200, b'{"released": {}}'), reply(200, body)])
    with pytest.raises(FetchError, match=message) as caught:
        fetch(settings, ONE_YEAR)
    assert isinstance(caught.value.reply_error, Refused)
    for part in (SOURCE, "KOR_2016-01_2016-12.json", "GET https://api.example.org/v1/data?partner"):
        assert part in str(caught.value)
    assert caught.value.stored == 1
    assert fetch(settings, ONE_YEAR).rows == 24


@pytest.mark.slow
def test_rows_that_cannot_be_used_are_counted(
    settings: Settings, publisher: SmallPublisher
) -> None:
    publisher.rows[("KOR", "2016-02")] = "n/a"
    outcome = fetch(settings)
    assert (outcome.rows, outcome.rejects) == (101, 1)


@pytest.mark.slow
def test_a_fetch_that_ends_with_the_quota_resumes_the_next_day(
    settings: Settings, server: Loopback, publisher: SmallPublisher, connector: SmallConnector
) -> None:
    with_limits(connector, per_day=20)
    planned = plan_fetch(settings, SOURCE, YEARS, now=NOON)
    assert (planned.to_send, planned.remaining_today, planned.days) == (25, 20, 2)
    with pytest.raises(FetchError, match=r"\b20\b.*2026-11-22") as caught:
        fetch(settings)
    assert isinstance(caught.value.reply_error, QuotaSpent)
    assert len(server.seen) == 20
    assert plan_fetch(settings, SOURCE, YEARS, now=NOON).remaining_today == 0
    outcome = fetch(settings, now=NOON + timedelta(days=1))
    assert outcome.requests_sent == ALL_REQUESTS - 20
    assert outcome.rows == 102


def test_a_plan_needs_no_network_and_writes_nothing(
    tmp_path: Path, connector: SmallConnector
) -> None:
    settings = small_settings(tmp_path / "data", "http://127.0.0.1:9")
    with_limits(connector, per_second=0.25)
    planned = plan_fetch(settings, SOURCE, YEARS)
    assert (planned.to_send, planned.stored, planned.days) == (25, 0, 1)
    assert planned.remaining_today is None
    assert planned.seconds == 25 * 4
    assert [chunk.name for chunk in planned.survey] == ["available.json"]
    assert len(planned.plan.chunks) == 12
    assert not (tmp_path / "data").exists()


def test_a_missing_required_key_is_reported_with_where_to_get_one(
    settings: Settings, server: Loopback, connector: SmallConnector
) -> None:
    use = KeyUse("query", "key", is_required=True, obtained_at="https://example.org/keys")
    connector.about = replace(connector.about, key=use)
    message = r"https://example.org/keys\. .*BILATERAL_KEY_SMALL_SOURCE"
    with pytest.raises(FetchError, match=message):
        fetch(settings)
    assert server.seen == []
    assert any(use.obtained_at in note for note in plan_fetch(settings, SOURCE, YEARS).notes)


@pytest.mark.usefixtures("publisher")
def test_a_selection_that_the_source_lacks_leaves_nothing_behind(settings: Settings) -> None:
    with pytest.raises(SelectionError, match="'elsewhere'"):
        run_fetch(settings, "elsewhere", YEARS)
    wrong = replace(YEARS, reporters=("KOR",))
    with pytest.raises(SelectionError, match=r"\breporter\b"):
        plan_fetch(settings, SOURCE, wrong)
    with pytest.raises(SelectionError, match=r"\breporter\b"):
        fetch(settings, wrong)
    assert job_folders(settings) == []


@pytest.mark.slow
def test_the_number_of_follow_up_requests_is_limited(
    settings: Settings, server: Loopback, connector: SmallConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    classify_reply = connector.classify_reply

    def one_more(chunk: Chunk, reply: Reply) -> ReplyResult:
        examined = classify_reply(chunk, reply)
        following = replace(
            chunk,
            name=f"page_{len(server.seen)}.json",
            request=replace(chunk.request, address=f"{chunk.request.address}/{len(server.seen)}"),
        )
        return replace(examined, more=(following,))

    monkeypatch.setattr(connector, "classify_reply", one_more)
    monkeypatch.setattr(connector, "survey", lambda selection, seeds: ())
    body = b'{"rows": [["KOR", "2016-01", "1"]]}'
    server.otherwise = lambda _: reply(200, body)
    with pytest.raises(FetchError, match=rf"\b{200 + 20 * 2}\b"):
        fetch(settings, replace(ONE_YEAR, partners=("KOR",)))
    assert len(server.seen) == 200 + 20 * 2


def test_a_planted_key_is_in_nothing_that_a_fetch_leaves(tmp_path: Path, server: Loopback) -> None:
    settings = small_settings(tmp_path / "data", server.address, key=KEY)
    quoted = "Pl4nted%2BKey%2F0f%3DTests"

    def echoing(seen: ReceivedRequest) -> Answer:
        """Rows whose reply repeats the request, as some publishers do; then errors that do."""
        path = seen.path
        assert quoted in path
        if "MEX" in path:
            return reply(400, f"bad key {KEY} in {path}".encode())
        if "available" in path:
            return reply(200, json.dumps({"released": {}, "request": path}).encode())
        month = path[path.index("from=") + 5 :][:7]
        rows = [["KOR" if "KOR" in path else "JPN", month, "1"]]
        body = {"pages": 1, "request": path, "key": KEY, "rows": rows}
        return reply(200, json.dumps(body).encode(), X_Key=KEY)

    server.otherwise = echoing
    handler = logging.FileHandler(tmp_path / "debug.log")
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with pytest.raises(FetchError, match=r"\*\*\*") as caught:
            fetch(settings)
        outcome = fetch(settings, ONE_YEAR)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
    assert outcome.rows == 2
    load_table(TABLE, settings)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"HTTP Request: GET" in written
    assert written.count(b'"key": "***"') >= 2 * 2, "stored as they came but for the key"
    shown = f"{caught.value} {caught.value!r} {outcome} {settings}".encode()
    for part in (b"Pl4nted", b"0f=Tests", b"0f%3DTests"):
        assert part not in written
        assert part not in shown


@pytest.mark.slow
@pytest.mark.usefixtures("publisher")
def test_what_a_kill_left_half_written_is_cleared(settings: Settings, server: Loopback) -> None:
    server.answers.extend([reply(200, b'{"released": {}}'), reply(400, b"no")])
    with pytest.raises(FetchError):
        fetch(settings)
    (folder,) = job_folders(settings)
    (folder / ".KOR_2015-01_2015-12.json.reply.0123").write_bytes(b"half")
    (folder / "survey" / ".available.json.reply.0123").write_bytes(b"half")
    (folder / "KOR_2015-01_2015-12.json.reply").write_bytes(b'{"requ')
    removed = folder.with_name(".gone")
    removed.mkdir()
    assert fetch(settings).rows == 102
    assert job_folders(settings) == []


CODES = ("8", "84", "87", "8703", "9")
COVERS = st.none() | st.builds(
    lambda equal, code, months: Covers(
        equal | ({"code": code[1]} if code[0] == "equal" else {}),
        *sorted(months),
        {"code": code[1]} if code[0] == "beginnings" else {},
    ),
    st.dictionaries(st.just("partner"), st.sets(st.sampled_from("ab"), min_size=1).map(tuple)),
    st.tuples(
        st.sampled_from(["equal", "beginnings", "neither"]),
        st.sets(st.sampled_from(CODES), min_size=1).map(tuple),
    ),
    st.tuples(*[st.sampled_from(["2016-01", "2016-06", "2016-12"])] * 2),
)


@given(COVERS, COVERS)
def test_files_that_may_share_rows_are_recognised(
    brought: Covers | None, asked: Covers | None
) -> None:
    """Against every row there can be, one by one."""

    def inside(covers: Covers | None, row: Mapping[str, str]) -> bool:
        return covers is None or (
            covers.first <= row["month"] <= covers.last
            and all(row[column] in values for column, values in covers.equal.items())
            and all(row[column].startswith(begin) for column, begin in covers.beginnings.items())
        )

    rows = [
        {"partner": partner, "code": code, "month": month}
        for partner in "ab"
        for code in CODES
        for month in ("2016-01", "2016-06", "2016-12")
    ]
    expected = asked is not None and any(
        inside(brought, row) and inside(asked, row) for row in rows
    )
    assert may_share(brought, asked) == expected


@pytest.mark.slow
@pytest.mark.usefixtures("publisher")
def test_what_was_added_can_be_read_again(settings: Settings) -> None:
    release = fetch(settings).release
    assert release is not None
    assert read_release(settings.fetched_snapshots / SOURCE / release.release_id) == release
    assert {file.table for file in release.files} == {TABLE_NAME}
