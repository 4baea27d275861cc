"""The output of `build` and `status`, without building anything."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dagster_project.cli.building import _progress, _say_rejects
from dagster_project.defs.resources import BuildEvent
from dagster_project.publish.build import BuildFailed, what_is_served
from dagster_project.questions.publication import Status, status_json, status_tables
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.warehouse import Publication

_NOTHING = Status(
    Publication(datetime(2026, 11, 1, tzinfo=UTC), "run", "0", "inputs", "content", None, {}),
    is_current=True,
    sources=[],
    releases=[],
    world=[],
    baci=[],
    rejects=[],
    findings=[],
    left_out=[],
)


def test_a_long_stage_reports_its_progress_outside_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _progress() as report:
        for done in range(1, 101):
            report(BuildEvent("models", "one", "success", done, 100))
    lines = capsys.readouterr().err.splitlines()
    assert [re.findall(r"\d+", line) for line in lines] == [
        *([str(done), "100"] for done in (20, 40, 60, 80)),
        ["100"],
    ]


def test_status_has_the_years_of_the_worlds_trade_where_there_are_any() -> None:
    year = {
        "year": 2016,
        "exporters_reporting": 24,
        "importers_reporting": 23,
        "flows": 13105,
        "flows_mirrored": 4747,
        "latest_release_id": "2026-11-22-d6c6efb4",
    }
    state = replace(_NOTHING, world=[year])
    title, (_, rows) = status_tables(state)[-1]
    assert title == "World's trade"
    assert rows == [[2016, 24, 23, 13105, 4747, "2026-11-22-d6c6efb4"]]
    assert status_json(state)["world"] == [year]
    assert [title for title, _ in status_tables(_NOTHING)] == ["Sources", "Releases"]


def test_a_failed_first_build_does_not_claim_that_a_warehouse_is_served(tmp_path: Path) -> None:
    at = Settings(PROJECT_ROOT, tmp_path, None)
    states = [what_is_served(at, None)]
    at.warehouse.touch()
    states.append(what_is_served(at, None))
    first, later = (
        str(BuildFailed(["a test"], None, served=state)).splitlines() for state in states
    )
    assert first[1:] == later[1:] == ["  - a test"]
    assert "served" not in first[0]
    assert "served" in later[0]


def test_a_release_that_is_left_out_is_named_apart_from_rejected_rows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = {
        "snapshot_file": "us_census/2017-02",
        "rejects": 1,
        "first_line": None,
        "first_reason": "country.csv has lost its second half.",
    }
    row = {
        "snapshot_file": "us_census/2017-01/country.csv",
        "rejects": 2,
        "first_line": 7,
        "first_reason": "IJAN x: not a number",
    }
    _say_rejects([whole, row], err=False)
    left_out, rejected = capsys.readouterr().out.splitlines()
    assert left_out == "Left out: us_census/2017-02: country.csv has lost its second half."
    assert rejected.startswith(
        "Rejected: 2 rows of us_census/2017-01/country.csv; the first is row 7"
    )
