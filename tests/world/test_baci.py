"""Tests that CEPII's reconciled flows can be queried, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePath

import duckdb
import polars as pl
import pytest
from sources.source_files import snapshot_file
from world.laboratory import FILES, Laboratory

from dagster_project.questions.figures import baci_figures, figures_json, figures_text
from dagster_project.questions.replay import Replay
from dagster_project.questions.words import Country
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.blocks import Block
from dagster_project.sources.cepii_baci import open_file
from dagster_project.sources.un_comtrade.trade import read_areas

FLOWS, YEARS, STAGED = "baci_flows", "baci_years", "stg_cepii_baci__trade"
AREAS = read_areas(PROJECT_ROOT / "dbt" / "seeds")


def staged(laboratory: Laboratory, files: dict[str, tuple[str, ...]]) -> dict[str, pl.DataFrame]:
    """The rows of these files, imported in this order, as staging has them."""
    frames, listed = [], []
    for place, (path, lines) in enumerate(files.items()):
        parsed = open_file("t,i,j,k,v,q", snapshot_file("baci_csv", path, date(2026, 1, 1)), AREAS)(
            Block(2, "\n".join([*lines, ""]).encode())
        )
        assert parsed.rejects.is_empty()
        frames.append(
            parsed.frame.with_columns(
                release_id=pl.lit(f"r{place}"),
                snapshot_file=pl.lit(path),
                snapshot_sha256=pl.lit(path),
            )
        )
        listed.append(
            {
                "source_id": "cepii_baci",
                "table_name": "cepii_baci__trade",
                "release_id": PurePath(path).parts[0],
                "snapshot_file": path,
                "snapshot_sha256": path,
                "known_from": date(2026, 1, 1),
                "retrieved_at": datetime(2026, 1, 1, place),
            }
        )
    return {
        STAGED: laboratory.models.staged(STAGED, pl.concat(frames)),
        FILES: pl.DataFrame(listed),
    }


COLUMNS = (
    *("year", "exporter_iso3", "importer_iso3", "product_edition", "product_code"),
    *("value_usd", "quantity_t", "is_latest", "row_number"),
)


def test_a_flow_has_dollars_tonnes_and_the_names_of_both_sides(laboratory: Laboratory) -> None:
    given = staged(
        laboratory,
        {
            "r/BACI_HS12_Y2016_V202201.csv": (
                "2016,156,842,851712,41000000.123,         98000.5",
                "2016,842,156,120190,14200000.000,            NA",
                "2016,490,842,854231,1500000.001,NA",
                "2016,58,842,010121,10.5,1.0",
                "2016,842,697,10121,3.0,0.002",
            )
        },
    )
    flows = laboratory.rows(given, FLOWS).sort("row_number")
    year = (2016,)
    assert flows.select(COLUMNS).rows() == [
        (*year, "CHN", "USA", "H4", "851712", Decimal("41000000123"), 98000.5, True, 2),
        (*year, "USA", "CHN", "H4", "120190", Decimal("14200000000"), None, True, 3),
        (*year, "TWN", "USA", "H4", "854231", Decimal("1500000001"), None, True, 4),
        (*year, "comtrade:58", "USA", "H4", "010121", Decimal("10500"), 1.0, True, 5),
        (*year, "USA", "comtrade:697", "H4", "010121", Decimal("3000"), 0.002, True, 6),
    ]
    assert flows["exporter_name"].to_list()[3] == "Belgium-Luxembourg (to 1998)"
    assert flows["importer_name"].to_list()[4] == "Europe EFTA n.e.s."
    assert set(flows["product_system"]) == {"hs6"}
    years = laboratory.rows(given, YEARS)
    assert years.select("flows", "version", "release_id").rows() == [(5, "V202201", "r")]


def test_the_later_version_of_an_edition_is_latest_whenever_imported(
    laboratory: Laboratory,
) -> None:
    line = "2016,156,842,851712,{},1"
    given = staged(
        laboratory,
        {
            "a/BACI_HS12_Y2016_V202601.csv": (line.format(3),),
            "b/BACI_HS12_Y2016_V202102.csv": (line.format(1), "2016,842,156,010121,1,1"),
            "c/BACI_HS92_Y2016_V202102.csv": (line.format(2),),
            "d/2016.csv": (line.format(4),),
            "e/2016 again.csv": (line.format(5),),
        },
    )
    flows = laboratory.rows(given, FLOWS)
    latest = flows.filter("is_latest").sort("value_usd")
    assert latest.select("product_edition", "version", "value_usd").rows() == [
        ("H0", "V202102", Decimal(2000)),
        ("H4", "V202601", Decimal(3000)),
        (None, None, Decimal(5000)),
    ]
    assert flows.height == 6


def test_parts_of_a_year_of_one_version_are_united(laboratory: Laboratory) -> None:
    name = "BACI_HS12_Y2016_V202601"
    given = staged(
        laboratory,
        {
            f"a/{name}_CHN.csv": ("2016,156,842,851712,1,1", "2016,156,842,851713,2,1"),
            f"b/{name}_USA.csv": ("2016,842,156,010121,3,1", "2016,156,842,851713,4,1"),
        },
    )
    latest = laboratory.rows(given, FLOWS).filter("is_latest").sort("product_code")
    assert latest.select("exporter_iso3", "product_code", "value_usd").rows() == [
        ("USA", "010121", Decimal(3000)),
        ("CHN", "851712", Decimal(1000)),
        ("CHN", "851713", Decimal(4000)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "edition", "version"),
    [
        ("BACI_HS92_Y1998_V202501.csv", "H0", "V202501"),
        ("baci_hs02_y2003_v202102.csv.gz", "H2", "V202102"),
        ("BACI_HS17_Y2019_V202401b.csv", "H5", "V202401B"),
        ("BACI_HS22_Y2023.csv", "H6", None),
        ("world.csv", None, None),
        ("HS2016.csv", None, None),
    ],
)
def test_edition_and_version_are_in_the_name(
    laboratory: Laboratory, name: str, edition: str | None, version: str | None
) -> None:
    given = staged(laboratory, {f"2026-01-01-hs12_v202201/{name}": ("2016,156,842,851712,1,1",)})
    years = laboratory.rows(given, YEARS)
    assert years.select("product_edition", "version", "is_latest").rows() == [
        (edition, version, True)
    ]


@pytest.fixture
def traded(laboratory: Laboratory) -> Iterator[Replay]:
    """A publication of two editions of one year, in which one group of codes is known."""
    lines = ("2016,156,842,851712,40,1", "2016,156,842,851713,2,1", "2016,842,156,851712,3,1")
    given = staged(
        laboratory,
        {
            "a/BACI_HS12_Y2016_V202601.csv": lines,
            "b/BACI_HS12_Y2016_V202102.csv": ("2016,156,842,851712,9,1",),
            "c/BACI_HS92_Y2016_V202601.csv": ("2016,156,842,852520,41,1",),
        },
    )
    with laboratory.run(given, FLOWS) as connection:
        connection.execute(
            "create table marts.product_groups as select * from (values"
            " ('phones', 'hs6', '851713'), ('phones', 'hs4', '8525'), ('cars', 'naics', '3361'),"
            " ('total:total', 'total', 'total')) as t(product_group, product_system, product_code)"
        )
        yield Published(connection)


class Published(Replay):
    """The marts of a run in place of a published file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection


@pytest.mark.parametrize(
    ("product_group", "expected"),
    [
        ("hs6:851712", [("H4", 3000, 40000)]),
        ("hs4:8517", [("H4", 3000, 42000)]),
        ("hs2:85", [("H0", None, 41000), ("H4", 3000, 42000)]),
        ("total:total", [("H0", None, 41000), ("H4", 3000, 42000)]),
        ("phones", [("H0", None, 41000), ("H4", None, 2000)]),
        ("cars", []),
        ("hs6:010121", []),
    ],
)
def test_figures_of_a_pair_are_those_of_the_latest_version(
    traded: Replay, product_group: str, expected: list[tuple[str, int | None, int | None]]
) -> None:
    usa, china = Country("USA", "United States"), Country("CHN", "China")
    rows = baci_figures(traded, usa, china, product_group, 2016)
    assert [
        (row["product_edition"], row["exports_usd"], row["imports_usd"]) for row in rows
    ] == expected
    other_way = baci_figures(traded, china, usa, product_group, 2016)
    assert [
        (row["product_edition"], row["imports_usd"], row["exports_usd"]) for row in other_way
    ] == expected
    assert baci_figures(traded, usa, china, product_group, 2015) == []


def test_a_figure_of_baci_is_shown_as_one(traded: Replay) -> None:
    usa, china = Country("USA", "United States"), Country("CHN", "China")
    rows = baci_figures(traded, usa, china, "hs6:851712", 2016)
    [shown] = figures_json(rows)
    assert (shown["basis"], shown["release"]) == ("baci", "cepii_baci a")
    assert shown["product_edition"] == "H4"
    assert (shown["balance_usd"], shown["two_way_usd"]) == (-37000, 43000)
    assert shown["evidence_kind"] == "reconciled"
    assert not shown["is_preferred"]
    assert "baci" in figures_text(rows, 80)
