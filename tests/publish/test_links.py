"""A folder takes the place of another in one step, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.publish.links import ReplaceRefused, beside, points_to, replace_link

FIRST, SECOND, THIRD = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "report"


def replaced(link: Path, digest: str) -> Path:
    folder = beside(link, digest)
    folder.mkdir()
    (folder / "index.html").write_text(digest)
    replace_link(folder, link)
    return folder


def test_the_link_leads_to_the_new_folder_and_the_previous_one_stays(link: Path) -> None:
    first = replaced(link, FIRST)
    second = replaced(link, SECOND)
    assert points_to(link, second)
    assert (link / "index.html").read_text() == SECOND
    assert (first / "index.html").read_text() == FIRST


def test_the_folder_before_the_previous_one_is_removed(link: Path) -> None:
    folders = [replaced(link, digest) for digest in (FIRST, SECOND, THIRD)]
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_a_link_can_be_moved_with_its_folders(link: Path, tmp_path: Path) -> None:
    replaced(link, FIRST)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in (link, beside(link, FIRST)):
        path.rename(elsewhere / path.name)
    assert (elsewhere / "report" / "index.html").read_text() == FIRST


@pytest.mark.parametrize(
    "neighbour",
    [
        "report.backup",
        "report.2026",
        "report.0123456789abcde",
        "report.0123456789abcdef0",
        "report.0123456789ABCDEF",
        "report2.0123456789abcdef",
        "exports.0123456789abcdef",
        "report",
    ],
)
def test_neighbours_survive(link: Path, neighbour: str, tmp_path: Path) -> None:
    mine = tmp_path / neighbour
    if neighbour == link.name:
        mine = tmp_path / "inner" / neighbour
    mine.mkdir(parents=True)
    (mine / "kept").write_text("mine")
    file = tmp_path / "report.fedcba9876543210"
    file.write_text("a file, no folder")
    for digest in (FIRST, SECOND, THIRD):
        replaced(link, digest)
    assert (mine / "kept").read_text() == "mine"
    assert file.exists()


def test_a_folder_of_somebody_else_is_refused(link: Path) -> None:
    link.mkdir()
    (link / "thesis.txt").write_text("years of work")
    with pytest.raises(ReplaceRefused, match=str(link)):
        replaced(link, FIRST)
    assert (link / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("target", ["www", "/srv/www", "../www", "report.backup"])
def test_a_link_of_somebody_else_is_refused(link: Path, target: str) -> None:
    link.symlink_to(target)
    with pytest.raises(ReplaceRefused, match=str(link)):
        replaced(link, FIRST)
    assert str(link.readlink()) == target


def test_a_link_whose_folder_is_gone_is_replaced(link: Path) -> None:
    link.symlink_to(beside(link, FIRST).name)
    second = replaced(link, SECOND)
    assert points_to(link, second)
