"""Releases can be listed, and two of one source compared figure by figure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dagster_project.cli import app
from dagster_project.settings import Settings
from dagster_project.sources.snapshot import discover_releases
from dagster_project.warehouse import connect_published

Run = Callable[..., Result]

PAIR = ("us_census", "2017-01", "2026-09")


def compared(bilateral: Run, *pair: str) -> dict[str, Any]:
    result = bilateral("releases", "diff", *pair, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def cell_key(cell: dict[str, Any]) -> tuple[str, ...]:
    return (
        cell["raw_table"],
        cell["series_code"],
        cell["measure"],
        cell["partner_code"],
        cell["product_system"],
        cell["product_code"],
        cell["period"],
    )


def test_every_release_on_disk_is_listed(bilateral: Run, built_warehouse: Settings) -> None:
    rows = json.loads(bilateral("releases", "--format", "json").stdout)
    on_disk = discover_releases(built_warehouse.snapshot_roots)
    assert [(one["source_id"], one["release_id"]) for one in rows] == [
        (one.source_id, one.release_id) for one in on_disk
    ]
    assert all(one["is_built"] for one in rows)
    kept = {one["source_id"] for one in rows if not one["is_redistributable"]}
    assert kept == {"un_comtrade", "korea_customs"}
    few = csv.DictReader(io.StringIO(bilateral("releases", "us_census", "--format", "csv").stdout))
    assert {one["source_id"] for one in few} == {"us_census"}
    text = bilateral("releases", "us_census").stdout
    assert "2017-01" in text
    assert "un_comtrade" not in text


def test_releases_are_listed_without_a_warehouse(tmp_path: Any) -> None:
    result = CliRunner().invoke(
        app, ["releases", "--format", "json"], env={"BILATERAL_DATA_HOME": str(tmp_path)}
    )
    assert result.exit_code == 0
    assert not any(one["is_built"] for one in json.loads(result.stdout))


def test_a_changed_figure_has_the_value_of_each_release(
    bilateral: Run, built_warehouse: Settings
) -> None:
    cells = compared(bilateral, *PAIR)["cells"]
    # The later release gives one partner; of the others the figures are those current by then.
    changed = {
        cell_key(cell): cell
        for cell in cells
        if cell["change"] == "changed" and cell["partner_code"] == "KOR"
    }
    with connect_published(built_warehouse) as connection:
        rows = connection.execute(
            "with said as (select o.raw_table,"
            " coalesce(o.export_series_code, o.import_series_code) as series_code, o.measure,"
            " o.partner_code, o.product_system, o.product_code, o.period, r.source_id,"
            " r.release_id, r.value_usd"
            " from marts.raw_references as r"
            " inner join marts.observations as o on r.observation_id = o.observation_id)"
            " select raw_table, series_code, measure, partner_code, product_system, product_code,"
            " period, a.value_usd, b.value_usd"
            " from said as a inner join said as b using (source_id, raw_table, series_code,"
            " measure, partner_code, product_system, product_code, period)"
            " where a.source_id = ? and a.release_id = ? and b.release_id = ?"
            " and a.value_usd <> b.value_usd and partner_code = 'KOR'",
            list(PAIR),
        ).fetchall()
    assert len(rows) > 10
    for *key, before, after in rows:
        cell = changed.pop(tuple(key))
        assert (cell["a_value_usd"], cell["b_value_usd"]) == (float(before), float(after))
        assert cell["change_usd"] == float(after - before)
    assert not changed


def test_the_reverse_comparison_changes_back(bilateral: Run) -> None:
    there = compared(bilateral, *PAIR)["cells"]
    back = compared(bilateral, PAIR[0], PAIR[2], PAIR[1])["cells"]
    changes = [
        {cell_key(cell): cell["change_usd"] for cell in cells if cell["change"] == "changed"}
        for cells in (there, back)
    ]
    assert changes[0]
    assert changes[0] == {key: -change for key, change in changes[1].items()}


def test_sums_are_those_of_their_cells(bilateral: Run) -> None:
    found = compared(bilateral, "us_census", "2020-10", "2021-06")
    assert sum(one["cells"] for one in found["sums"]) == len(found["cells"])
    summed = [one for one in found["sums"] if one["change_usd"] is not None]
    assert summed
    for one in summed:
        cells = [
            cell
            for cell in found["cells"]
            if all(cell[name] == one[name] for name in ("series_code", "measure", "change"))
            and (len(cell["period"]) == 4) == (one["period_kind"] == "year")
            and (cell["partner_code"] == "WLD") == (one["partners"] == "world")
        ]
        assert sum(cell["change_usd"] for cell in cells) == one["change_usd"]
        assert one["change_usd"] == (one["b_value_usd"] or 0) - (one["a_value_usd"] or 0)
    changes = {
        one["partners"]: one["change_usd"]
        for one in summed
        if one["measure"] == "calculated_duty" and one["change"] == "changed"
    }
    assert changes.keys() == {"countries", "world"}
    assert all(change < 0 for change in changes.values())


def test_a_release_compared_with_itself_has_no_changes(bilateral: Run) -> None:
    found = compared(bilateral, "us_census", "2021-06", "2021-06")
    assert (found["cells"], found["sums"]) == ([], [])
    text = bilateral("releases", "diff", "us_census", "2021-06", "2021-06").stdout
    assert text == "us_census 2021-06 to 2021-06: 0 changed, 0 new, 0 withdrawn.\n"
    empty = bilateral("releases", "diff", *PAIR[:2], PAIR[1], "--format", "csv").stdout
    full = bilateral("releases", "diff", *PAIR, "--format", "csv").stdout
    assert empty == f"{full.splitlines()[0]}\n"


def test_formats_hold_the_same_cells_in_the_same_order(bilateral: Run) -> None:
    cells = compared(bilateral, *PAIR)["cells"]
    result = bilateral("releases", "diff", *PAIR, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [cell_key(row) for row in rows] == [cell_key(cell) for cell in cells]
    assert len(set(map(cell_key, rows))) == len(rows)
    assert "changed" in result.stderr
    table = bilateral("releases", "diff", *PAIR)
    assert re.search(rf"\b200\b.*\b{len(cells):,}\b", table.stderr)
    assert table.stdout.index("Sums") < table.stdout.index("Figures")
    amounts = [line for line in table.stdout.splitlines() if line.startswith("  ")]
    assert max(map(len, amounts)) <= 80


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("us_cens",), r"'us_cens'.*\bus_census\b"),
        (("diff", "us_cens", "2017-01", "2026-09"), r"SOURCE: .*'us_cens'.*\bus_census\b"),
        (("diff", "us_census", "2017-02", "2026-09"), r"R1: .*'2017-02'.*\b2017-01, 2018-10, "),
        (("diff", "us_census", "2017-01", "2099"), r"R2: .*'2099'.*\b2017-01, 2018-10, "),
        (("diff", "us_census", "2017-01"), r"'R2'"),
    ],
)
def test_an_unknown_release_is_refused_with_the_available_ones(
    bilateral: Run, arguments: tuple[str, ...], named: str
) -> None:
    result = bilateral("releases", *arguments)
    assert result.exit_code == 2
    assert re.search(named, " ".join(result.stderr.split()))
