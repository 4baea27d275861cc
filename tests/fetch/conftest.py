"""Fixtures for the tests of fetching."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fetch.homes import KEYS, HomeAt, home
from fetch.loopback import Loopback
from fetch.replay_server import ReplayServer


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def replay() -> Iterator[ReplayServer]:
    with ReplayServer(keys=KEYS) as server:
        yield server


@pytest.fixture
def home_at(replay: ReplayServer, tmp_path: Path) -> HomeAt:
    return lambda name: home(tmp_path, name, replay.address)
