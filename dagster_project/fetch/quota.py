"""Limits requests to a publisher per second and per day, across all processes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from dagster_project.fetch.store import locked, write_whole
from dagster_project.settings import SettingsError
from dagster_project.sources.connector import Limits, QuotaSpent


def utc_now() -> datetime:
    return datetime.now(UTC)


def clock_from(moment: datetime) -> Callable[[], datetime]:
    """A clock that starts at that moment."""
    started = time.monotonic()
    return lambda: moment.astimezone(UTC) + timedelta(seconds=time.monotonic() - started)


@dataclass(frozen=True)
class _Count:
    """Requests counted on one UTC day, and when the next one may be sent."""

    day: date
    taken: int
    next_turn: float


class Quota:
    """The quota of one source. A request is counted before it is sent.

    Requests that never arrive count too: the count may be too high, never too low.
    """

    def __init__(
        self,
        folder: Path,
        source_id: str,
        limits: Limits,
        *,
        has_key: bool,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._file = folder / f"{source_id}.json"
        self._lock = folder / f"{source_id}.lock"
        self._source_id = source_id
        self._interval = 1 / limits.per_second
        self._clock = clock
        self._sleep = sleep
        self.per_day = limits.per_day_with_key if has_key else limits.per_day

    def remaining(self) -> int | None:
        """Requests left today; None if the publisher has no daily limit."""
        if self.per_day is None:
            return None
        return max(0, self.per_day - self._read(self._clock()).taken)

    def take(self) -> None:
        """Count one request, and wait until it may be sent.

        Raises:
            QuotaSpent: today's requests are used up.
        """
        with locked(self._lock):
            now = self._clock()
            count = self._read(now)
            if self.per_day is not None and count.taken >= self.per_day:
                raise QuotaSpent(
                    f"{self._source_id}: today's {self.per_day} requests are used up."
                    f" The next day begins at {_next_day(now):%Y-%m-%d %H:%M} UTC."
                )
            turn = max(now.timestamp(), count.next_turn)
            count = _Count(now.date(), count.taken + 1, turn + self._interval)
            content = json.dumps(asdict(count), default=str).encode()
            write_whole(self._file, content, is_synced=False)
        if turn > now.timestamp():
            self._sleep(turn - now.timestamp())

    def _read(self, now: datetime) -> _Count:
        try:
            held = json.loads(self._file.read_bytes())
            count = _Count(
                date.fromisoformat(held["day"]), int(held["taken"]), float(held["next_turn"])
            )
        except FileNotFoundError:
            return _Count(now.date(), 0, 0.0)
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                f"{self._file}: not a valid count of requests. Delete it to start a new count."
            ) from error
        next_turn = count.next_turn
        # No queue is this long: the clock was set back in between.
        if next_turn - now.timestamp() > 60 * max(1.0, self._interval):
            next_turn = 0.0
        return _Count(now.date(), count.taken if count.day == now.date() else 0, next_turn)


def _next_day(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
