"""Text from outside on terminals, in CSV files and on pages."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.display import (
    csv_cell,
    csv_value,
    for_json,
    for_page,
    for_terminal,
    one_line,
    write_csv,
)

ROOT = Path(__file__).resolve().parent.parent
ANY_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("'=+-@\t\r\n\x1b\x9b\x07\u202e\u2066\u200b\ufeff\ud800\U000e0041,5"),
    )
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb", r"a\rb"),
        ("\u202eabc\u2066", r"\u202eabc\u2066"),
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("Corée – 韓国\n\t§", "Corée – 韓国\n\t§"),  # noqa: RUF001
    ],
)
def test_a_terminal_shows_what_it_would_obey(text: str, shown: str) -> None:
    assert for_terminal(text) == shown


def test_a_name_or_cell_is_one_line() -> None:
    assert one_line("c1\nConfirmed.\tx") == r"c1\nConfirmed.\tx"


@given(ANY_TEXT)
def test_nothing_that_a_terminal_obeys_or_hides_is_left(text: str) -> None:
    for shown in (for_terminal(text), for_json(text)):
        left = {unicodedata.category(one) for one in shown if one not in "\n\t"}
        assert not left & {"Cc", "Cs", "Zl", "Zp"}
    assert "\n" not in one_line(text)


@given(ANY_TEXT)
def test_json_holds_every_text_exactly(text: str) -> None:
    quoted = for_json(text)
    assert json.loads(quoted) == text
    assert for_terminal(quoted) == quoted


@given(ANY_TEXT)
def test_a_page_has_no_control_characters(text: str) -> None:
    shown = for_page(text)
    assert not {one for one in shown if unicodedata.category(one) in ("Cc", "Cs")} - {"\n", "\t"}


def test_a_page_keeps_the_joiners_of_scripts() -> None:
    assert for_page("क\u094d\u200dष \u0645\u200c\u062e") == "क\u094d\u200dष \u0645\u200c\u062e"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("'=1", "''=1"),
        ("-12.5", "-12.5"),
        ("+1,234.5", "+1,234.5"),
        ("-1.5e-7", "-1.5e-7"),
        ("-", "-"),
        ("2016-01", "2016-01"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
    ],
)
def test_a_spreadsheet_computes_no_cell(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


@given(st.lists(ANY_TEXT.filter(lambda text: "\0" not in text), min_size=1))
def test_what_is_written_as_csv_is_read_back(texts: list[str]) -> None:
    out = io.StringIO(newline="")
    write_csv(["a", "b"], ([text, "1"] for text in texts), out)
    out.seek(0)
    _, *rows = csv.reader(out)
    assert [csv_value(row[0]) for row in rows] == texts


def test_csv_on_a_terminal_is_shown_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    write_csv(["\x1b[1mname"], [["\x9b2J"]], out)
    assert out.getvalue() == "\\x1b[1mname\n\\x9b2J\n"


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("typer", "typer.echo('x')"),
        ("click", "click.echo('x')"),
        ("sys", "print('x', file=sys.stderr)"),
        ("sys", "sys.stdout.write('x')"),
        ("rich", "rich.print('x')"),
        ("rich.console", "rich.console.Console().print('x')"),
        ("csv", "csv.writer([])"),
    ],
)
def test_a_module_that_prints_past_the_terminal_fails_the_lint(module: str, call: str) -> None:
    ruff = [str(Path(sys.executable).with_name("ruff")), "check", "--no-cache", "--quiet"]
    rules = ["--select", "T20,TID251", "--output-format", "concise"]
    name = ["--stdin-filename", str(ROOT / "dagster_project" / "cli" / "another.py"), "-"]
    text = f'"""A module."""\n\nimport {module}\n\n{call}\n'
    done = subprocess.run(
        [*ruff, *rules, *name], input=text, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "TID251" in done.stdout or "T201" in done.stdout
