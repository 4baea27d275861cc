"""Tests every connector of the catalog against its replayed publisher, with faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest
from fetch.held import (
    Counts,
    as_printed,
    compared,
    held_rows,
    leftovers,
    releases_of,
)
from fetch.homes import KEYS, HomeAt, home
from fetch.publishers import PUBLISHERS
from fetch.publishers.publisher import Case, Publisher
from fetch.publishers.world import World
from fetch.replay_server import Fault, Faults, ReplayServer
from polars.testing import assert_frame_equal

from dagster_project.fetch.client import RetryPolicy
from dagster_project.fetch.job import FetchError, FetchOutcome, run_fetch
from dagster_project.fetch.planning import plan_fetch
from dagster_project.settings import Secret, Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import QuotaSpent

# A thousand requests to each publisher.
pytestmark = pytest.mark.slow

# Repeats and turns as always, but nobody waits.
AT_ONCE = RetryPolicy(scale=0.0)
MANY = 1_000
SHARE = 0.2
DAY = datetime(2026, 3, 2, 6, tzinfo=UTC)

every_source = pytest.mark.parametrize("source_id", sorted(catalog.CONNECTORS))


@pytest.fixture
def publisher(source_id: str) -> Publisher:
    assert source_id in PUBLISHERS, (
        f"{source_id} has a connector but nobody replays its publisher:"
        " add a module to tests/fetch/publishers."
    )
    return PUBLISHERS[source_id]


Met = Counter[Fault | None]


@pytest.fixture(scope="module", autouse=True)
def thousands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[Met]]]:
    """A thousand requests to each publisher, in processes beside the other tests."""
    with pytest.MonkeyPatch.context() as environment:
        # Of small frames, threads take more than they give.
        environment.setenv("POLARS_MAX_THREADS", "1")
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            # Whose fetches have few requests needs many fetches: the longest go first.
            replayed = sorted(
                (name for name in catalog.CONNECTORS if name in PUBLISHERS),
                key=lambda name: any(case.is_large for case in PUBLISHERS[name].cases()),
            )
            yield {
                source_id: pool.submit(fetch_a_thousand, source_id, tmp_path_factory.mktemp("many"))
                for source_id in replayed
            }


def fetch_a_thousand(source_id: str, folder: Path) -> Met:
    """Fetch until so many requests were sent; after each fetch the rows are those they must be."""
    publisher = PUBLISHERS[source_id]
    met: Met = Counter()
    rounds = 0
    with ReplayServer(keys=KEYS, faults=Faults(seed=20, share=SHARE)) as replay:
        while met.total() < MANY:
            replay.world = World(seed=rounds)
            for number, case in enumerate(publisher.cases()):
                settings = home(folder, f"{rounds}-{number}", replay.address)
                replay.forget()
                outcome, _ = fetch(settings, source_id, case, DAY)
                truth = publisher.truth(case, replay.world)
                assert outcome.release is not None
                assert all(rows.height for rows in truth.values()), "nothing to compare"
                assert_holds(settings, truth)
                assert not list(leftovers(settings))
                met.update(sent.fault for sent in replay.sent)
                if met.total() >= MANY:
                    break
            rounds += 1
    return met


def keyless(settings: Settings, source_id: str) -> Settings:
    return replace(
        settings, keys={name: key for name, key in settings.keys.items() if name != source_id}
    )


def fetch(
    settings: Settings, source_id: str, case: Case, day: datetime
) -> tuple[FetchOutcome, datetime]:
    """A fetch that resumes the next day when the day's requests are used up."""
    asking = settings if case.has_key else keyless(settings, source_id)
    for _ in range(100):
        try:
            return run_fetch(asking, source_id, case.selection, now=day, retry=AT_ONCE), day
        except FetchError as error:
            if not isinstance(error.reply_error, QuotaSpent):
                raise
            day += timedelta(days=1)
    raise AssertionError(f"{source_id}: a hundred days were not enough")


def assert_holds(settings: Settings, truth: dict[str, pl.DataFrame]) -> None:
    """The home has exactly the rows of the truth."""
    for table, rows in truth.items():
        found = held_rows(settings, table).select(rows.columns)
        assert_frame_equal(as_printed(found), as_printed(rows))
        for name, kind in rows.schema.items():
            if kind.is_decimal():
                assert found[name].sum() == rows[name].sum()


def all_counts(before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame]) -> Counts:
    by_table = [compared(before[table], after[table], table) for table in after]
    return Counts(
        *(
            sum(getattr(one, name) for one in by_table)
            for name in ("new", "changed", "withdrawn", "same")
        )
    )


def counts_of(outcome: FetchOutcome) -> Counts:
    one = outcome.comparison
    return Counts(one.new, one.changed, one.withdrawn, one.same)


@every_source
def test_only_changes_become_a_release(
    source_id: str, publisher: Publisher, replay: ReplayServer, home_at: HomeAt
) -> None:
    seen = Counter[str]()
    for number, case in enumerate(small_cases(publisher)):
        settings = home_at(str(number))
        day = DAY
        before: dict[str, pl.DataFrame] = {}
        for edition in range(3):
            replay.world = World(seed=5, edition=edition)
            truth = publisher.truth(case, replay.world)
            outcome, day = fetch(settings, source_id, case, day)
            empty = {table: rows.clear() for table, rows in truth.items()}
            expected = all_counts(before or empty, truth)
            assert counts_of(outcome) == expected
            assert outcome.is_new
            assert_holds(settings, truth)
            assert len(releases_of(settings, source_id)) == edition + 1
            seen.update(vars(expected) if before else {})
            before, day = truth, day + timedelta(days=1)

        # Whatever else a publisher prints of its own clock, the rows are the same: all are asked
        # for, whatever it says is unchanged.
        (settings.fetching / "seen" / f"{source_id}.json").unlink(missing_ok=True)
        again, _ = fetch(settings, source_id, case, day)
        assert (again.release, again.is_new) == (None, False)
        assert counts_of(again) == Counts(0, 0, 0, sum(rows.height for rows in truth.values()))
        assert len(releases_of(settings, source_id)) == 3
    assert min(seen.values()) > 0, f"the worlds do not differ in every way: {seen}"


def small_cases(publisher: Publisher) -> list[Case]:
    return [case for case in publisher.cases() if not case.is_large]


PERMANENT: tuple[Fault, ...] = ("unknown", "changed_column", "page", "overload", "elsewhere")


@every_source
@pytest.mark.parametrize("fault", PERMANENT)
def test_a_fetch_that_never_succeeds_leaves_no_release(
    source_id: str, fault: Fault, publisher: Publisher, replay: ReplayServer, home_at: HomeAt
) -> None:
    settings = home_at("home")
    replay.always = fault
    case = small_cases(publisher)[0]
    with pytest.raises(FetchError) as caught:
        fetch(settings, source_id, case, DAY)
    assert_tells(str(caught.value), settings, source_id, case)
    assert releases_of(settings, source_id) == []
    # What failed is asked a few times at most; nothing else is asked after it.
    failed = replay.sent[-1].identity
    assert replay.asked[failed] <= AT_ONCE.attempts
    assert {sent.identity for sent in replay.sent[-replay.asked[failed] :]} == {failed}

    replay.always = None
    fetch(settings, source_id, case, DAY)
    assert_holds(settings, publisher.truth(case, replay.world))


@every_source
def test_a_rejected_key_is_reported_and_never_shown(
    source_id: str, publisher: Publisher, replay: ReplayServer, home_at: HomeAt
) -> None:
    if publisher.key_place is None:
        assert catalog.CONNECTORS[source_id].about.key is None
        pytest.skip(f"{source_id} takes no key")
    wrong = "Wrong-Key+of/somebody=="
    right = home_at("home")
    settings = replace(right, keys={**right.keys, source_id: Secret(wrong)})
    case = small_cases(publisher)[0]
    with pytest.raises(FetchError) as caught:
        fetch(settings, source_id, case, DAY)
    told = str(caught.value)
    assert_tells(told, settings, source_id, case)
    assert "key" in told.lower() or "token" in told.lower()
    assert wrong not in told
    with_key = [sent for sent in replay.sent if sent.key is not None]
    assert [sent.key for sent in with_key] == [wrong], "a key that was refused is not tried again"
    assert releases_of(settings, source_id) == []


@every_source
def test_a_thousand_requests_with_faults_bring_exactly_the_rows(
    source_id: str, publisher: Publisher, thousands: Mapping[str, Future[Met]]
) -> None:
    met = thousands[source_id].result()
    assert met.total() >= MANY
    assert SHARE * 0.8 < 1 - met[None] / met.total() < SHARE * 1.2
    assert set(met) - {None} == set(Faults().kinds)


def assert_tells(told: str, settings: Settings, source_id: str, case: Case) -> None:
    """The message names source and request, and has an advice after what came."""
    planned = plan_fetch(settings, source_id, case.selection)
    chunks = (*planned.survey, *planned.plan.chunks)
    assert source_id in told
    assert any(one.name in told or one.request.address in told for one in chunks), told
    assert told.count(". ") >= 1, told
    assert told.endswith((".", "?"))
    assert not any(key in told for key in KEYS.values())
