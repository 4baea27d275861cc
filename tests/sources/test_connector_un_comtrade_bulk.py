"""Tests of UN Comtrade bulk files: lists, requests and replies."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fetch.held import held_rows, releases_of
from fetch.homes import KEYS, home
from fetch.publishers.publisher import Answer
from fetch.publishers.un_comtrade import UnComtrade
from fetch.replay_server import ReplayServer
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.fetch.client import RetryPolicy
from dagster_project.fetch.job import FetchError, FetchOutcome, run_fetch
from dagster_project.fetch.planning import plan_fetch
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.catalog import load_all
from dagster_project.sources.connector import (
    Available,
    Chunk,
    Plan,
    QuotaSpent,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.inbox import ingest_named
from dagster_project.sources.un_comtrade.connector import BULK_TABLE, CONNECTOR
from dagster_project.sources.un_comtrade.downloads import LAYOUTS
from dagster_project.sources.un_comtrade.replies import FILE_LAYOUT, METADATA_LAYOUT

pytestmark = pytest.mark.slow

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
FILES = "https://comtradeapi.un.org/bulk/v1/file"
MOMENT = datetime(2026, 3, 2, 6, tzinfo=UTC)


def selected(first: int, last: int, *reporters: str, **rest: object) -> Selection:
    fields = {"frequency": "A", "reporters": reporters or ("USA",), "level": "all", **rest}
    return Selection(date(first, 1, 1), date(last, 12, 1), **fields)  # ty: ignore


def entry(reporter: int = 842, period: int = 2016, **changed: object) -> dict[str, object]:
    """A file as the publisher lists it."""
    name = f"{reporter}{period}".encode().hex()
    return {
        "fileUrl": f"{FILES}/{reporter}/{name}",
        "fileSize": "183.34 KB",
        "isOriginalClassification": True,
        "reporterCode": reporter,
        "freqCode": "A" if period < 10_000 else "M",
        "typeCode": "C",
        "classificationCode": "H4",
        "refPeriodId": period * 100 + 1,
        "period": period,
        "publicationDate": "2018-04-29T11:24:10Z",
        "partitionKey": str(reporter),
        "rowKey": name,
        "timestamp": "2024-03-10T04:54:11.8900761+00:00",
        "eTag": "W/\"datetime'2024-03-10T04%3A54%3A11.8900761Z'\"",
    } | changed


def listing(entries: Sequence[Mapping[str, object]]) -> bytes:
    envelope = {
        "elapsedTime": "0.07 secs",
        "count": len(entries),
        "data": list(entries),
        "error": "",
    }
    return json.dumps(envelope).encode()


def examined(chunk: Chunk, content: bytes, status: int = 200) -> ReplyResult:
    return CONNECTOR.classify_reply(chunk, Reply(status, "application/json", content))


def known(selection: Selection, entries: Sequence[Mapping[str, object]]) -> tuple[Available, ...]:
    """What the connector makes of a list, as a fetch hands it on."""
    (chunk,) = CONNECTOR.survey(selection, SEEDS)
    return CONNECTOR.available({chunk.name: examined(chunk, listing(entries)).content})


def planned(
    selection: Selection, found: tuple[Available, ...] = (), *, has_key: bool = True
) -> Plan:
    return CONNECTOR.plan(selection, SEEDS, has_key=has_key, known=found)


def files(plan: Plan) -> list[Chunk]:
    return [chunk for chunk in plan.chunks if chunk.layout == FILE_LAYOUT]


def a_file() -> Chunk:
    selection = selected(2016, 2016)
    (chunk,) = files(planned(selection, known(selection, [entry()])))
    return chunk


# ---------------------------------------------------------------------------
# What is asked
# ---------------------------------------------------------------------------


def test_the_lists_of_all_reporters_are_asked_for_twelve_periods_at_a_time() -> None:
    chunks = CONNECTOR.survey(selected(2000, 2023, "USA", "KOR"), SEEDS)
    assert [dict(chunk.request.parameters)["period"].count(",") for chunk in chunks] == [11, 11]
    assert {chunk.request.address for chunk in chunks} == {
        "https://comtradeapi.un.org/bulk/v1/get/C/A/HS"
    }
    reporters = {dict(chunk.request.parameters)["reporterCode"] for chunk in chunks}
    assert reporters == {"842,840,841,410"}


def test_a_file_is_one_request_and_covers_the_whole_report() -> None:
    selection = selected(2015, 2016, "USA", "KOR")
    pairs = [(code, year) for code in (842, 410) for year in (2015, 2016)]
    plan = planned(selection, known(selection, [entry(*pair) for pair in pairs]))
    assert [chunk.request.address.split("/")[-2] for chunk in files(plan)] == [
        *("842", "842", "410", "410")
    ]
    assert [chunk.name for chunk in files(plan)] == [
        f"bulk_A_{code}_{year}.tsv.gz" for code, year in pairs
    ]
    (words,) = [chunk for chunk in plan.chunks if chunk.layout == METADATA_LAYOUT]
    assert dict(words.request.parameters) == {"reporterCode": "842,410", "period": "2015,2016"}
    assert plan.fewest == plan.expected_requests == 5
    covers = files(plan)[0].covers
    assert covers is not None
    assert (covers.first, covers.last) == ("2015-01", "2015-12")
    assert covers.equal["period"] == ("2015",)
    assert covers.equal["reporter_code"] == ("842",)
    assert {"H3", "H4", "H5"} <= set(covers.equal["classification_code"])
    # Whatever else tells rows apart is not narrowed: all of it is in the file.
    assert covers.columns == {
        *("type_code", "freq_code", "period", "reporter_code", "classification_code")
    }


def test_a_month_is_a_file_too() -> None:
    selection = selected(2016, 2016, "KOR", frequency="M")
    assert CONNECTOR.survey(selection, SEEDS)[0].request.address.endswith("/C/M/HS")
    plan = planned(selection, known(selection, [entry(410, 201611)]))
    (chunk,) = files(plan)
    assert chunk.name == "bulk_M_410_201611.tsv.gz"
    for one in (plan, planned(selection)):
        assert "only years are reconciled" in " ".join(one.notes)
    assert chunk.covers is not None
    assert (chunk.covers.first, chunk.covers.last) == ("2016-11", "2016-11")


def test_without_a_list_the_plan_is_an_estimate_that_says_so() -> None:
    plan = planned(selected(2000, 2019, "USA", "KOR"))
    assert plan.chunks == ()
    assert plan.expected_requests == plan.fewest == 40 + 2
    assert "estimate" in " ".join(plan.notes)


def test_a_report_that_is_not_there_is_named() -> None:
    selection = selected(2016, 2017, "USA", "KOR")
    plan = planned(selection, known(selection, [entry(842, 2016), entry(842, 2017)]))
    assert len(files(plan)) == 2
    assert "2 of 4" in plan.notes[0]
    assert "KOR 2016, KOR 2017" in plan.notes[0]


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"partners": ("KOR",)}, "--partner"),
        ({"products": ("87",)}, "--product"),
        ({"flows": ("export",)}, "--flow"),
    ],
)
def test_a_part_of_a_file_is_asked_for_in_another_way(
    part: dict[str, tuple[str, ...]], named: str
) -> None:
    selection = selected(2016, 2016, **part)
    for refusing in (
        lambda: CONNECTOR.survey(selection, SEEDS),
        lambda: planned(selection),
    ):
        with pytest.raises(SelectionError, match=f"{named} out.*--level hs6"):
            refusing()


def test_without_a_key_a_level_is_named_that_needs_none() -> None:
    with pytest.raises(SelectionError, match=r"need a key.*comtradedeveloper.*--level hs6"):
        planned(selected(2016, 2016), has_key=False)


# ---------------------------------------------------------------------------
# What a list is taken for
# ---------------------------------------------------------------------------


def test_what_a_list_says_of_a_file_is_handed_on() -> None:
    (one,) = known(selected(2016, 2016), [entry()])
    assert one.name == "C-A-HS-842-2016-file"
    assert (one.first, one.last, one.rows) == ("2016-01", "2016-12", None)
    assert one.released_on == date(2018, 4, 29)
    assert one.release_key == entry()["eTag"]
    assert one.address == entry()["fileUrl"]


@given(st.data())
@settings(max_examples=50)
def test_a_file_that_is_listed_twice_or_in_another_place_is_asked_for_once(
    data: st.DataObject,
) -> None:
    selection = selected(2015, 2017, "USA", "KOR")
    entries = [entry(code, year) for code in (842, 410) for year in (2015, 2016, 2017)]
    again = data.draw(st.lists(st.sampled_from(entries), max_size=6))
    mixed = data.draw(st.permutations([*entries, *again]))
    assert planned(selection, known(selection, mixed)) == planned(
        selection, known(selection, entries)
    )


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_editions_of_a_report_the_one_published_last_is_taken(turned: bool) -> None:
    selection = selected(2016, 2016)
    old = entry(classificationCode="H4", publicationDate="2017-05-01T00:00:00Z")
    new = entry(
        classificationCode="H5", publicationDate="2019-05-01T00:00:00Z", fileUrl=f"{FILES}/842/beef"
    )
    entries = [new, old] if turned else [old, new]
    (chunk,) = files(planned(selection, known(selection, entries)))
    assert chunk.request.address == f"{FILES}/842/beef"


def test_other_classifications_and_conversions_are_left_aside() -> None:
    selection = selected(2016, 2016)
    entries = [
        entry(classificationCode="S4"),
        entry(classificationCode="H2", isOriginalClassification=False),
    ]
    assert known(selection, entries) == ()
    (one,) = known(selection, [*entries, entry(fileUrl=f"{FILES}/842/ab")])
    assert one.address == f"{FILES}/842/ab"


@pytest.mark.parametrize(
    "address",
    [
        "https://files.example.org/bulk/v1/file/842/ab",
        "http://comtradeapi.un.org/bulk/v1/file/842/ab",
        "https://comtradeapi.un.org.example.org/bulk/v1/file/842/ab",
        "https://comtradeapi.un.org@example.org/bulk/v1/file/842/ab",
        "https://user@comtradeapi.un.org/bulk/v1/file/842/ab",
        "https://comtradeapi.un.org:8443/bulk/v1/file/842/ab",
        "https://comtradeapi.un.org/bulk/v1/file/../../data/v1/get/ab",
        "https://comtradeapi.un.org/bulk/v1/file/842/ab?subscription-key=somebody",
        "https://comtradeapi.un.org/bulk/v1/file/842/ab#part",
        "https://comtradeapi.un.org/data/v1/get/C/A/HS",
        "https://[broken/bulk/v1/file/842/ab",
        "842/ab",
        "",
    ],
)
def test_a_list_that_leads_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(Refused, match=r"comtradeapi.un.org"):
        known(selected(2016, 2016), [entry(), entry(fileUrl=address)])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"reporterCode": 410}, "reporterCode 410"),
        ({"period": 2015}, "period 2015"),
        ({"publicationDate": "soon"}, "publicationDate 'soon'"),
    ],
)
def test_a_list_that_says_something_else_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises(Refused, match=told):
        known(selected(2016, 2016), [entry() | changed])


@pytest.mark.parametrize("field", ["fileUrl", "period", "reporterCode", "eTag", "publicationDate"])
def test_a_list_that_lacks_a_field_is_refused(field: str) -> None:
    without = {name: value for name, value in entry().items() if name != field}
    with pytest.raises(Refused, match=field):
        known(selected(2016, 2016), [entry(), without])


def test_the_recorded_lists_are_read(real_data: Path) -> None:
    folder = real_data / "fixtures" / "comtradr"
    (full,) = (folder / "goods_bulk").glob("*.json")
    (empty,) = (folder / "goods_bulk_error").glob("*.json")
    selection = selected(1962, 1962, "ARG")
    (chunk,) = CONNECTOR.survey(selection, SEEDS)
    assert examined(chunk, empty.read_bytes()).content == b""
    # The recorder took the folder out of the address.
    recorded = json.loads(full.read_bytes())
    (one,) = recorded["data"]
    with pytest.raises(Refused, match=one["fileUrl"]):
        examined(chunk, full.read_bytes())
    one["fileUrl"] = f"{FILES}/32/{one['fileUrl']}"
    # A report of 1962 is in no edition of the Harmonized System.
    assert known(selection, [one]) == ()
    (found,) = known(selection, [one | {"classificationCode": "H0"}])
    assert found.released_on == date(2003, 4, 29)
    assert found.release_key == one["eTag"]


# ---------------------------------------------------------------------------
# What a file is
# ---------------------------------------------------------------------------


def table(rows: int = 3) -> bytes:
    columns = LAYOUTS[FILE_LAYOUT].columns
    lines = ["\t".join(columns), *("\t".join(f"{one}" for one in columns) for _ in range(rows))]
    return ("\n".join(lines) + "\n").encode()


def test_a_file_is_kept_as_it_came() -> None:
    packed = gzip.compress(table(), mtime=0)
    # Packed in parts, and unpacked on its way by who carries it.
    for content in (packed, packed + packed, table()):
        assert examined(a_file(), content) == ReplyResult(content)


@given(st.data())
@settings(max_examples=100)
def test_a_file_that_is_cut_or_damaged_is_asked_for_again(data: st.DataObject) -> None:
    packed = gzip.compress(table(rows=50), mtime=0)
    whole = packed * data.draw(st.integers(1, 2))
    # The first bytes tell that it is packed; of two parts, a cut between them leaves one whole.
    end = data.draw(st.integers(2, len(whole) - 1).filter(lambda one: one % len(packed) > 1))
    with pytest.raises(TryAgain, match=r"[0-9,]+ bytes"):
        examined(a_file(), whole[:end])
    # The last eight bytes are check sum and length.
    place = len(whole) - data.draw(st.integers(1, 8))
    damaged = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    with pytest.raises(TryAgain, match=r"[0-9,]+ bytes"):
        examined(a_file(), damaged)


def test_of_a_file_that_was_unpacked_on_its_way_the_last_line_has_to_end() -> None:
    with pytest.raises(TryAgain, match=r"[0-9,]+ bytes"):
        examined(a_file(), table()[:-1])


def test_a_file_of_many_times_its_size_is_looked_at_in_pieces() -> None:
    packed = gzip.compress(table() + b"0" * (1 << 26), mtime=0)
    assert examined(a_file(), packed).content is packed
    with pytest.raises(TryAgain):
        examined(a_file(), packed[: len(packed) // 2])


@pytest.mark.parametrize(
    ("content", "status", "error", "told"),
    [
        (b"", 200, TryAgain, "status 200"),
        (b"<html><body>We will be back soon.</body></html>", 200, TryAgain, "We will be back"),
        (b'{"count": 0, "data": [], "error": "Query timed out"}', 200, TryAgain, "timed out"),
        (b'{"count": 0, "data": [], "error": ""}', 200, Refused, "gzip"),
        (b'{"statusCode": 403, "message": "no"}', 200, Refused, "--level hs6"),
        (b'{"statusCode": 401, "message": "no"}', 200, Refused, "--level hs6"),
        (
            b'{"statusCode": 403, "message": "Out of call volume quota"}',
            200,
            QuotaSpent,
            "Out of call volume",
        ),
        (b"words of a gateway", 200, Refused, "words of a gateway"),
        (b'{"statusCode": 404, "message": "gone"}', 404, Refused, "404"),
    ],
)
def test_what_is_no_file_is_not_kept(
    content: bytes, status: int, error: type[ReplyError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        examined(a_file(), content, status)
    assert "un_comtrade" in str(caught.value)
    assert a_file().request.address in str(caught.value)


# ---------------------------------------------------------------------------
# Fetched from a replayed publisher
# ---------------------------------------------------------------------------


@pytest.fixture
def replay() -> Iterator[ReplayServer]:
    with ReplayServer(keys=KEYS) as server:
        yield server


Twist = Callable[[str, Answer], Answer]


@pytest.fixture
def twist(monkeypatch: pytest.MonkeyPatch) -> Callable[[Twist], None]:
    """Change what the publisher answers, by the path it is asked for."""

    def begin(change: Twist) -> None:
        render = UnComtrade.render
        monkeypatch.setattr(
            UnComtrade,
            "render",
            lambda self, asked, *rest, **named: change(
                asked.path, render(self, asked, *rest, **named)
            ),
        )

    return begin


def fetch(settings: Settings, selection: Selection, now: datetime = MOMENT) -> FetchOutcome:
    return run_fetch(settings, "un_comtrade", selection, now=now, retry=RetryPolicy(scale=0.0))


def told(settings: Settings, selection: Selection) -> str:
    """What a fetch says that does not succeed; nothing of it is held."""
    with pytest.raises(FetchError) as caught:
        fetch(settings, selection)
    assert not settings.fetched_snapshots.exists()
    assert KEYS["un_comtrade"] not in str(caught.value)
    return str(caught.value)


SELECTION = selected(2016, 2017, "USA", "KOR")


def test_the_key_goes_with_the_list_and_with_each_file(
    replay: ReplayServer, tmp_path: Path
) -> None:
    settings = home(tmp_path, "home", replay.address)
    assert plan_fetch(settings, "un_comtrade", SELECTION).to_send == 1 + 4 + 1
    fetch(settings, SELECTION)
    of_files = [sent for sent in replay.sent if "/bulk/v1/" in sent.identity]
    assert len(of_files) == 1 + 4
    assert {sent.key for sent in of_files} == {KEYS["un_comtrade"]}
    assert not any("subscription-key" in sent.identity for sent in of_files)


def test_files_that_are_unchanged_are_not_asked_for_again(
    replay: ReplayServer, tmp_path: Path
) -> None:
    settings = home(tmp_path, "home", replay.address)
    fetch(settings, selected(2016, 2016, "USA"))
    replay.forget()
    fetch(settings, SELECTION)
    of_files = {sent.identity.split()[1] for sent in replay.sent if "/file/" in sent.identity}
    assert len(of_files) == 3
    replay.forget()
    assert fetch(settings, SELECTION).release is None
    assert [sent.identity.split()[1] for sent in replay.sent] == ["/bulk/v1/get/C/A/HS"]


def test_without_a_key_nothing_is_sent(replay: ReplayServer, tmp_path: Path) -> None:
    settings = replace(home(tmp_path, "home", replay.address), keys={})
    with pytest.raises(SelectionError, match=r"un_comtrade.*all"):
        plan_fetch(settings, "un_comtrade", SELECTION)
    assert replay.sent == []
    # Sent all the same, as by a program, the publisher's answer says the same.
    assert "--level hs6" in told(settings, SELECTION)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("path", ["/bulk/v1/get/", "/bulk/v1/file/"])
def test_a_key_without_the_right_is_told_another_way(
    replay: ReplayServer,
    tmp_path: Path,
    twist: Callable[[Twist], None],
    path: str,
    status: int,
) -> None:
    refusal = Answer("application/json", b'{"message": "Not in your subscription."}', status)
    twist(lambda asked, answer: refusal if asked.startswith(path) else answer)
    said = told(home(tmp_path, "home", replay.address), SELECTION)
    assert "Not in your subscription." in said
    assert "access to bulk files" in said
    assert "--level hs6" in said
    assert replay.asked[replay.sent[-1].identity] == 1


def test_a_list_that_leads_elsewhere_takes_no_key_there(
    replay: ReplayServer, tmp_path: Path, twist: Callable[[Twist], None]
) -> None:
    def lead_away(path: str, answer: Answer) -> Answer:
        return replace(answer, body=answer.body.replace(b"https://comtradeapi", b"https://files"))

    twist(lead_away)
    said = told(home(tmp_path, "home", replay.address), SELECTION)
    assert "https://files.un.org/bulk/v1/file/842/" in said
    assert len(replay.sent) == 1


def test_half_a_file_that_arrives_whole_is_asked_for_again(
    replay: ReplayServer, tmp_path: Path, twist: Callable[[Twist], None]
) -> None:
    halved: list[str] = []

    def halve_once(path: str, answer: Answer) -> Answer:
        if not path.startswith("/bulk/v1/file/") or path in halved:
            return answer
        halved.append(path)
        return replace(answer, body=answer.body[: len(answer.body) // 2])

    twist(halve_once)
    settings = home(tmp_path, "home", replay.address)
    outcome = fetch(settings, SELECTION)
    assert len(halved) == 4
    assert outcome.requests_sent == 1 + 2 * 4 + 1
    assert outcome.rejects == 0
    assert held_rows(settings, BULK_TABLE).height > 1_000


@pytest.fixture
def reissued(twist: Callable[[Twist], None]) -> set[str]:
    """Reporters whose report has another edition and key, though it is of the same day."""
    codes: set[str] = set()

    def change(path: str, answer: Answer) -> Answer:
        if path.startswith("/bulk/v1/file/") and path.split("/")[-2] in codes:
            text = gzip.decompress(answer.body).replace(b"\tH4\t", b"\tH5\t")
            return replace(answer, body=gzip.compress(text, mtime=0))
        if path.startswith("/bulk/v1/get/"):
            envelope = json.loads(answer.body)
            for one in envelope["data"]:
                if str(one["reporterCode"]) in codes:
                    one["eTag"] += " again"
            return replace(answer, body=json.dumps(envelope).encode())
        return answer

    twist(change)
    return codes


def forget(settings: Settings) -> None:
    """Have everything asked for again."""
    (settings.fetching / "seen" / "un_comtrade.json").unlink()


def brought(outcome: FetchOutcome) -> dict[str, str]:
    """The files of a release that is new, and the tables they are of."""
    assert outcome.release is not None
    assert outcome.is_new
    return {file.name: file.table for file in outcome.release.files}


USA_2016, KOR_2016 = "bulk_A_842_2016.tsv.gz", "bulk_A_410_2016.tsv.gz"
TWO = selected(2016, 2016, "USA", "KOR")


def test_reports_are_held_to_be_reconciled_and_what_changes_comes_alone(
    replay: ReplayServer, tmp_path: Path, reissued: set[str]
) -> None:
    settings = home(tmp_path, "home", replay.address)

    def rows_by_edition() -> dict[tuple[str, str], int]:
        loaded = {one.table: one.rows for one in load_all(settings)}
        rows = pl.read_parquet(settings.raw / BULK_TABLE / "year=2016" / "*.parquet")
        assert loaded[BULK_TABLE] == rows.height
        assert loaded["un_comtrade__trade"] == 0
        of_each = rows.group_by("reporter_code", "classification_code").len()
        return {(code, edition): count for code, edition, count in of_each.iter_rows()}

    first = fetch(settings, TWO)
    files = brought(first)
    assert (files.pop(USA_2016), files.pop(KOR_2016)) == (BULK_TABLE, BULK_TABLE)
    assert list(files.values()) == ["un_comtrade__reporting"]
    held = rows_by_edition()
    assert set(held) == {("842", "H4"), ("410", "H4")}
    assert sum(held.values()) == first.rows - 2
    assert min(held.values()) > 100

    forget(settings)
    again = fetch(settings, TWO, MOMENT + timedelta(hours=1))
    assert again.release is None
    assert (again.comparison.same, again.comparison.has_news) == (first.rows, False)

    # The publisher goes to another edition and back, all on one day and under one date.
    known = held[("410", "H4")]
    ids = [first.release.release_id] if first.release else []
    for hour, codes in ((2, {"410"}), (3, set[str]()), (4, {"410"})):
        reissued.clear()
        reissued.update(codes)
        outcome = fetch(settings, TWO, MOMENT + timedelta(hours=hour))
        assert brought(outcome) == {KOR_2016: BULK_TABLE}
        assert (outcome.comparison.new, outcome.comparison.same) == (known, 1)
        (edition,) = set(
            held_rows(settings, BULK_TABLE).filter(reporter_code="410")["classification_code"]
        )
        assert edition == ("H5" if codes else "H4")
        assert outcome.release is not None
        assert outcome.release.known_from == MOMENT.date()
        ids.append(outcome.release.release_id)
    assert [one.release_id for one in releases_of(settings, "un_comtrade")] == ids
    # What came back is not held twice.
    assert rows_by_edition() == held | {("410", "H5"): known}


def test_what_was_taken_by_hand_under_the_same_name_is_held(
    replay: ReplayServer, tmp_path: Path
) -> None:
    elsewhere = fetch(home(tmp_path, "elsewhere", replay.address), TWO)
    assert elsewhere.release is not None
    settings = home(tmp_path, "home", replay.address)
    taken = ingest_named(elsewhere.release.folder / USA_2016, settings, {}, MOMENT)
    assert (taken.table, taken.is_new) == (BULK_TABLE, True)
    outcome = fetch(settings, TWO, MOMENT + timedelta(hours=1))
    assert set(brought(outcome)) & {USA_2016, KOR_2016} == {KOR_2016}
    assert outcome.comparison.same == taken.rows


def test_a_row_that_cannot_be_read_is_counted_and_not_asked_for_again(
    replay: ReplayServer, tmp_path: Path, twist: Callable[[Twist], None]
) -> None:
    def spoil_one(path: str, answer: Answer) -> Answer:
        if not path.startswith("/bulk/v1/file/"):
            return answer
        text = gzip.decompress(answer.body).replace(b"\tC\tA\t", b"\tC\tZ\t", 1)
        return replace(answer, body=gzip.compress(text, mtime=0))

    twist(spoil_one)
    settings = home(tmp_path, "home", replay.address)
    first = fetch(settings, selected(2016, 2016))
    assert first.rejects == 1
    (loaded,) = [one for one in load_all(settings) if one.table == BULK_TABLE]
    assert (loaded.rows, loaded.rejects) == (first.rows - 1, 1)
    forget(settings)
    # The bytes are held, and the row with them.
    assert fetch(settings, selected(2016, 2016)).release is None
    assert fetch(settings, selected(2016, 2016)).unchanged == 1


def test_a_file_without_a_row_that_can_be_read_is_refused(
    replay: ReplayServer, tmp_path: Path, twist: Callable[[Twist], None]
) -> None:
    def spoil_all(path: str, answer: Answer) -> Answer:
        if not path.startswith("/bulk/v1/file/"):
            return answer
        text = gzip.decompress(answer.body).replace(b"\tC\tA\t", b"\tC\tZ\t")
        return replace(answer, body=gzip.compress(text, mtime=0))

    twist(spoil_all)
    said = told(home(tmp_path, "home", replay.address), SELECTION)
    assert "none of its rows can be used (line 2: " in said
    assert "/bulk/v1/file/842/" in said


def test_figures_that_calls_brought_stay_beside_a_report(
    replay: ReplayServer, tmp_path: Path
) -> None:
    settings = home(tmp_path, "home", replay.address)
    fetch(settings, selected(2016, 2016, level="total", partners=("KOR",)))
    before = held_rows(settings, "un_comtrade__trade")
    outcome = fetch(settings, selected(2016, 2016), MOMENT + timedelta(days=1))
    assert USA_2016 in brought(outcome)
    assert outcome.comparison.withdrawn == 0
    after = held_rows(settings, "un_comtrade__trade")
    assert after.height == before.height > 0
