"""Tables at the width of a terminal."""

from __future__ import annotations

import pytest

from dagster_project.cli.terminal import print_table

RELEASE = "2026-11-22-af0118bc"


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_name_is_never_broken_in_two(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    publisher = "United Nations Statistics Division, Department of Economic Affairs"
    print_table((["source", "publisher", "release"], [["usitc_dataweb", publisher, RELEASE]]))
    written = capsys.readouterr().out
    assert "usitc_dataweb" in written
    assert RELEASE in written


def test_a_pipe_has_a_row_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_table((["what", "why"], [["one " * 30, "two " * 30]]))
    assert len(capsys.readouterr().out.splitlines()) == 3
