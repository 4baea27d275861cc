"""The published warehouse, asked again in memory, and the second opinion on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from questions.held_figures import HeldFigures

from dagster_project.questions.replay import Replay
from dagster_project.settings import Settings

_MEASURED = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_MEASURED] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A rate that only fails or passes hides how near the line it is."""
    lines = terminalreporter.config.stash[_MEASURED]
    if lines:
        terminalreporter.section("measured rates")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> list[str]:
    return request.config.stash[_MEASURED]


@pytest.fixture(scope="session")
def warehouse(built_warehouse: Settings) -> Iterator[Replay]:
    with Replay(built_warehouse) as replay:
        yield replay


@pytest.fixture(scope="session")
def held(warehouse: Replay) -> HeldFigures:
    return HeldFigures(warehouse)
