"""Tests that requests are counted before they are sent, across runs, processes and days."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.fetch.quota import Quota
from dagster_project.settings import SettingsError
from dagster_project.sources.connector import Limits, QuotaSpent

EVENING = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


class Clock:
    """A clock that goes on only while somebody waits."""

    def __init__(self, now: datetime = EVENING) -> None:
        self.now = now
        self.waited: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += timedelta(seconds=seconds)


def quota(
    folder: Path,
    clock: Clock,
    *,
    per_second: float = 1e6,
    per_day: int | None = 3,
    per_day_with_key: int | None = None,
    has_key: bool = False,
) -> Quota:
    limits = Limits(per_second, per_day, per_day_with_key)
    return Quota(folder, "fred", limits, has_key=has_key, clock=clock, sleep=clock.sleep)


def test_a_day_has_as_many_requests_as_its_quota_in_all_runs_together(tmp_path: Path) -> None:
    clock = Clock()
    for left in (2, 1, 0):
        quota(tmp_path, clock).take()
        assert quota(tmp_path, clock).remaining() == left
    with pytest.raises(QuotaSpent, match=r"fred: .*\b3\b.*2026-11-22 00:00 UTC"):
        quota(tmp_path, clock).take()
    clock.now += timedelta(minutes=30)
    assert quota(tmp_path, clock).remaining() == 3


def test_a_refused_request_is_not_counted(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):
        quota(tmp_path, clock).take()
    for _ in range(4):
        with pytest.raises(QuotaSpent):
            quota(tmp_path, clock).take()
    assert quota(tmp_path, clock, per_day=5).remaining() == 2


def test_a_key_brings_its_own_limit(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):
        quota(tmp_path, clock).take()
    keyed = quota(tmp_path, clock, per_day_with_key=10, has_key=True)
    assert keyed.remaining() == 7
    assert quota(tmp_path, clock, has_key=True).remaining() is None


def test_looking_writes_nothing(tmp_path: Path) -> None:
    assert quota(tmp_path / "absent", Clock()).remaining() == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@given(
    per_second=st.floats(0.1, 50),
    pauses=st.lists(st.floats(0, 5), min_size=2, max_size=12),
)
def test_requests_never_come_faster_than_the_rate(
    tmp_path_factory: pytest.TempPathFactory, per_second: float, pauses: list[float]
) -> None:
    clock, folder = Clock(datetime(2026, 11, 21, tzinfo=UTC)), tmp_path_factory.mktemp("quota")
    sent: list[datetime] = []
    for pause in pauses:
        # Each time as a run of its own: what is known of the last request is on disk.
        quota(folder, clock, per_second=per_second, per_day=None).take()
        sent.append(clock.now)
        clock.now += timedelta(seconds=pause)
    for (before, after), pause in zip(pairwise(sent), pauses, strict=False):
        gap = (after - before).total_seconds()
        assert gap >= 1 / per_second - 1e-4
        assert gap <= max(1 / per_second, pause) + 1e-4, "waited longer than needed"


def test_a_clock_that_was_set_back_does_not_make_anybody_wait(tmp_path: Path) -> None:
    clock = Clock()
    quota(tmp_path, clock, per_second=1).take()
    clock.now -= timedelta(hours=2)
    quota(tmp_path, clock, per_second=1).take()
    assert clock.waited == []


@pytest.mark.slow
def test_processes_at_once_lose_no_count(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from dagster_project.fetch.quota import Quota\n"
        "from dagster_project.sources.connector import Limits\n"
        "quota = Quota(Path(sys.argv[1]), 'fred', Limits(1e6, 1000, None), has_key=False)\n"
        "for _ in range(50): quota.take()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    limits = Limits(1e6, 1000, None)
    assert Quota(tmp_path, "fred", limits, has_key=False).remaining() == 1000 - 150
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fred.json", "fred.lock"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"day": "today"}', json.dumps({"taken": 1})])
def test_a_count_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "fred.json").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"fred\.json"):
        quota(tmp_path, Clock()).take()
