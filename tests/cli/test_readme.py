"""What the README shows is what a reader gets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import Result

from dagster_project.sandbox.connection import Sandbox
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.snapshot import discover_releases

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def split_console(block: str) -> tuple[list[str], str]:
    """The command of a console block, which may run over lines, and what it prints."""
    lines = block.splitlines()
    assert lines[0].startswith("$ bilateral ")
    for end in range(1, len(lines) + 1):
        try:
            command = shlex.split("\n".join(lines[:end])[2:])
        except ValueError:
            continue
        return command[1:], "\n".join(lines[end:])
    raise AssertionError(f"a quote is left open in {lines[0]}")


@pytest.fixture
def at_the_readers_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the claims file and the article that the README shows."""
    (example,), (article,) = blocks("csv"), blocks("text")
    (tmp_path / "claims.csv").write_text(example, encoding="utf-8")
    (tmp_path / "article.txt").write_text(article, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_ten_queries_are_shown() -> None:
    assert len(blocks("sql")) == 10


@pytest.mark.parametrize("query", blocks("sql"))
def test_every_query_gives_rows(query: str, built_warehouse: Settings) -> None:
    sandbox = Sandbox(built_warehouse)
    try:
        assert sandbox.execute(query).fetchall()
    finally:
        sandbox.close()


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.splitlines()[0][:40])
def test_every_answer_is_the_real_one(
    block: str, bilateral: Callable[..., Result], at_the_readers_desk: Path
) -> None:
    arguments, shown = split_console(block)
    result = bilateral(*arguments)
    printed = "\n".join(line.rstrip() for line in result.stdout.rstrip().splitlines())
    assert shown, f"{arguments[0]} is shown without its answer"
    assert printed == shown


def test_the_first_answer_is_on_the_first_screen() -> None:
    assert README.index("Fully explained:") < README.index("## Three commands")
    assert len(README[: README.index("Fully explained:")].splitlines()) <= 45


def test_a_release_is_added_as_shown(
    at_the_readers_desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILATERAL_DATA_HOME", str(at_the_readers_desk))
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    added = [
        release
        for release in discover_releases((at_the_readers_desk / "snapshots",))
        if release.source_id == "articles"
    ]
    assert [(release.known_from, len(release.files)) for release in added] == [
        (date(2026, 12, 1), 1)
    ]


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        *sorted(str(p.relative_to(PROJECT_ROOT)) for p in PROJECT_ROOT.glob("docs/**/*.md")),
    ],
)
def test_every_link_leads_to_a_file(document: str) -> None:
    path = PROJECT_ROOT / document
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://"))]
    missing = [link for link in local if not (path.parent / link).exists()]
    assert not missing
