"""Fetching from a publisher, choosing a source: what is said before, after, and when it stops."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from fetch.loopback import Loopback, reply
from fetch.small_publisher import (
    KEY,
    PARTNERS,
    SOURCE,
    TABLE,
    KeyedConnector,
    SmallConnector,
    SmallPublisher,
    all_rows,
)
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from dagster_project.cli import app
from dagster_project.cli.app import Flow, Frequency
from dagster_project.cli.selecting import read_selection
from dagster_project.fetch.commands import spelled
from dagster_project.questions.words import InputError
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import Selection

Run = Callable[..., Result]

TWO_YEARS = ("--partner", "KOR", "--partner", "Japan", "--from", "2015", "--to", "2016")
HERE = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)
TODAY = date(2026, 11, 22)


@pytest.fixture
def publisher() -> SmallPublisher:
    return SmallPublisher(all_rows())


@pytest.fixture
def server(publisher: SmallPublisher) -> Iterator[Loopback]:
    with Loopback() as loopback:
        loopback.otherwise = publisher.answer
        yield loopback


@pytest.fixture
def home(tmp_path: Path, server: Loopback) -> dict[str, str]:
    return {
        "BILATERAL_DATA_HOME": str(tmp_path / "data"),
        "BILATERAL_KEYS_FILE": str(tmp_path / "keys.toml"),
        "BILATERAL_KEY_SMALL_SOURCE": KEY,
        "BILATERAL_ADDRESS_SMALL_SOURCE": server.address,
        "BILATERAL_AS_OF": "",
    }


@pytest.fixture
def run(home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(catalog, "CONNECTORS", {SOURCE: SmallConnector()})
    monkeypatch.setattr(catalog, "CATALOG", (TABLE,))

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments), env=home)
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    return invoke


def fetched(home: dict[str, str]) -> list[Path]:
    return sorted(Path(home["BILATERAL_DATA_HOME"]).glob("snapshots/*/*/sidecar.json"))


# ---------------------------------------------------------------------------
# Fetch
# ---------------------------------------------------------------------------


def test_a_dry_run_sends_nothing(run: Run, server: Loopback, home: dict[str, str]) -> None:
    text = " ".join(run("fetch", SOURCE, *TWO_YEARS, "--dry-run").stdout.split())
    # The survey, and what the plan expects of two partners and two years.
    assert re.search(r"\b9 requests \(1 .* 8\.", text)
    assert re.search(r"\bKOR, JPN, 2015-01 .*\b2016-12 .*\bmonth\b", text)
    assert server.seen == []
    assert fetched(home) == []


def test_a_dry_run_as_json_names_the_selection(run: Run, server: Loopback) -> None:
    result = run("fetch", SOURCE, *TWO_YEARS, "--dry-run", "--format", "json")
    plan = json.loads(result.stdout)
    assert (plan["requests"], plan["to_send"], plan["stored"], plan["fewest"]) == (9, 9, 0, 8)
    assert plan["selection"]["partners"] == ["KOR", "JPN"]
    assert (plan["selection"]["first"], plan["selection"]["last"]) == ("2015-01", "2016-12")
    assert plan["notes"] == ["a note"]
    assert server.seen == []


def test_a_fetch_adds_a_release_and_counts_its_rows(run: Run, home: dict[str, str]) -> None:
    result = run("fetch", SOURCE, *TWO_YEARS)
    assert result.exit_code == 0
    (sidecar,) = fetched(home)
    said = " ".join(result.stdout.split())
    assert said.startswith("48 rows: 48 new, 0 changed, 0 withdrawn, 0 unchanged.")
    assert sidecar.parent.name in said
    assert "Replies:" in result.stderr
    assert "Note: a note" in result.stderr
    assert KEY not in result.stdout + result.stderr


@pytest.mark.slow
def test_a_second_fetch_counts_changes_and_withdrawals(
    run: Run, publisher: SmallPublisher, home: dict[str, str]
) -> None:
    run("fetch", SOURCE, *TWO_YEARS)
    again = json.loads(run("fetch", SOURCE, *TWO_YEARS, "--format", "json").stdout)
    assert again["release_id"] is None
    assert (again["same"], again["new"], again["changed"]) == (48, 0, 0)
    said = run("fetch", SOURCE, *TWO_YEARS).stdout
    assert said.startswith("48 rows: 0 new, 0 changed, 0 withdrawn, 48 unchanged.")
    (first,) = fetched(home)
    assert first.parent.name not in said
    publisher.rows["KOR", "2015-03"] = "99.5"
    del publisher.rows["JPN", "2016-12"]
    news = json.loads(run("fetch", SOURCE, *TWO_YEARS, "--format", "json").stdout)
    assert (news["new"], news["changed"], news["withdrawn"]) == (0, 1, 1)
    assert news["release_id"] in {path.parent.name for path in fetched(home)}


def test_data_that_a_publisher_never_had_add_no_release(run: Run, home: dict[str, str]) -> None:
    said = run("fetch", SOURCE, "--partner", "ATA", "--from", "2015", "--to", "2016").stdout
    assert said.startswith("0 rows: 0 new, 0 changed, 0 withdrawn, 0 unchanged.")
    assert SOURCE in said.splitlines()[-1]
    assert fetched(home) == []


@pytest.mark.slow
def test_a_fetch_without_news_succeeds(
    run: Run,
    server: Loopback,
    publisher: SmallPublisher,
    home: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalog, "CONNECTORS", {SOURCE: KeyedConnector()})
    publisher.released = {"KOR": "2016-12-05", "JPN": "2016-12-06"}
    run("fetch", SOURCE, *TWO_YEARS)
    planned = run("fetch", SOURCE, *TWO_YEARS, "--dry-run")
    # Two datasets were fetched before, the last on a day.
    assert re.search(r"^Note: 2 datasets .*\b\d{4}-\d{2}-\d{2}\b", planned.stderr, re.MULTILINE)
    (release,) = fetched(home)
    server.seen.clear()
    again = run("fetch", SOURCE, *TWO_YEARS)
    assert again.exit_code == 0
    assert again.stdout.startswith("0 rows: 0 new, 0 changed, 0 withdrawn, 0 unchanged.")
    assert re.search(
        r"^Note: 2 datasets .*\b\d{4}-\d{2}-\d{2}\b.*/seen/small_source\.json",
        again.stderr,
        re.MULTILINE,
    )
    assert len(server.seen) == 1
    assert fetched(home) == [release]
    outcome = json.loads(run("fetch", SOURCE, *TWO_YEARS, "--format", "json").stdout)
    assert (outcome["unchanged_datasets"], outcome["requests_sent"]) == (2, 1)


@pytest.mark.slow
def test_a_large_withdrawal_is_a_warning(run: Run, publisher: SmallPublisher) -> None:
    run("fetch", SOURCE, *TWO_YEARS)
    for month in ("01", "02"):
        del publisher.rows["JPN", f"2016-{month}"]
    small = run("fetch", SOURCE, *TWO_YEARS).stdout
    assert "2 withdrawn" in small
    assert "%" not in small
    for month in range(1, 12):
        del publisher.rows["JPN", f"2015-{month:02d}"]
    large = " ".join(run("fetch", SOURCE, *TWO_YEARS).stdout.split())
    assert "24%" in large


@pytest.mark.slow
def test_a_fall_in_rows_ends_with_3_until_it_is_confirmed(
    run: Run, publisher: SmallPublisher, home: dict[str, str]
) -> None:
    nothing = run("fetch", SOURCE, *TWO_YEARS, "--confirm")
    assert nothing.exit_code == 2
    run("fetch", SOURCE, *TWO_YEARS)
    kept = dict(publisher.rows)
    for place in [place for place in publisher.rows if place[0] == "JPN"]:
        del publisher.rows[place]
    stopped = run("fetch", SOURCE, *TWO_YEARS)
    said = " ".join(stopped.stderr.split())
    assert stopped.exit_code == 3
    assert said.count("is empty: 12 of 12 known rows would be withdrawn") == 2
    command = re.search(r"bilateral (fetch [^:]*? --confirm)", said)
    assert command is not None
    assert len(fetched(home)) == 1
    publisher.rows = kept
    confirmed = run(*shlex.split(command[1]))
    assert confirmed.exit_code == 0
    assert "24 withdrawn" in " ".join(confirmed.stdout.split())
    assert len(fetched(home)) == 2
    back = run("fetch", SOURCE, *TWO_YEARS)
    assert "24 new" in " ".join(back.stdout.split())


def test_a_fetch_that_must_wait_ends_with_3_and_resumes(
    run: Run, server: Loopback, publisher: SmallPublisher, home: dict[str, str]
) -> None:
    first = [lambda handler: publisher.answer(server.seen[-1])(handler)] * 4
    server.answers.extend([*first, reply(429, b"Too many", Retry_After="86400")])
    stopped = run("fetch", SOURCE, *TWO_YEARS)
    assert stopped.exit_code == 3
    assert stopped.stderr.rstrip().splitlines()[-1].startswith("Stopped: ")
    command = stopped.stderr.rsplit("To resume: ", 1)[1].split()
    assert command[:3] == ["bilateral", "fetch", SOURCE]
    assert fetched(home) == []
    planned = json.loads(run(*command[1:], "--dry-run", "--format", "json").stdout)
    assert planned["stored"] == 4
    before = len(server.seen)
    outcome = json.loads(run(*command[1:], "--format", "json").stdout)
    assert outcome["replies_from_before"] == 4
    assert outcome["rows"] == 48
    # The survey and three pages for each year and partner, less what was there.
    assert len(server.seen) - before == 1 + 3 * 2 * 2 - 4


def test_a_refused_key_ends_with_2_and_never_shows_it(run: Run, server: Loopback) -> None:
    server.answers.append(reply(401, f"bad key {KEY}".encode(), "text/plain"))
    result = run("fetch", SOURCE, *TWO_YEARS)
    assert result.exit_code == 2
    assert "https://example.org/keys" in result.stderr
    assert KEY not in result.stdout + result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error")]) == 1


_INTERRUPTED = """
import sys
from dagster_project.sources import catalog
from fetch.small_publisher import SOURCE, TABLE, SmallConnector
catalog.CONNECTORS, catalog.CATALOG = {SOURCE: SmallConnector()}, (TABLE,)
from dagster_project.cli import main
sys.argv = ["bilateral", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
def test_an_interrupted_fetch_keeps_its_replies(
    run: Run, server: Loopback, publisher: SmallPublisher, home: dict[str, str]
) -> None:
    def hold(handler: object) -> None:
        time.sleep(5)

    first = [lambda handler: publisher.answer(server.seen[-1])(handler)] * 3
    server.answers.extend([*first, hold])
    process = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTED, "fetch", SOURCE, *TWO_YEARS],
        env={**os.environ, **home, "PYTHONPATH": str(PROJECT_ROOT / "tests")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(server.seen) < 4 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert out == ""
    assert re.search(r"^Stopped: .*\b3\b.*bilateral fetch", err, re.MULTILINE)
    assert "Traceback" not in err
    outcome = json.loads(run("fetch", SOURCE, *TWO_YEARS, "--format", "json").stdout)
    assert outcome["replies_from_before"] == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("small_sauce",), "small_source"),
        ((SOURCE, "--partner", "Koreaa"), "--partner: "),
        ((SOURCE, "--reporter", "all"), "--reporter: "),
        ((SOURCE, "--reporter", "USA"), "reporter"),
        ((SOURCE, "--partner", "all", "--partner", "KOR"), "--partner: all"),
        ((SOURCE, "--from", "2016-13"), "--from: '2016-13'"),
        ((SOURCE, "--from", "2016/2017"), "--from: '2016/2017'"),
        ((SOURCE, "--from", "2017", "--to", "2016"), "--from: 2017-01"),
        ((SOURCE, "--to", "2090"), "--to: 2090"),
        ((SOURCE, "--flow", "balance"), "balance"),
        ((SOURCE, "--frequency", "Q"), "Q"),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_sent(
    run: Run, server: Loopback, arguments: tuple[str, ...], said: str
) -> None:
    result = run("fetch", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert server.seen == []


# ---------------------------------------------------------------------------
# Selection
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "frequency", "first", "last"),
    [
        (date(2026, 11, 22), Frequency.months, date(2025, 1, 1), date(2026, 10, 1)),
        (date(2026, 1, 1), Frequency.months, date(2024, 1, 1), date(2025, 12, 1)),
        (date(2026, 11, 22), Frequency.years, date(2024, 1, 1), date(2025, 12, 1)),
    ],
)
def test_the_default_period_ends_with_the_last_complete_one(
    today: date, frequency: Frequency, first: date, last: date
) -> None:
    selection = read_selection(HERE, today, frequency=frequency)
    assert (selection.first, selection.last) == (first, last)
    assert selection.partners == selection.reporters == ()
    assert selection.flows == ("export", "import")


@pytest.mark.slow
@given(
    partners=st.lists(st.sampled_from(["KOR", "DEU", "WLD"]), unique=True),
    reporters=st.lists(st.sampled_from(["USA", "KOR"]), unique=True),
    months=st.tuples(st.dates(date(1990, 1, 1), TODAY), st.dates(date(1990, 1, 1), TODAY)),
    level=st.sampled_from(["total", "hs2", "end_use"]),
    products=st.lists(st.sampled_from(["87", "0101", "10 0"]), unique=True),
    flows=st.lists(st.sampled_from(Flow), unique=True, min_size=1),
    frequency=st.sampled_from(Frequency),
)
def test_the_command_to_resume_makes_the_same_selection(
    partners: list[str],
    reporters: list[str],
    months: tuple[date, date],
    level: str,
    products: list[str],
    flows: list[Flow],
    frequency: Frequency,
) -> None:
    first, last = sorted(months)
    form = "%Y" if frequency is Frequency.years else "%Y-%m"
    selection = read_selection(
        HERE,
        TODAY,
        reporters=reporters,
        partners=partners,
        first=f"{first:{form}}",
        last=f"{last:{form}}",
        level=level,
        products=products,
        flows=flows,
        frequency=frequency,
    )
    words = shlex.split(spelled(SOURCE, selection))[3:]
    given_again: dict[str, list[str]] = {}
    for option, value in zip(words[::2], words[1::2], strict=True):
        given_again.setdefault(option, []).append(value)
    again = read_selection(
        HERE,
        TODAY,
        reporters=given_again.get("--reporter", []),
        partners=given_again.get("--partner", []),
        first=given_again["--from"][0],
        last=given_again["--to"][0],
        level=given_again.get("--level", ["total"])[0],
        products=given_again.get("--product", []),
        flows=[Flow(flow) for flow in given_again.get("--flow", [])],
        frequency=Frequency(given_again.get("--frequency", ["M"])[0]),
    )
    assert set(again.flows) == set(selection.flows)
    assert again == Selection(**{**vars(selection), "flows": again.flows})


def test_the_current_month_may_be_selected_and_a_future_one_not() -> None:
    assert read_selection(HERE, TODAY, last="2026-11").last == date(2026, 11, 1)
    assert read_selection(HERE, TODAY, last="2026").last == date(2026, 11, 1)
    assert read_selection(HERE, TODAY, last="2026", frequency=Frequency.years).last == date(
        2026, 12, 1
    )
    with pytest.raises(InputError, match="--to: 2026-12"):
        read_selection(HERE, TODAY, last="2026-12")


# ---------------------------------------------------------------------------
# Sources
# ---------------------------------------------------------------------------


@pytest.mark.slow
def test_fetched_and_listed_sources_are_both_shown(run: Run, home: dict[str, str]) -> None:
    rows = {one["source_id"]: one for one in json.loads(run("sources", "--format", "json").stdout)}
    small = rows[SOURCE]
    assert small["is_fetched"] is True
    assert (small["key"], small["key_is_set"]) == ("optional", True)
    assert small["key_variable"] == "BILATERAL_KEY_SMALL_SOURCE"
    assert small["key_obtained_at"] == "https://example.org/keys"
    assert small["is_redistributable"] is False
    assert small["shapes"] == "seen"
    assert small["verified_against"] == SmallConnector().about.verified_against
    assert small["releases"] == 0
    seed = csv.DictReader((HERE.seeds / "source_list.csv").open(encoding="utf-8"))
    listed = {row["source_id"]: row for row in seed}
    assert set(listed) | {SOURCE} == set(rows)
    assert rows["ustr"]["is_fetched"] is False
    assert rows["ustr"]["key"] is None
    assert rows["un_comtrade"]["is_redistributable"] is False
    assert rows["us_census"]["latest_release"]
    run("fetch", SOURCE, *TWO_YEARS)
    (again,) = json.loads(run("sources", SOURCE, "--format", "json").stdout)
    assert again["releases"] == 1
    assert KEY not in run("sources", SOURCE).stdout


def test_one_source_is_shown_in_full(run: Run) -> None:
    text = run("sources", SOURCE).stdout
    rows = dict(re.findall(r"^(\w+(?: \w+)?) {2,}(.+)$", text, re.MULTILINE))
    about = SmallConnector().about
    assert "BILATERAL_KEY_SMALL_SOURCE" in rows["Key"]
    assert rows["Terms"] == about.terms.licence
    assert rows["Republishing"] == "not allowed"
    assert rows["Verified on"] == about.verified_against


@pytest.mark.parametrize("source_id", sorted(catalog.CONNECTORS))
def test_every_connector_says_what_it_was_verified_against(source_id: str) -> None:
    said = catalog.CONNECTORS[source_id].about.verified_against
    assert said
    (row,) = [
        line
        for line in (PROJECT_ROOT / "docs" / "sources.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{source_id}` |")
    ]
    assert f"| {said} |" in row


def test_sources_as_csv_have_a_row_each(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("sources", "--format", "csv").stdout)))
    assert SOURCE in {row["source_id"] for row in rows}
    assert "articles" in {row["source_id"] for row in rows}


def test_available_lists_the_datasets_of_a_publisher(
    run: Run, server: Loopback, publisher: SmallPublisher
) -> None:
    publisher.released = {"KOR": "2017-02-07", "JPN": "2017-03-07"}
    result = run("sources", SOURCE, "--available", "--format", "json")
    assert [(one["name"], one["released_on"]) for one in json.loads(result.stdout)] == [
        ("KOR", "2017-02-07"),
        ("JPN", "2017-03-07"),
    ]
    assert [seen.path.partition("?")[0] for seen in server.seen] == ["/v1/available"]
    assert KEY not in result.stdout + result.stderr


def test_a_publisher_without_a_list_gets_a_note(
    run: Run, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "CONNECTORS", {SOURCE: SmallConnector(has_survey=False)})
    result = run("sources", SOURCE, "--available")
    assert result.exit_code == 0
    assert result.stderr.startswith(f"Note: {SOURCE} ")
    assert server.seen == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("small_sauce",), "small_source"),
        (("--available",), "--available"),
        (("ustr", "--available"), "'ustr'"),
    ],
)
def test_a_bad_source_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run("sources", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_partners_of_the_tests_are_countries() -> None:
    """Guards against a selection that would be refused for another reason."""
    assert read_selection(HERE, TODAY, partners=PARTNERS).partners == PARTNERS
