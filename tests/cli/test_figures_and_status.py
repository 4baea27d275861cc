"""Figures are listed side by side, and `status` describes the publication."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

import pytest
from typer.testing import Result

from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published, read_publication

YEAR = ("--reporter", "USA", "--partner", "KOR", "--period", "2016")


def test_the_preferred_figure_is_the_published_one(
    bilateral: Callable[..., Result], built_warehouse: Settings
) -> None:
    rows = json.loads(bilateral("figures", *YEAR, "--format", "json").stdout)
    preferred = [row for row in rows if row["is_preferred"]]
    with connect_published(built_warehouse) as connection:
        published = connection.execute(
            "select basis_id, balance_usd, release_key from marts.trade_by_year"
            " where reporter_iso3 = 'USA' and partner_code = 'KOR' and trade_kind = 'goods'"
            " and year = 2016 and is_preferred"
        ).fetchall()
    assert [(row["basis"], row["balance_usd"], row["release"]) for row in preferred] == [
        (basis, float(balance), release) for basis, balance, release in published
    ]
    assert {row["basis"] for row in rows} >= {"census", "cif", "total_consumption", "mirror"}
    assert preferred[0]["reason"]


def test_every_balance_is_the_difference_of_its_directions(
    bilateral: Callable[..., Result],
) -> None:
    rows = json.loads(bilateral("figures", *YEAR, "--format", "json").stdout)
    whole = [row for row in rows if not row["is_page"]]
    assert whole
    for row in whole:
        assert row["balance_usd"] == row["exports_usd"] - row["imports_usd"]
        assert row["two_way_usd"] == row["exports_usd"] + row["imports_usd"]


def test_a_sector_shows_each_of_its_product_groups(bilateral: Callable[..., Result]) -> None:
    result = bilateral("figures", *YEAR, "--sector", "autos", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {row["definition"] for row in rows} == {
        *("autos.hs87", "autos.naics336", "autos.end_use5", "autos.end_use5_cars"),
    }
    # A flow in one direction is shown too, without a basis.
    assert [row["imports_usd"] for row in rows if row["basis"] == ""] == ["25337690704"]


def test_months_add_up_to_the_stretch_they_cover(bilateral: Callable[..., Result]) -> None:
    result = bilateral(
        *("figures", "--reporter", "USA", "--partner", "KOR", "--period", "2017-01/2017-11"),
    )
    assert result.exit_code == 0
    assert "-21,534.8" in result.stdout


def test_the_other_country_is_asked_the_same_way(bilateral: Callable[..., Result]) -> None:
    result = bilateral("figures", "--reporter", "KOR", "--partner", "USA", "--period", "2016")
    assert result.exit_code == 0
    assert "23,350.6" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ("--reporter", "USA", "--partner", "KOR", "--period", "1950"),
            r"USA–KOR, goods, total, 1950\b.*`bilateral sql ",  # noqa: RUF001
        ),
        (("--reporter", "USA", "--partner", "XX", "--period", "2016"), r"--partner: .*'XX'"),
        ((*YEAR, "--sector", "cars"), r"--sector: .*'cars'.*\bautos\b"),
    ],
)
def test_a_query_without_data_is_refused(
    bilateral: Callable[..., Result], arguments: tuple[str, ...], named: str
) -> None:
    result = bilateral("figures", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.match(f"Error: .*{named}", result.stderr)


def test_status_names_every_release(
    bilateral: Callable[..., Result], built_warehouse: Settings
) -> None:
    result = bilateral("status", "--format", "json")
    assert result.exit_code == 0
    state = json.loads(result.stdout)
    with connect_published(built_warehouse) as connection:
        releases = connection.execute("select source_id, release_id from marts.releases").fetchall()
    assert {(one["source_id"], one["release_id"]) for one in state["releases"]} == set(releases)
    assert state["is_current"] is True
    assert state["content_hash"]
    text = bilateral("status").stdout
    published, advice, *_ = text.splitlines()
    assert state["content_hash"][:12] in published
    # A warehouse that is not current is to be built.
    assert "bilateral build" not in advice
    for _, release in releases:
        assert release in text


def test_status_counts_the_rows_that_are_no_figures(
    bilateral: Callable[..., Result], built_warehouse: Settings
) -> None:
    listed = json.loads(bilateral("status", "--format", "json").stdout)["left_out"]
    with connect_published(built_warehouse) as connection:
        expected = connection.execute(
            "select raw_table, outcome_reason, sum(raw_rows)::bigint from marts.row_outcomes"
            " where outcome = 'left_out' group by all"
        ).fetchall()
    assert {(one["raw_table"], one["outcome_reason"], one["raw_rows"]) for one in listed} == set(
        expected
    )
    assert all(one["meaning"] for one in listed)


COMMANDS = (
    "build",
    "status",
    "import",
    "sql",
    "explain",
    "check",
    "figures",
    "fetch",
    "sources",
    "releases",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(bilateral: Callable[..., Result], command: str) -> None:
    result = bilateral(command, "--help")
    assert result.exit_code == 0
    assert f"bilateral {command}" in result.stdout
    assert "Example" in result.stdout


def test_help_names_every_command_and_the_exit_codes(bilateral: Callable[..., Result]) -> None:
    text = bilateral("--help").stdout
    for command in (*COMMANDS, "Exit codes"):
        assert command in text
    assert "take" not in text


def test_the_old_name_of_import_still_works(bilateral: Callable[..., Result]) -> None:
    assert "bilateral import" in bilateral("take", "--help").stdout


def test_an_up_to_date_warehouse_is_not_built_again(
    bilateral: Callable[..., Result], built_warehouse: Settings
) -> None:
    publication = read_publication(built_warehouse)
    assert publication is not None
    result = bilateral("build")
    assert result.exit_code == 0
    assert read_publication(built_warehouse) == publication
    content, line, *_ = result.stdout.splitlines()
    assert publication.content_hash[:12] in content
    assert publication.run_id in content
    for source, releases in publication.releases.items():
        assert any(f" {source} {release}" in line for release in releases), source
