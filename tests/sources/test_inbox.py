"""Tests of the inbox: complete, known files become releases, others are quarantined."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fetch.homes import home as home_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sources.source_files import (
    MONTHS,
    api_bytes,
    comtrade_bytes,
    comtrade_row,
    country_bytes,
    country_row,
    workbook_bytes,
)
from sources.test_un_comtrade import FACT, written

from dagster_project.reading.article_files import read_as_article
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources import bulk, isolation, partitions
from dagster_project.sources.blocks import unpacked
from dagster_project.sources.catalog import BULK, CATALOG, load_entry
from dagster_project.sources.inbox import (
    Imported,
    InboxError,
    Quarantined,
    detection,
    ingest,
    ingest_named,
    ingest_ready,
    readiness,
    scan,
)
from dagster_project.sources.inbox.article import ArticleText
from dagster_project.sources.isolation import Limits, ReadingFailed
from dagster_project.sources.snapshot import discover_releases, read_verified

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)

COUNTRY = country_bytes(
    country_row("2016", "5800", "South Korea", IJAN="1.5", EJAN="2.5", IYR="1.5", EYR="2.5")
)
IMPORTS = api_bytes(
    ["CTY_CODE", "I_COMMODITY", "GEN_VAL_MO", "time", "COMM_LVL"],
    ["5800", "87", "125", "2016-01", "HS2"],
)
COMTRADE = comtrade_bytes(comtrade_row())


def sheet(content: bytes) -> list[list[str]]:
    return [line.split(",") for line in content.decode().splitlines()]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    made = home_of(tmp_path, "home", "http://127.0.0.1:9")
    made.inbox.mkdir(parents=True)
    return made


class InThisProcess:
    """Calls a function here, so that a test can change what it finds; see `Isolated`."""

    def __init__(self, *_: str) -> None:
        pass

    def __enter__(self) -> InThisProcess:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(
        self,
        function: Callable[..., object],
        *arguments: object,
        limits: Limits,
        expected: tuple[type[Exception], ...] = (),
        on_progress: Callable[..., None] | None = None,
    ) -> object:
        assert limits.cpu_seconds > 0
        try:
            return function(*arguments, **({"on_progress": on_progress} if on_progress else {}))
        except expected:
            raise
        except Exception as error:
            raise ReadingFailed(f"{type(error).__name__}: {error}") from error


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests are about what is decided, not about the process that reads."""
    monkeypatch.setattr(ingest, "Isolated", InThisProcess)


def drop(home: Settings, name: str, content: bytes, **stated: object) -> Path:
    path = home.inbox / name
    path.write_bytes(content)
    if stated:
        (home.inbox / f"{name}.json").write_text(json.dumps(stated), encoding="utf-8")
    return path


def taken_of(home: Settings, now: datetime = NOW) -> tuple[Imported | Quarantined, ...]:
    """The outcomes of a second scan, a minute after the first."""
    scan(home, now)
    return ingest_ready(home, now + timedelta(minutes=1))


def the_one(home: Settings, now: datetime = NOW) -> Imported:
    [outcome] = taken_of(home, now)
    assert isinstance(outcome, Imported), outcome
    return outcome


def quarantine(home: Settings) -> Quarantined:
    [outcome] = taken_of(home)
    assert isinstance(outcome, Quarantined), outcome
    return outcome


def lying(home: Settings) -> list[str]:
    return sorted(path.name for path in home.inbox.iterdir() if not path.name.startswith("."))


def fetched(home: Settings) -> list[str]:
    return sorted(path.name for path in home.fetched_snapshots.glob("*/*"))


def test_every_layout_says_how_it_is_recognised() -> None:
    assert [
        entry.table for entry in (*CATALOG, *BULK) if entry.layout_detectors.keys() != entry.layouts
    ] == []


@pytest.mark.slow
def test_every_shipped_file_is_detected_as_its_sidecar_says() -> None:
    shipped = discover_releases([PROJECT_ROOT / "data" / "snapshots"])
    files = [file for release in shipped for file in release.files]
    assert len({file.layout for file in files}) > 4
    for file in files:
        content = read_verified(file)
        found = [
            (entry.table, layout)
            for entry in CATALOG
            for layout, sign in entry.layout_detectors.items()
            if sign(unpacked(content, file.snapshot_file), file.name)
        ]
        assert found == [(file.table, file.layout)], file.snapshot_file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "table", "layout"),
    [
        ("country.csv", COUNTRY, "us_census__country_file", "census_country_file"),
        (
            "country.csv.gz",
            gzip.compress(COUNTRY),
            "us_census__country_file",
            "census_country_file",
        ),
        ("Neue Datei (1).json", IMPORTS, "us_census__trade_api", "census_api_imports_hs"),
        ("x", COMTRADE, "un_comtrade__trade", "comtrade_v1"),
        (
            "fredgraph.csv",
            b"observation_date,IMPKR\n2016-01-01,5800.1\n",
            "fred__series",
            "fred_graph_csv",
        ),
        (
            "country.xlsx",
            workbook_bytes({"Notes": [["read me"]], "country": sheet(COUNTRY)}),
            "us_census__country_file",
            "census_country_file",
        ),
        (
            "fredgraph.xlsx",
            workbook_bytes({"1": [["DATE", "IMPKR"], [date(2016, 1, 1), 5800.1]]}),
            "fred__series",
            "fred_graph_csv",
        ),
        (
            "baci.xlsx",
            workbook_bytes({"1": [list("tijkvq"), [2016, 842, 410, 10121, 1.5, None]]}),
            "cepii_baci__trade",
            "baci_csv",
        ),
    ],
)
def test_a_known_file_becomes_a_release_of_its_source(
    home: Settings, name: str, content: bytes, table: str, layout: str
) -> None:
    drop(home, name, content)
    taken = the_one(home)
    assert (taken.table, taken.layout, taken.is_new, taken.rejects) == (table, layout, True, 0)
    [file] = taken.release.files
    assert read_verified(file) == content
    assert file.table == table
    assert taken.release.known_from == date(2026, 11, 22)
    assert taken.release.release_id.startswith("2026-11-22-")
    assert name in str(file.note)
    # Without one, its figures could not be published.
    assert str(file.address).startswith("https://")
    assert lying(home) == []


def test_a_file_is_taken_when_it_has_been_left_in_peace_for_a_while(home: Settings) -> None:
    path = drop(home, "country.csv", COUNTRY[:100])
    assert ingest_ready(home, NOW) == ()
    path.write_bytes(COUNTRY)
    assert scan(home, LATER).waiting == ("country.csv",)
    assert ingest_ready(home, LATER + timedelta(seconds=2)) == ()
    [outcome] = ingest_ready(home, LATER + timedelta(minutes=1))
    assert isinstance(outcome, Imported)
    assert outcome.rows == 4


def test_a_clock_set_back_keeps_no_file_for_ever(home: Settings) -> None:
    drop(home, "country.csv", COUNTRY)
    scan(home, NOW)
    earlier = NOW - timedelta(hours=2)
    scan(home, earlier)
    [outcome] = ingest_ready(home, earlier + timedelta(minutes=1))
    assert isinstance(outcome, Imported)


def test_the_same_bytes_again_add_nothing_and_go(home: Settings) -> None:
    drop(home, "country.csv", COUNTRY)
    first = the_one(home)
    drop(home, "again.csv", COUNTRY)
    second = the_one(home, NOW + timedelta(days=3))
    assert not second.is_new
    assert second.release.release_id == first.release.release_id
    assert fetched(home) == [first.release.release_id]
    assert lying(home) == []


def test_the_same_rows_in_other_bytes_add_nothing_and_go(home: Settings) -> None:
    drop(home, "country.csv", COUNTRY)
    first = the_one(home)
    drop(home, "country.csv", COUNTRY.replace(b"\n", b"\r\n"))
    second = the_one(home, NOW + timedelta(days=3))
    assert not second.is_new
    assert second.comparison is not None
    assert second.comparison.same == second.rows == 4
    assert fetched(home) == [first.release.release_id]
    assert lying(home) == []


def test_changed_rows_add_a_release_and_count_as_changed(home: Settings) -> None:
    drop(home, "country.csv", COUNTRY)
    the_one(home)
    drop(home, "country.csv", COUNTRY.replace(b"2.5", b"2.6"))
    second = the_one(home, NOW + timedelta(days=3))
    assert second.is_new
    assert second.comparison is not None
    assert (second.comparison.changed, second.comparison.new) == (2, 0)
    assert len(fetched(home)) == 2


def test_what_is_stated_beside_a_file_stands(home: Settings) -> None:
    drop(
        home,
        "country.csv",
        COUNTRY,
        known_from="2017-02-07",
        release_id="2017-02",
        licence="Public domain",
        redistributable=True,
        address="https://www.census.gov/country.xlsx?key=0123456789abcdef",
    )
    release = the_one(home).release
    assert (release.release_id, release.known_from) == ("2017-02", date(2017, 2, 7))
    assert (release.licence, release.redistributable) == ("Public domain", True)
    assert str(release.files[0].address).endswith("?key=SCRUBBED")
    assert lying(home) == []


def test_a_licence_of_ones_own_permits_nothing_by_itself(home: Settings) -> None:
    drop(home, "country.csv", COUNTRY, licence="As agreed")
    assert not the_one(home).release.redistributable


def test_an_older_file_takes_its_place_in_time(home: Settings) -> None:
    drop(home, "new.csv", COUNTRY)
    the_one(home)
    drop(home, "old.csv", COUNTRY.replace(b"2.5", b"2.4"), known_from="2017-02-07")
    old = the_one(home, NOW + timedelta(days=1))
    assert old.comparison is not None
    assert old.comparison.new == 4
    in_time = [release.known_from for release in discover_releases([home.fetched_snapshots])]
    assert in_time == [date(2017, 2, 7), date(2026, 11, 22)]


def test_a_file_that_ends_earlier_and_says_otherwise_has_to_be_dated(home: Settings) -> None:
    newer = country_bytes(
        country_row("2016", "5800", "South Korea", IJAN="1.5", EJAN="2.5", IYR="1.5", EYR="2.5"),
        country_row("2017", "5800", "South Korea", IJAN="1.7", EJAN="2.7", IYR="1.7", EYR="2.7"),
    )
    drop(home, "new.csv", newer)
    the_one(home)
    older = COUNTRY.replace(b"2.5", b"2.4")
    drop(home, "old.csv", older)
    reason = quarantine(home).reason
    assert re.search(r"\b2016-01\b.*\bus_census__country_file\b.*\b2017-01\b", reason)
    assert '"known_from": "YYYY-MM-DD"' in reason
    assert len(fetched(home)) == 1
    drop(home, "old.csv", older, known_from="2017-02-07")
    assert the_one(home).is_new


def test_a_day_before_the_months_of_a_file_is_refused(home: Settings) -> None:
    months = {f"I{month}": "2.0" for month in MONTHS}
    rows = [
        country_row("2019", "5800", "Korea", **months),
        country_row("2020", "5800", "Korea", **months),
        country_row("2019", "1220", "Canada", **months),
        country_row("2020", "1220", "Canada", **months),
    ]
    for day in ("2019-10-05", "2020-12-30"):
        drop(home, "country.csv", country_bytes(*rows), known_from=day)
        reason = quarantine(home).reason
        for fact in ("2020-12", "row 3", "IDEC", day):
            assert fact in reason
    assert fetched(home) == []
    drop(home, "country.csv", country_bytes(*rows), known_from="2020-12-31")
    assert the_one(home).rejects == 0


def test_one_row_of_a_later_month_is_a_reject_and_not_a_wrong_day(home: Settings) -> None:
    header = ["CTY_CODE", "I_COMMODITY", "GEN_VAL_MO", "time", "COMM_LVL"]
    rows = [["5800", f"{chapter}", "125", "2016-01", "HS2"] for chapter in range(10, 20)]
    typed = ["5800", "87", "125", "2061-01", "HS2"]
    drop(home, "imports.json", api_bytes(header, *rows, typed), known_from="2017-01-31")
    taken = the_one(home)
    assert (taken.rows, taken.rejects) == (10, 1)


def test_bytes_the_publisher_went_back_to_are_news_when_the_day_is_stated(home: Settings) -> None:
    drop(home, "country.csv", COUNTRY)
    the_one(home)
    drop(home, "country.csv", COUNTRY.replace(b"2.5", b"2.6"))
    the_one(home, NOW + timedelta(days=1))
    drop(home, "country.csv", COUNTRY, known_from="2026-11-25")
    back = the_one(home, NOW + timedelta(days=3))
    assert back.is_new
    assert len(fetched(home)) == 3


def test_of_two_files_about_the_same_the_one_written_later_holds(home: Settings) -> None:
    for minute, (name, value) in enumerate((("b.csv", b"2.6"), ("a.csv", b"2.7"))):
        path = drop(home, name, COUNTRY.replace(b"2.5", value))
        os.utime(path, (1_700_000_000 + 60 * minute,) * 2)
    outcomes = taken_of(home)
    assert [outcome.name for outcome in outcomes] == ["b.csv", "a.csv"]
    assert all(isinstance(outcome, Imported) and outcome.is_new for outcome in outcomes)
    last = discover_releases([home.fetched_snapshots])[-1]
    assert b"2.7" in read_verified(last.files[0])


DATAWEB = b'{"dto": {"tables": [{"name": "x", "row_groups": []}]}}'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b" \n", "empty.csv"),
        ("page.json", b"<!DOCTYPE html><html>Invalid Key</html>", "page.json"),
        ("notes.txt", b"dear all", "notes.txt.json"),
        ("cut.json", IMPORTS[:-20], "cut.json: line 1"),
        ("cut.csv", COUNTRY[:-15], "line 2"),
        ("other.csv", COUNTRY.replace(b",EYR", b",EYEAR", 1), "EYEAR|other.csv.json"),
        ("lost.csv", COUNTRY.replace(b"5800", b"580X"), "row 2"),
        ("report.json", DATAWEB, "dataweb_v2_general_imports"),
        ("zip.xlsx", b"PK\x03\x04nothing more", "not a complete workbook"),
        ("mine.xlsx", workbook_bytes({"Mine": [["a", "b"], [1, 2]]}), r"sheets: Mine\).*Known"),
        (
            "lost.xlsx",
            workbook_bytes({"A": [["x"]], "B": [row[:-2] for row in sheet(COUNTRY)]}),
            "Sheet B looks most like census_country_file .* 27 of its 29.*; missing: EDEC, EYR",
        ),
        (
            "part.csv",
            b",".join(COUNTRY.split(b",")[:15]) + b",mine\n1\n",
            "It looks most like census_country_file .* 15 of its 29.*; unknown: mine",
        ),
        (
            "deep.json",
            b'[["I_COMMODITY","GEN_VAL_MO",' + b"[" * 20_000,
            "deep.json",
        ),
    ],
)
def test_what_cannot_be_taken_is_quarantined_with_the_reason(
    home: Settings, name: str, content: bytes, said: str
) -> None:
    drop(home, name, content)
    outcome = quarantine(home)
    assert outcome.path.read_bytes() == content
    assert outcome.path.name.endswith(f"-{name}")
    reason = outcome.path.with_name(f"{outcome.path.name}.reason.txt").read_text("utf-8")
    assert reason == f"{name}: {outcome.reason}\n"
    assert re.search(said, reason)
    assert fetched(home) == []
    assert lying(home) == ["quarantine"]


def test_a_file_that_looks_like_nothing_is_compared_with_nothing(home: Settings) -> None:
    drop(home, "mine.csv", b"year,country,amount\n2016,KOR,1\n")
    reason = quarantine(home).reason
    assert "looks most like" not in reason
    assert "comtrade_csv_47" in reason


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"knwon_from": "2017-02-07"}, "known_from"),
        ({"known_from": "7.2.2017"}, "7.2.2017"),
        ({"known_from": "2031-01-01"}, "2031-01-01"),
        ({"release_id": "../../x"}, "release_id"),
        ({"redistributable": "yes"}, "redistributable"),
        ({"licence": ""}, "licence"),
        ({"table": "us_census__countries"}, "us_census__countries"),
        ({"layout": "comtrade_v1"}, "line 1, column 1"),
    ],
)
def test_what_is_stated_wrongly_is_quarantined_with_the_file(
    home: Settings, stated: dict[str, object], said: str
) -> None:
    drop(home, "country.csv", COUNTRY, **stated)
    outcome = quarantine(home)
    assert said in outcome.reason
    assert json.loads(outcome.path.with_name(f"{outcome.path.name}.json").read_bytes()) == stated
    assert lying(home) == ["quarantine"]


def test_a_release_id_that_is_taken_by_other_bytes_is_refused(home: Settings) -> None:
    drop(home, "country.csv", COUNTRY, release_id="mine")
    the_one(home)
    drop(home, "country.csv", COUNTRY.replace(b"2.5", b"2.6"), release_id="mine")
    assert "us_census/mine" in quarantine(home).reason
    assert len(fetched(home)) == 1


def test_a_layout_that_is_stated_decides_between_those_that_look_the_same(home: Settings) -> None:
    layout = "dataweb_v2_general_imports"
    drop(home, "report.json", DATAWEB)
    alike = set(re.findall(r"\bdataweb_\w+", quarantine(home).reason))
    assert len(alike) > 1
    assert layout in alike
    drop(home, "report.json", DATAWEB, layout=layout)
    # Only the parser speaks now: it looked like one layout and has no rows.
    assert not alike - {layout} & set(re.findall(r"\bdataweb_\w+", quarantine(home).reason))


def test_what_is_not_a_file_of_somebody_is_left_alone(home: Settings) -> None:
    (home.inbox / "folder").mkdir()
    (home.inbox / "folder" / "country.csv").write_bytes(COUNTRY)
    for name in (".country.csv", "country.csv.part", "country.csv.crdownload", "~$country.csv"):
        drop(home, name, COUNTRY)
    os.mkfifo(home.inbox / "pipe")
    drop(home, "later.csv.json", b'{"known_from": "2017-02-07"}')
    before = set(home.inbox.iterdir())
    assert taken_of(home) == ()
    assert scan(home, LATER).left_alone == ("folder", "later.csv.json", "pipe")
    assert before <= set(home.inbox.iterdir())


def test_a_link_is_quarantined_and_its_target_untouched(home: Settings, tmp_path: Path) -> None:
    target = tmp_path / "country.csv"
    target.write_bytes(COUNTRY)
    (home.inbox / "country.csv").symlink_to(target)
    outcome = quarantine(home)
    assert "a link" in outcome.reason
    assert outcome.path.is_symlink()
    assert target.read_bytes() == COUNTRY


def test_one_bad_file_keeps_back_no_other(home: Settings) -> None:
    drop(home, "a.txt", b"dear all")
    drop(home, "country.csv", COUNTRY)
    drop(home, os.fsdecode(b"n\xe4me.json"), IMPORTS)
    kinds = Counter(type(outcome) for outcome in taken_of(home))
    assert kinds == {Imported: 2, Quarantined: 1}


def test_a_parser_that_breaks_quarantines_the_file(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(
        "dagster_project.sources.us_census.country_file.drop_unpublished", break_down
    )
    drop(home, "country.csv", COUNTRY)
    assert "ZeroDivisionError: unforeseen" in quarantine(home).reason


def test_a_file_that_changes_while_it_is_taken_stays(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(home, "country.csv", COUNTRY)
    add = ingest.add_release

    def add_while_somebody_writes(*given: object) -> object:
        path.write_bytes(COUNTRY.replace(b"2.5", b"2.6"))
        return add(*given)

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "add_release", add_while_somebody_writes)
        assert taken_of(home) == ()
    assert (lying(home), fetched(home)) == (["country.csv"], [])
    taken = the_one(home, NOW + timedelta(days=1))
    assert b"2.6" in read_verified(taken.release.files[0])


def test_a_file_that_changes_after_it_was_taken_stays(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(home, "country.csv", COUNTRY)
    add = ingest.add_release

    def add_before_somebody_writes(*given: object) -> object:
        added = add(*given)
        path.write_bytes(COUNTRY.replace(b"2.5", b"2.6"))
        return added

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "add_release", add_before_somebody_writes)
        first = the_one(home)
    assert read_verified(first.release.files[0]) == COUNTRY
    assert path.exists()
    assert the_one(home, NOW + timedelta(days=1)).comparison.changed == 2


def test_a_kill_between_adding_and_removing_costs_nothing(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(home, "country.csv", COUNTRY)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            taken_of(home)
    assert lying(home) == ["country.csv"]
    assert not the_one(home, NOW + timedelta(hours=1)).is_new
    assert lying(home) == []
    assert len(fetched(home)) == 1


# The inbox keeps two names for itself: the folder of refused files, and what it has seen.
NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in (".", "..", "quarantine", ".seen.json"))


@pytest.mark.slow
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    dropped=st.dictionaries(
        NAMES,
        st.one_of(
            st.binary(max_size=60), st.sampled_from([COUNTRY, IMPORTS, COMTRADE, IMPORTS[:-9]])
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_dropped_is_somewhere_afterwards(
    tmp_path_factory: pytest.TempPathFactory, dropped: dict[str, bytes]
) -> None:
    home = home_of(tmp_path_factory.mktemp("any"), "home", "http://127.0.0.1:9")
    home.inbox.mkdir(parents=True)
    for name, content in dropped.items():
        drop(home, name, content)
    # Some file systems fold names together: what lies there now must not get lost.
    there = {path.name: path.read_bytes() for path in home.inbox.iterdir() if path.is_file()}
    taken_of(home)
    kept = {
        path.read_bytes()
        for folder in (home.inbox, home.fetched_snapshots)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert set(there.values()) <= kept


# ---------------------------------------------------------------------------
# Files of any size
# ---------------------------------------------------------------------------

REPORTS = "un_comtrade__bulk"


def report(rows: int = 3) -> bytes:
    return gzip.compress(
        written([{**FACT, "value": row} for row in range(rows)], "comtrade_csv_47")
    )


def bulk_report(rows: int = 3) -> bytes:
    return written([{**FACT, "value": row} for row in range(rows)], "comtrade_bulk_34")


def rows_held(home: Settings) -> int:
    files = (home.raw / REPORTS).glob("year=*/*.parquet")
    return sum(pl.read_parquet(path, hive_partitioning=False).height for path in files)


def test_a_whole_report_is_copied_and_its_rows_are_there(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = drop(home, "2016.tsv.gz", bulk_report())
    inode = dropped.stat().st_ino
    taken = the_one(home)
    assert (taken.table, taken.layout, taken.rows) == (REPORTS, "comtrade_bulk_34", 3)
    # A writer that still has the dropped file open cannot change the release.
    assert taken.release.files[0].path.stat().st_ino != inode
    assert lying(home) == []
    assert rows_held(home) == 3
    monkeypatch.setattr(bulk, "read_blocks", None)
    [loaded] = [load_entry(entry, home) for entry in BULK if entry.table == REPORTS]
    assert (loaded.rows, loaded.written) == (3, ())


@pytest.mark.slow
def test_of_two_tables_for_a_layout_what_is_said_decides_then_the_size(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(home, "some.csv.gz", report())
    assert the_one(home).table == "un_comtrade__trade"
    drop(home, "said.csv.gz", report(4), table=REPORTS)
    assert the_one(home).table == REPORTS
    monkeypatch.setattr(detection, "_LARGE_PACKED", 100)
    drop(home, "large.csv.gz", report(5))
    assert the_one(home).table == REPORTS
    drop(home, "said.tsv.gz", bulk_report(6), table="un_comtrade__trade")
    assert the_one(home).table == "un_comtrade__trade"


def test_a_whole_report_that_is_held_adds_nothing_and_goes(home: Settings) -> None:
    drop(home, "2016.tsv.gz", bulk_report())
    first = the_one(home)
    drop(home, "again.tsv.gz", bulk_report())
    again = the_one(home, NOW + timedelta(days=1))
    assert (again.is_new, again.release) == (False, first.release)
    assert (lying(home), rows_held(home)) == ([], 3)


def test_bytes_that_come_back_are_a_release_and_their_rows_stand_once(home: Settings) -> None:
    drop(home, "2016.tsv.gz", bulk_report(3))
    the_one(home)
    drop(home, "2016.tsv.gz", bulk_report(4))
    the_one(home, NOW + timedelta(days=1))
    drop(home, "2016.tsv.gz", bulk_report(3), known_from="2026-11-24")
    assert the_one(home, NOW + timedelta(days=3)).is_new
    assert len(fetched(home)) == 3
    [loaded] = [load_entry(entry, home) for entry in BULK if entry.table == REPORTS]
    assert loaded.rows == rows_held(home) == 7


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bulk_report(50)[:-9], "gzip"),
        (
            gzip.compress(gzip.decompress(bulk_report()).replace(b"\t842\t", b"\t999\t")),
            "line 2",
        ),
    ],
)
def test_a_whole_report_that_cannot_be_used_is_quarantined(
    home: Settings, content: bytes, said: str
) -> None:
    drop(home, "2016.tsv.gz", content)
    outcome = quarantine(home)
    assert re.search(said, outcome.reason)
    assert outcome.path.read_bytes() == content
    assert (fetched(home), rows_held(home)) == ([], 0)


def test_a_full_disk_keeps_a_good_file_in_the_inbox(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    drop(home, "2016.tsv.gz", bulk_report())
    with monkeypatch.context() as patched:
        patched.setattr(partitions, "fsync", full)
        with pytest.raises(bulk.NoRoom, match=str(home.raw)):
            taken_of(home)
    assert lying(home) == ["2016.tsv.gz"]
    assert (fetched(home), rows_held(home)) == ([], 0)
    assert the_one(home, NOW + timedelta(hours=1)).rows == 3


def test_a_file_that_is_named_stays_where_it_is(home: Settings, tmp_path: Path) -> None:
    for name, content, table in (
        ("2016.tsv.gz", bulk_report(), REPORTS),
        ("country.csv", COUNTRY, "us_census__country_file"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        taken = ingest_named(path, home, {"known_from": "2026-10-01"}, NOW)
        assert (taken.table, taken.release.known_from) == (table, date(2026, 10, 1))
        assert read_verified(taken.release.files[0]) == content
        # What its owner does with it later is no business of the release.
        path.write_bytes(b"")
        assert read_verified(taken.release.files[0]) == content
    with pytest.raises(InboxError, match=r"tabel.*table"):
        ingest_named(path, home, {"tabel": REPORTS}, NOW)


def test_a_source_that_is_listed_need_not_have_its_licence_stated(home: Settings) -> None:
    drop(home, "BACI_HS12_Y2016.csv", b"t,i,j,k,v,q\n2016,842,410,010121,1.5,NA\n")
    release = the_one(home).release
    assert release.licence.startswith("Etalab")
    assert release.redistributable


# ---------------------------------------------------------------------------
# Files that end their reader, and writers that are not done
# ---------------------------------------------------------------------------


def far_cell(where: bytes) -> bytes:
    """A workbook of 2 kB that spans what no memory holds."""
    book = workbook_bytes({"A": [["a"]]})
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'<c r="A1"', where)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.slow
def test_files_that_end_their_reader_keep_back_no_other(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "Isolated", isolation.Isolated)
    header, rows = gzip.decompress(report(1)).split(b"\n", 1)
    bad = {
        # No reference says how wide the sheet is: only reading it shows that.
        "abort.xlsx": far_cell(
            b'<c r="A1"><v>1</v></c></row><row r="1048576">' + b"<c/>" * 16_383 + b"<c "
        ),
        "far.xlsx": far_cell(b'<c r="XFD1048576"'),
        "return.csv.gz": gzip.compress(header + b"\n" + rows.replace(b"842", b"84\r2", 1)),
        "header.csv.gz": gzip.compress(header.replace(b"reporter_code", b"reporter\r_code") + rows),
        "deep.json": b'[["I_COMMODITY","GEN_VAL_MO"],' + b"[" * 200_000,
        "half.json": IMPORTS.replace(b"5800", b"\\ud800"),
        "rows.json": b'{"dto": {"tables": [{"row_groups": [{"rowsNew": 5}]}]}}',
        "members.csv.gz": gzip.compress(COUNTRY) + gzip.compress(b"") * 200_000,
        "line.csv": COUNTRY + b"2016," + b"x" * 3_000_000 + b"\n",
        f"{'국' * 83}.csv": b"dear all",
        "x" * 255: b"dear all",
        "a\nb\x1b[31m": b"dear all",
    }
    for name, content in bad.items():
        drop(home, name, content)
    drop(home, "country.csv", COUNTRY)
    outcomes = taken_of(home)
    assert {one.name for one in outcomes if isinstance(one, Imported)} == {"country.csv"}
    reasons = {one.name: one.reason for one in outcomes if isinstance(one, Quarantined)}
    assert len(reasons) == len(bad)
    for name, fact in (
        ("abort.xlsx", "SIGABRT"),
        ("far.xlsx", "17,179,869,184"),
        ("half.json", "line 1"),
        ("members.csv.gz", "100,000"),
        ("line.csv", "1,048,576"),
        (r"a\nb\x1b[31m", "not recognised"),
    ):
        assert fact in reasons[name]
    assert lying(home) == ["quarantine"]


def test_a_file_that_is_open_for_writing_waits_however_long_its_writer_pauses(
    home: Settings,
) -> None:
    path = home.inbox / "country.csv"
    lines = COUNTRY.splitlines(keepends=True)
    with path.open("wb") as writer:
        writer.write(lines[0] + lines[1])
        writer.flush()
        for minutes in range(0, 300, 3):
            assert scan(home, NOW + timedelta(minutes=minutes)).waiting == ("country.csv",)
        assert ingest_ready(home, NOW + timedelta(hours=6)) == ()
        writer.write(lines[1].replace(b"2016", b"2015"))
    scan(home, NOW + timedelta(hours=7))
    [outcome] = ingest_ready(home, NOW + timedelta(hours=8))
    assert isinstance(outcome, Imported)
    assert outcome.rows == 8


COMPLETE = {
    "a.csv": COUNTRY,
    "a.csv.gz": gzip.compress(COUNTRY),
    "a.json": IMPORTS,
    "a.xlsx": workbook_bytes({"A": [["a"]]}),
    "a.xml": b"<response><item>1</item></response>\n",
}


@pytest.mark.parametrize("name", COMPLETE)
def test_where_nobody_can_say_who_writes_a_file_must_be_complete_and_rest(
    home: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(readiness, "is_open_for_writing", lambda _path: None)
    for content, moments in (
        (COMPLETE[name], (readiness.STEADY, readiness.QUIET)),
        (COMPLETE[name][:-2], (readiness.QUIET, readiness.ABANDONED)),
    ):
        path = drop(home, name, content)
        found = path.stat()
        early, late = moments
        assert not readiness.is_done(path, found, early)
        assert readiness.is_done(path, found, late)
    renamed = path.rename(path.with_name("renamed"))
    os.utime(renamed, (1, 1))
    assert readiness.is_done(renamed, renamed.stat(), readiness.STEADY)


def test_a_file_goes_when_its_release_is_on_disk(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(home, "country.csv", COUNTRY)
    done: list[str] = []
    flush, unlink = os.fsync, Path.unlink

    def fsync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        flush(descriptor)

    def remove(path: Path, missing_ok: bool = False) -> None:
        done.append(f"- {path.name}")
        unlink(path, missing_ok)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "unlink", remove)
    release = the_one(home).release
    gone = done.index("- country.csv")
    for name in ("country.csv", "sidecar.json", release.release_id, "us_census", "snapshots"):
        assert name in done[:gone]


def test_a_companion_of_any_size_or_content_is_refused(home: Settings) -> None:
    for stated in (
        b"{" + b" " * 100_000,
        b'{"licence": "\\ud800"}',
        b'{"licence": "\\u001b[31m"}',
        b"[" * 50_000,
        b'{"redistributable": ' + b"9" * 5000 + b"}",
    ):
        drop(home, "country.csv", COUNTRY)
        (home.inbox / "country.csv.json").write_bytes(stated)
        assert "country.csv.json" in quarantine(home).reason


ARTICLE = "US goods exports to South Korea were $42.3 billion in 2016, and imports $69.9 billion.\n"


@pytest.mark.slow
def test_an_article_becomes_claims_and_is_kept_beside_the_inbox(home: Settings) -> None:
    path = home.inbox / "korea.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    (home.inbox / "korea.txt.json").write_text('{"published_on": "2017-08-18"}')
    scan(home, NOW)
    (taken,) = ingest_ready(home, LATER, read_article=read_as_article)
    assert isinstance(taken, Imported)
    assert (taken.layout, taken.rows, taken.is_new) == ("article", 2, True)
    assert {file.layout for file in taken.release.files} == {"claims", "documents"}
    kept = list((home.inbox / "read").iterdir())
    assert [one.read_text(encoding="utf-8") for one in kept] == [ARTICLE]
    assert scan(home, LATER).left_alone == ()
    stated = {"published_on": "2017-08-18"}
    again = ingest_named(kept[0], home, stated, LATER, read_article=read_as_article)
    assert not again.is_new


@pytest.mark.slow
def test_an_article_that_changes_while_it_is_read_stays_for_the_next_scan(home: Settings) -> None:
    path = home.inbox / "korea.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    (home.inbox / "korea.txt.json").write_text('{"published_on": "2017-08-18"}')

    def read_and_change(
        path: Path, stated: Mapping[str, object], isolated: isolation.Isolated
    ) -> ArticleText | None:
        article = read_as_article(path, stated, isolated)
        path.write_text(f"{ARTICLE} Imports were $80 billion in 2017.", encoding="utf-8")
        return article

    scan(home, NOW)
    assert ingest_ready(home, LATER, read_article=read_and_change) == ()
    assert path.exists()
    assert not (home.inbox / "read").exists()


@pytest.mark.slow
def test_an_article_without_its_day_is_quarantined_with_what_to_state(home: Settings) -> None:
    (home.inbox / "korea.txt").write_text(ARTICLE, encoding="utf-8")
    scan(home, NOW)
    (left,) = ingest_ready(home, LATER, read_article=read_as_article)
    assert isinstance(left, Quarantined)
    assert "published_on" in left.reason
