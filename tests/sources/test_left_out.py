"""Rows that become no figure are counted by the reasons of the build."""

from __future__ import annotations

import csv
from dataclasses import replace

import polars as pl
from sources.source_files import snapshot_file

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.catalog import BULK
from dagster_project.sources.left_out import kind_of_rows, rows_left_out

SETTINGS = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)


def test_a_condition_on_columns_counts_its_rows() -> None:
    frame = pl.DataFrame({"month": [None, None, 3], "last_month": [1, 12, 3]})
    file = replace(snapshot_file("census_country_file"), table="us_census__country_file")
    assert rows_left_out(frame, file, SETTINGS) == {"year_of_one_month": 1}


def test_a_condition_may_read_a_seed() -> None:
    with (SETTINGS.seeds / "bea_areas.csv").open(encoding="utf-8", newline="") as opened:
        areas = list(csv.DictReader(opened))
    codes = [row["area_or_country"] for row in areas]
    residuals = [row for row in areas if row["is_residual"] == "true"]
    assert residuals
    file = replace(snapshot_file("bea_ita"), table="bea_ita__transactions")
    counted = rows_left_out(pl.DataFrame({"area_or_country": codes}), file, SETTINGS)
    assert counted == {"residual_of_adjustment": len(residuals)}


def test_a_table_of_which_every_row_is_a_figure_leaves_none_out() -> None:
    file = replace(snapshot_file("fred_graph_csv"), table="fred__series")
    assert rows_left_out(pl.DataFrame({"value": [1]}), file, SETTINGS) == {}


def test_rows_of_whole_reports_have_one_kind() -> None:
    assert {kind_of_rows(entry.table, SETTINGS) for entry in BULK} == {
        "input_of_reconciliation",
        "reconciled_flow",
    }
