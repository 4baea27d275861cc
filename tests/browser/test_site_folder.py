"""A reader never meets half a site, nor pages of two publications, whatever ends the writing."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from browser.reading import pages_of
from browser.samples import altered

from dagster_project.publish.links import ReplaceRefused
from dagster_project.settings import Settings
from dagster_project.site import build as sites
from dagster_project.site.build import PublicationChanged, write_site
from dagster_project.site.context import File
from dagster_project.site.output import place

GROUP = ("USA", "census:0003")


def files(mark: str, number: int = 40) -> list[File]:
    return [File(f"inner/{place}.html", mark) for place in range(number)]


def seen(link: Path) -> set[str]:
    folder = link.resolve()
    return {path.read_text() for path in folder.rglob("*.html")}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------------
# The folder
# ---------------------------------------------------------------------------


def test_the_same_files_are_not_written_twice(tmp_path: Path) -> None:
    link = tmp_path / "site"
    assert place(link, files("one")).is_new
    before = link.resolve().stat()
    assert not place(link, reversed(files("one"))).is_new
    assert link.resolve().stat() == before
    assert place(link, files("two")).is_new
    assert place(link, files("one")).is_new
    assert seen(link) == {"one"}


@pytest.mark.parametrize("damage", ["edited", "removed"])
def test_a_page_that_somebody_changed_is_made_whole(tmp_path: Path, damage: str) -> None:
    link = tmp_path / "site"
    place(link, files("one"))
    if damage == "edited":
        (link / "inner" / "3.html").write_text("mine")
    else:
        (link / "inner" / "3.html").unlink()
    assert place(link, files("one")).is_new
    assert len(list((link / "inner").iterdir())) == 40
    assert seen(link) == {"one"}


def test_two_files_of_one_address_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one address: inner/0\.html"):
        place(tmp_path / "site", [*files("one"), *files("two", 1)])
    assert names(tmp_path) == []


def test_what_is_no_site_is_refused_before_any_page_is_made(
    built_warehouse: Settings, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    made: list[int] = []
    with pytest.raises(ReplaceRefused, match=f"^{re.escape(str(tmp_path))} "):
        write_site(built_warehouse, [GROUP], out=tmp_path, on_page=lambda done, of: made.append(1))
    assert made == []
    assert names(tmp_path) == ["thesis.txt"]


def test_remains_of_a_killed_run_go_and_neighbours_stay(tmp_path: Path) -> None:
    link = tmp_path / "site"
    remains = tmp_path / ".site.0badcafe.making"
    (remains / "inner").mkdir(parents=True)
    (tmp_path / ".site.0badcafe.tmp").symlink_to("site.0000000000000000")
    neighbours = ["site.backup", "site2", ".site2.0badcafe.making", ".site"]
    for neighbour in neighbours:
        (tmp_path / neighbour).mkdir()
    place(link, files("one"))
    assert sorted(names(tmp_path)) == sorted([*neighbours, "site", link.resolve().name])


def _placing(link: Path, mark: str, rounds: int) -> None:
    for turn in range(rounds):
        place(link, files(f"{mark}{turn % 3}"))


@pytest.mark.slow
def test_several_writers_and_a_reader_share_one_link(tmp_path: Path) -> None:
    link = tmp_path / "site"
    place(link, files("a0"))
    context = multiprocessing.get_context("spawn")
    # Two of them write the very same: neither may take it from under the other.
    writers = [context.Process(target=_placing, args=(link, mark, 12)) for mark in "aab"]
    for writer in writers:
        writer.start()
    looked = 0
    while any(writer.is_alive() for writer in writers):
        # Whoever follows the link has a folder, as a browser has that shows one page.
        assert (link / "inner" / "0.html").read_text()[0] in "ab"
        looked += 1
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert looked > 10
    assert len(seen(link)) == 1
    assert [name for name in names(tmp_path) if name.startswith(".")] == []


_WRITE = """
import sys
from pathlib import Path
from dagster_project.site.context import File
from dagster_project.site.output import place
link, mark = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
place(link, [File(f"inner/{number}.html", mark) for number in range(3000)])
"""


@pytest.mark.slow
def test_kill_9_leaves_the_site_of_before_and_the_next_run_sweeps(tmp_path: Path) -> None:
    link = tmp_path / "site"
    place(link, files("before"))
    for turn in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITE, str(link), f"after {turn}"], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        while not list(tmp_path.glob(".site.*.making/inner/1*.html")):
            assert process.poll() is None, "it was done before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert seen(link) == {"before"}
        # At most the one that was just killed: each run sweeps what the last one left.
        assert len(list(tmp_path.glob(".site.*"))) == 1
    place(link, files("last"))
    assert seen(link) == {"last"}
    assert list(tmp_path.glob(".site.*")) == []


# ---------------------------------------------------------------------------
# One publication
# ---------------------------------------------------------------------------


@pytest.fixture
def home(built_warehouse: Settings, tmp_path: Path) -> Settings:
    return altered(built_warehouse, tmp_path / "home")


def published(settings: Settings, mark: str) -> None:
    """Another warehouse takes the place of the one before, as a publication does it."""
    before = settings.warehouse.with_name(".coming.tmp")
    before.write_bytes(settings.warehouse.read_bytes())
    with duckdb.connect(str(before)) as connection:
        connection.execute(
            "update meta.publication set code_version = ?,"
            " published_at = published_at + interval 1 hour",
            [mark],
        )
    before.replace(settings.warehouse)


def test_pages_of_two_publications_never_stand_in_one_site(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, times = sites.read_outline, []

    def overtaken(*arguments):
        # After the outline was read and before any worker opens the warehouse.
        outline = read(*arguments)
        times.append(1)
        if len(times) == 1:
            published(home, "later")
        return outline

    monkeypatch.setattr(sites, "read_outline", overtaken)
    written = write_site(home, [GROUP], out=tmp_path / "site")
    assert len(times) == 2
    root = written.link.resolve()
    pages = [(root / page).read_text() for page in pages_of(root)]
    assert len(pages) > 1
    assert all("<code>later</code>" in page for page in pages)


def test_publications_without_end_are_said_and_change_nothing(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = sites.read_outline

    def overtaken(*arguments):
        outline = read(*arguments)
        published(home, "later")
        return outline

    monkeypatch.setattr(sites, "read_outline", overtaken)
    with pytest.raises(PublicationChanged):
        write_site(home, [GROUP], out=tmp_path / "site")
    assert names(tmp_path) == ["home"]


def test_workers_end_with_the_one_who_started_them(
    built_warehouse: Settings, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("bilateral")), "report", "--out", str(tmp_path / "s")],
        env={**os.environ, "BILATERAL_DATA_HOME": str(built_warehouse.data_home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    workers: list[int] = []
    ended = threading.Event()
    try:
        deadline = time.monotonic() + 60
        while len(workers) < 2 and time.monotonic() < deadline and process.poll() is None:
            workers = _children(process.pid)
        assert len(workers) >= 2
        process.kill()
        process.wait()
        deadline = time.monotonic() + 30
        while any(map(_lives, workers)) and time.monotonic() < deadline:
            ended.wait(0.1)
        assert not any(map(_lives, workers))
    finally:
        process.kill()
        process.wait()
    assert names(tmp_path) == []


def _children(pid: int) -> list[int]:
    """The processes that make pages, told by how they were started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text() if _lives(pid) else ""
    return [int(one) for one in text.split() if "spawn_main" in _command(int(one))]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
