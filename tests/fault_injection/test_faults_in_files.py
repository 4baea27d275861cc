"""Injects one faulty file at a time: it is named with the fault, and good rows are kept.

A release with a file that cannot be used is left out alone, and the build goes on without it; a row
that cannot be used is stored among the rejects with its position and the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
import polars as pl
import pytest
from fault_injection.project_copy import ProjectCopy

from dagster_project.publish.build import run_build
from dagster_project.publish.links import point
from dagster_project.questions.publication import read_rejects
from dagster_project.sources.catalog import load_all
from dagster_project.warehouse import open_file

COUNTRY_FILE = "us_census/2026-09/country.csv"
TRADE_API = "us_census/2026-09/imports_total_monthly.json"
COMTRADE = "un_comtrade/cipf-5008b541/data.json"
CLAIMS = "articles/2026-11/claims.csv"
PAGES = "published/2026-11/figures.csv"
INDEX = "snapshots__files"


@dataclass(frozen=True)
class FileFault:
    """What is wrong, the file that must be named, and a fact that must be named with it."""

    says: str
    file: str
    fact: str
    break_it: Callable[[ProjectCopy], None]


@dataclass(frozen=True)
class RowFault:
    """What is wrong in some rows of a table, and where: those alone must be refused.

    `lost` is how many values of the table before are not in it any more.
    """

    says: str
    table: str
    file: str
    column: str | None
    rows: tuple[int, ...]
    lost: int
    break_it: Callable[[ProjectCopy], None]


def changed(file: str, old: bytes, new: bytes) -> Callable[[ProjectCopy], None]:
    """The bytes with a change that the sidecar also records."""

    def break_it(copy: ProjectCopy) -> None:
        before = copy.snapshot(file).read_bytes()
        assert old in before, "the fault changed nothing"
        copy.write_snapshot(file, before.replace(old, new, 1))

    return break_it


def cut_short(copy: ProjectCopy) -> None:
    copy.write_snapshot(TRADE_API, copy.snapshot(TRADE_API).read_bytes()[:-500])


def written_in_another_encoding(copy: ProjectCopy) -> None:
    text = copy.snapshot(TRADE_API).read_text(encoding="utf-8")
    copy.write_snapshot(TRADE_API, text.encode("utf-16"))


def altered_by_hand(copy: ProjectCopy) -> None:
    path = copy.snapshot(COUNTRY_FILE)
    path.write_bytes(path.read_bytes().replace(b"16682.3", b"26682.3", 1))


def gone(copy: ProjectCopy) -> None:
    copy.snapshot(COMTRADE).unlink()


def older_than_its_name(copy: ProjectCopy) -> None:
    copy.edit_sidecar(COUNTRY_FILE, known_from="2016-09-30")


def twice(file: str, line: int) -> Callable[[ProjectCopy], None]:
    def break_it(copy: ProjectCopy) -> None:
        lines = copy.snapshot(file).read_bytes().splitlines(keepends=True)
        copy.write_snapshot(file, b"".join([*lines, lines[line - 1]]))

    return break_it


FILES = (
    FileFault("truncated", TRADE_API, "JSON", cut_short),
    FileFault("in another encoding", TRADE_API, "UTF-8", written_in_another_encoding),
    FileFault("not the bytes of the sidecar", COUNTRY_FILE, "sidecar", altered_by_hand),
    FileFault("gone", COMTRADE, "", gone),
    FileFault("empty", PAGES, "", lambda copy: copy.write_snapshot(PAGES, b"")),
    FileFault("without a column", CLAIMS, "column value", changed(CLAIMS, b",value,", b",")),
    FileFault("without a name of a column", CLAIMS, "15 cells", changed(CLAIMS, b",rounding", b"")),
    FileFault("older than its name", "us_census/2026-09", "2016-09-30", older_than_its_name),
    FileFault(
        "a page of an error",
        COMTRADE,
        "",
        lambda copy: copy.write_snapshot(COMTRADE, b"<html>Invalid key</html>"),
    ),
)
ROWS = (
    RowFault(
        "text where a number belongs",
        "us_census__country_file",
        COUNTRY_FILE,
        "IJAN",
        (2,),
        1,
        changed(COUNTRY_FILE, b"1364.4", b"n.a."),
    ),
    RowFault(
        "a unit that is not known",
        "articles__claims",
        CLAIMS,
        "unit",
        (2,),
        1,
        changed(CLAIMS, b"USD bn", b"zorkmid"),
    ),
    RowFault(
        "a key that is there twice",
        "articles__claims",
        CLAIMS,
        None,
        (35,),
        0,
        twice(CLAIMS, 2),
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FILES, ids=lambda fault: fault.says)
def test_a_release_with_an_unusable_file_is_left_out_alone(
    loaded_copy: ProjectCopy, fault: FileFault
) -> None:
    copy = loaded_copy
    before = {result.table: result for result in load_all(copy.settings)}
    with copy.broken(fault.break_it):
        after = {result.table: result for result in load_all(copy.settings)}
        rejects = copy.rejects()
    reasons = {reason for result in after.values() for reason in result.unusable.values()}
    assert reasons
    assert all(fault.file in reason and fault.fact in reason for reason in reasons)
    assert set(rejects["reason"]) == reasons
    assert set(rejects["row_number"]) == {None}
    release = fault.file.split("/")[1]
    for table, result in after.items():
        if table != INDEX:
            assert set(before[table].releases) - set(result.releases) <= {release}


@pytest.mark.slow
@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.says)
def test_a_row_that_cannot_be_used_is_kept_among_the_rejects(
    loaded_copy: ProjectCopy, fault: RowFault
) -> None:
    copy = loaded_copy
    before = _rows(copy, fault.table)
    with copy.broken(fault.break_it):
        load_all(copy.settings)
        rejects = copy.rejects()
        after = _rows(copy, fault.table)
    assert set(rejects["table_name"]) == {fault.table}
    assert set(rejects["snapshot_file"]) == {fault.file}
    assert set(rejects["row_number"]) == set(fault.rows)
    assert all(len(reason) > 10 for reason in rejects["reason"])
    if fault.column is not None:
        assert set(rejects["column_name"]) == {fault.column}
    # All other rows are there, and no other value.
    kept = ("row_number", "column_name") if "column_name" in before.columns else ("row_number",)
    lost = before.join(after, on=[*kept, "release_id"], how="anti")
    assert set(lost["row_number"]) <= set(fault.rows)
    assert lost.height == fault.lost


def test_a_build_goes_on_without_a_release_that_cannot_be_used(copy: ProjectCopy) -> None:
    served = copy.settings.published.readlink()
    try:
        with copy.broken(cut_short), dg.DagsterInstance.ephemeral() as instance:
            outcome = run_build(copy.settings, instance=instance)
            assert outcome.published
            [left_out] = read_rejects(copy.settings)
        with open_file(copy.settings.warehouse, read_only=True) as connection:
            found = connection.execute(
                "select source_id, release_id, raw_table, severity, detail"
                " from warehouse.marts.data_findings where rule = 'release_unusable'"
            ).fetchall()
            [(rows,)] = connection.execute(
                "select count(*) from warehouse.marts.raw_references where snapshot_file = ?",
                [TRADE_API],
            ).fetchall()
    finally:
        point(copy.settings.published, served)
    [(source, release, table, severity, detail)] = found
    assert (f"{source}/{release}", table, severity) == (
        TRADE_API.rpartition("/")[0],
        "us_census__trade_api",
        "error",
    )
    assert TRADE_API in detail
    assert rows == 0
    assert left_out["first_line"] is None
    assert TRADE_API in left_out["first_reason"]


def _rows(copy: ProjectCopy, table: str) -> pl.DataFrame:
    return pl.read_parquet(copy.settings.raw / table / "release_id=*" / "*.parquet")
