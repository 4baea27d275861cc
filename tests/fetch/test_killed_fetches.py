"""Tests that a fetch killed at any point and run again leaves the same result.

`BILATERAL_KILLS` sets the number of kills of each fetch.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from threading import Timer

import pytest
from fetch.held import leftovers, releases_of
from fetch.homes import HomeAt
from fetch.publishers import PUBLISHERS
from fetch.publishers.publisher import Case
from fetch.replay_server import Phase, ReplayServer
from reader import Reader

from dagster_project.fetch.client import RetryPolicy
from dagster_project.fetch.job import run_fetch
from dagster_project.settings import Settings
from dagster_project.sources.catalog import CONNECTORS
from dagster_project.sources.connector import Selection

# Fetches are killed and run again, dozens of times.
pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("BILATERAL_KILLS", "20"))
MOMENT = datetime(2026, 3, 2, 6, tzinfo=UTC)

# With a survey; with pages that a reply announces; with requests that are halved; with bodies
# that are sent; with a key that is echoed; with as many series in a request as it takes. Last,
# with files that a list names.
CASES = (
    ("us_census", PUBLISHERS["us_census"].cases()[5]),
    ("korea_customs", PUBLISHERS["korea_customs"].cases()[2]),
    ("un_comtrade", PUBLISHERS["un_comtrade"].cases()[2]),
    ("usitc_dataweb", PUBLISHERS["usitc_dataweb"].cases()[2]),
    ("bea_ita", PUBLISHERS["bea_ita"].cases()[0]),
    ("fred", PUBLISHERS["fred"].cases()[0]),
    ("un_comtrade", PUBLISHERS["un_comtrade"].cases()[5]),
)


@dataclass(frozen=True)
class Point:
    """Where a fetch is killed: in a phase of its n-th request, or some time after."""

    request: int
    phase: Phase
    seconds: float


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkServerContext]:
    """Children that begin with nearly all imported; a fork of this process would lack threads."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("POLARS_MAX_THREADS", "1")
        context = get_context("forkserver")
        context.set_forkserver_preload(["dagster_project.fetch.job", "pytest"])
        yield context


def fetch(settings: Settings, source_id: str, selection: Selection) -> None:
    run_fetch(settings, source_id, selection, now=MOMENT, retry=RetryPolicy(scale=0.0))


def points(seed: str, requests: int) -> Iterator[Point]:
    """Anywhere in a fetch; the last request is followed by all that makes the release."""
    chance = random.Random(seed)
    phases: list[Phase] = ["asked", "half_sent", "sent", "sent"]
    for number in range(KILLS):
        at = requests if number % 4 == 0 else chance.randint(1, requests)
        seconds = chance.random() * (0.3 if at == requests else 0.02)
        yield Point(at, chance.choice(phases), seconds)


def test_fetches_from_every_source_are_killed() -> None:
    assert {source_id for source_id, _ in CASES} == set(CONNECTORS)


@pytest.mark.parametrize(
    ("source_id", "case"),
    [pytest.param(*one, id=f"{one[0]}-{one[1].selection.level}") for one in CASES],
)
def test_killed_anywhere_and_run_again_the_release_is_the_same(
    source_id: str,
    case: Case,
    replay: ReplayServer,
    home_at: HomeAt,
    processes: ForkServerContext,
) -> None:
    replay.is_steady = True
    whole = at_home(home_at("whole"), case)
    fetch(whole, source_id, case.selection)
    expected = files_of(whole, source_id)
    requests = len(replay.sent)
    assert requests > 1
    assert max(replay.asked.values()) == 1

    cut_short = 0
    for number, point in enumerate(points(source_id, requests)):
        settings = at_home(home_at(str(number)), case)
        replay.forget()
        child = processes.Process(target=fetch, args=(settings, source_id, case.selection))

        def read(settings: Settings = settings) -> None:
            """What is there already is a whole release or none."""
            found = files_of(settings, source_id)
            assert not found or found == expected

        with Reader(read) as reader:
            kill_at(replay, point, child)
            assert child.exitcode in (-signal.SIGKILL, 0)
            held = releases_of(settings, source_id)
            cut_short += not held
            fetch(settings, source_id, case.selection)
        assert reader.errors == []
        assert reader.reads > 0
        assert files_of(settings, source_id) == expected
        assert len(releases_of(settings, source_id)) == 1
        assert not [path for path in leftovers(settings) if path.parts[0] == "snapshots"]
        assert not list((settings.fetching / source_id).rglob("*.reply"))
        if not held:
            twice = {identity: times for identity, times in replay.asked.items() if times > 1}
            assert len(twice) <= 1, f"{point}: asked twice {twice}"
            assert sum(replay.asked.values()) <= requests + 1
    assert cut_short > KILLS // 2, "the kills came too late to test anything"


def kill_at(replay: ReplayServer, point: Point, child: ForkServerProcess) -> None:
    timers: list[Timer] = []

    def kill() -> None:
        if child.is_alive():
            child.kill()

    def on_phase(number: int, phase: Phase) -> None:
        if (number, phase) == (point.request, point.phase):
            timers.append(Timer(point.seconds, kill))
            timers[-1].start()

    replay.on_phase = on_phase
    try:
        child.start()
        # A busy machine takes minutes.
        child.join(300)
        assert child.exitcode is not None, "the fetch hangs"
    finally:
        replay.on_phase = lambda number, phase: None
        for timer in timers:
            timer.cancel()
            timer.join()


def at_home(settings: Settings, case: Case) -> Settings:
    return settings if case.has_key else replace(settings, keys={})


def files_of(settings: Settings, source_id: str) -> dict[str, bytes]:
    """By release and name, the bytes of every file but the sidecar, which tells the time."""
    return {
        f"{release.release_id}/{file.name}": Path(file.path).read_bytes()
        for release in releases_of(settings, source_id)
        for file in release.files
    }
