"""Tables at the width of a terminal."""

from __future__ import annotations

import pytest

from dagster_project.cli.terminal import print_error, print_table

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


def test_names_and_cells_are_shown_and_not_obeyed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for columns in ("20", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("NO_COLOR", "1")
        print_table((["na\x1b[1mme", "\u202ewhy"], [["a\x9b2J\nb", "\x1b]0;t\x07"]]))
        written = capsys.readouterr().out
        for shown in (r"na\x1b[1mme", r"\u202ewhy", r"a\x9b2J\nb", r"\x1b]0;t\x07"):
            assert shown in "".join(line.strip() for line in written.splitlines())
        assert not set(written) & set("\x9b\x07\u202e")
        assert "\x1b]" not in written
    print_error("c1\x1b[2J\r: wrong\nnext line")
    assert capsys.readouterr().err == "Error: c1\\x1b[2J\\r: wrong\nnext line\n"
