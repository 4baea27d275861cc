"""Tests of a fetched warehouse: two real releases of the Census API, with DataWeb and BEA."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from e2e.census_replayed import ReplayedRelease
from e2e.reports_replayed import served
from one_pair import copy_one_pair

from dagster_project.fetch.job import FetchOutcome, run_fetch
from dagster_project.publish.build import BuildFailed, added_since, run_build
from dagster_project.settings import PROJECT_ROOT, Secret, Settings
from dagster_project.sources.catalog import load_table, table_named
from dagster_project.sources.connector import Selection
from dagster_project.warehouse import connect_published

TABLE = table_named("us_census__trade_api")
REPLAYED = ("2020-10", "2021-06")
FIRST, SECOND = datetime(2020, 12, 4, tzinfo=UTC), datetime(2021, 8, 5, tzinfo=UTC)
THIRD, LAST = datetime(2021, 9, 10, tzinfo=UTC), datetime(2026, 10, 15, tzinfo=UTC)
# A chapter and month that the third fetch no longer finds.
GONE = ("22", "2019-05")
Fetched = tuple[Settings, list[FetchOutcome]]
BOTH = Selection(first=date(2013, 1, 1), last=date(2020, 10, 1), partners=("KOR",), level="hs2")
IMPORTS = Selection(
    first=date(2013, 1, 1),
    last=date(2021, 6, 1),
    partners=("KOR",),
    level="hs2",
    flows=("import",),
)

# Dollars of US trade with Korea. General imports and total exports are those of the Census
# country file, domestic exports and imports for consumption near what DataWeb gives.
DOMESTIC = {"2011": 41_312_034_567, "2016": 39_905_118_204}
TOTAL = {"2011": 43_461_612_345, "2016": 42_262_187_654}
GENERAL = {"2011": 56_661_391_082, "2016": 69_886_812_940}
CONSUMPTION = {"2011": 56_002_780_687, "2016": 71_583_892_427}
REPORTS = {
    "Export": {"FAS Value": DOMESTIC},
    "ForeignExp": {"FAS Value": {year: TOTAL[year] - DOMESTIC[year] for year in TOTAL}},
    "TotExp": {"FAS Value": TOTAL},
    "Import": {
        "Customs Value": CONSUMPTION,
        "CIF Import Value": {"2011": 57_604_461_000, "2016": 73_631_192_000},
        "Calculated Duties": {"2011": 805_756_461, "2016": 185_124_539},
    },
    "GenImp": {
        "General Customs Value": GENERAL,
        "General CIF Imports Value": {"2011": 58_605_754_441, "2016": 71_887_628_102},
    },
}
ACCOUNTS = {
    "ExpGds": {"2011": "45,112", "2016": "43,905"},
    "ImpGds": {"2011": "57,013", "2016": "70,442"},
    "ExpServ": {"2016": "21,602"},
    "ImpServ": {"2016": "10,938"},
}
YEARS = Selection(first=date(2011, 1, 1), last=date(2016, 12, 1), partners=("KOR",), frequency="A")


def rows_of(real_data: Path, release: str) -> dict[str, pl.DataFrame]:
    folder = real_data / "census_api_hs2" / f"v{release}"
    return {
        f"{direction}/hs": pl.concat(
            [pl.read_parquet(path) for path in sorted(folder.glob(f"{direction}_[0-9]*.parquet"))]
        )
        for direction in ("exports", "imports")
        if list(folder.glob(f"{direction}_[0-9]*.parquet"))
    }


@pytest.fixture(scope="module")
def fetched(takes_long: None, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Fetched:
    """A project that is shipped without the two releases, and has fetched them."""
    root = tmp_path_factory.mktemp("replayed")
    shutil.copytree(
        PROJECT_ROOT / "dbt", root / "dbt", ignore=shutil.ignore_patterns("target", "logs")
    )
    copy_one_pair(root / "data" / "snapshots")
    for release in REPLAYED:
        shutil.rmtree(root / "data" / "snapshots" / "us_census" / release)
    outcomes = []
    editions = [rows_of(real_data, release) for release in REPLAYED]
    is_gone = (pl.col("I_COMMODITY") == GONE[0]) & (pl.col("time") == GONE[1])
    editions.append({"imports/hs": editions[1]["imports/hs"].filter(~is_gone)})
    for rows, selection, now in zip(
        editions, (BOTH, IMPORTS, IMPORTS), (FIRST, SECOND, THIRD), strict=True
    ):
        with ReplayedRelease(rows).served() as replayed:
            settings = Settings(
                root, root / "home", None, addresses={"us_census": replayed.address}
            )
            outcomes.append(run_fetch(settings, "us_census", selection, now=now))
    with served(REPORTS, "South Korea", ACCOUNTS, "SouthKorea") as address:
        sources = ("usitc_dataweb", "bea_ita")
        settings = Settings(
            root,
            root / "home",
            None,
            keys=dict.fromkeys(sources, Secret("not-a-real-key")),
            addresses=dict.fromkeys(sources, address),
        )
        for source in sources:
            assert run_fetch(settings, source, YEARS, now=LAST).is_new
    return settings, outcomes


@pytest.fixture(scope="module")
def warehouse(fetched: Fetched) -> Settings:
    settings, _ = fetched
    with dg.DagsterInstance.ephemeral() as instance:
        run_build(settings, instance=instance)
    return settings


def release_ids(fetched: Fetched) -> list[str]:
    return [outcome.release.release_id for outcome in fetched[1] if outcome.release]


def raw_rows(settings: Settings, release_id: str) -> pl.DataFrame:
    """Rows by their key, whatever file they stand in."""
    load_table(TABLE, settings)
    part = settings.raw / TABLE.table / f"release_id={release_id}" / "part-0.parquet"
    return pl.read_parquet(part).select(*TABLE.primary_key, *TABLE.values).sort(TABLE.primary_key)


def test_raw_equals_that_of_the_shipped_snapshot(fetched: Fetched, tmp_path: Path) -> None:
    settings, outcomes = fetched
    root = tmp_path / "shipped"
    copy_one_pair(root / "data" / "snapshots")
    (root / "dbt").symlink_to(PROJECT_ROOT / "dbt")
    shipped = Settings(root, tmp_path, None)
    for outcome, release in zip(outcomes, REPLAYED, strict=False):
        assert outcome.release is not None
        ours = raw_rows(settings, outcome.release.release_id)
        assert ours.height > 10_000
        assert ours.equals(raw_rows(shipped, release))
    assert outcomes[0].comparison.changed == 0
    assert outcomes[1].comparison.changed > 1_000


def test_rows_that_are_available_already_make_no_release(real_data: Path, tmp_path: Path) -> None:
    """Not even when it was put down by hand and is fetched for the first time."""
    with ReplayedRelease(rows_of(real_data, "2021-06")).served() as replayed:
        settings = Settings(PROJECT_ROOT, tmp_path, None, addresses={"us_census": replayed.address})
        outcome = run_fetch(settings, "us_census", IMPORTS, now=datetime(2021, 9, 10, tzinfo=UTC))
    assert (outcome.is_new, outcome.comparison.has_news) == (False, False)
    assert outcome.comparison.same == outcome.rows > 10_000
    assert not settings.fetched_snapshots.exists()


def test_revisions_are_the_figures_that_differ(
    warehouse: Settings, fetched: Fetched, real_data: Path
) -> None:
    key = ["I_COMMODITY", "time"]
    frames = [
        rows_of(real_data, release)["imports/hs"].filter(pl.col("CTY_CODE") == "5800")
        for release in REPLAYED
    ]
    expected = set()
    for variable, measure in (("CON_VAL_MO", "trade_value"), ("CAL_DUT_MO", "calculated_duty")):
        both = frames[0].join(frames[1], on=key, suffix="_later")
        differing = both.filter(pl.col(variable) != pl.col(f"{variable}_later"))
        expected |= {
            (measure, code, time, int(old), int(new))
            for code, time, old, new in differing.select(*key, variable, f"{variable}_later").rows()
        }
    assert len(expected) > 1_000
    first, second, _ = release_ids(fetched)
    with connect_published(warehouse) as connection:
        listed = connection.execute(
            """
            select measure, product_code, period, previous_value_usd, value_usd
            from marts.revisions
            where source_id = 'us_census'
                and previous_release_id = ? and release_id = ?
            """,
            [first, second],
        ).fetchall()
    found = {
        (measure, code, period, int(old), int(new)) for measure, code, period, old, new in listed
    }
    assert found == expected


def test_each_release_is_what_was_known_on_its_day(warehouse: Settings, fetched: Fetched) -> None:
    first, second, _ = release_ids(fetched)
    query = """
        select last_release_id, count(*) from marts.observations_as_of(?)
        where product_system = 'hs2' and flow = 'import' and measure = 'trade_value'
            and period = '2019-01' group by last_release_id
    """
    with connect_published(warehouse) as connection:
        for day, release in ((date(2020, 12, 4), first), (date(2021, 8, 5), second)):
            ((found, cells),) = connection.execute(query, [day]).fetchall()
            assert (found, cells > 90) == (release, True)
        assert connection.execute(query, [date(2020, 12, 3)]).fetchall() == []


def asked(settings: Settings, *words: str) -> object:
    """What the command answers from this warehouse, as JSON."""
    finished = subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", *words, "--format", "json"],
        env={**os.environ, "BILATERAL_DATA_HOME": str(settings.data_home), "BILATERAL_AS_OF": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


PAIR = ("--reporter", "USA", "--partner", "KOR", "--period", "2016")


def test_every_basis_follows_from_the_rows_that_were_fetched(warehouse: Settings) -> None:
    rows = asked(warehouse, "figures", *PAIR)
    assert isinstance(rows, list)
    found = {
        row["basis"]: (row["exports_usd"], row["imports_usd"])
        for row in reversed(rows)
        if row["basis"] and row["known_to"] is None and not row["is_page"]
    }
    expected = {
        "domestic": (DOMESTIC["2016"], CONSUMPTION["2016"]),
        "domestic_general": (DOMESTIC["2016"], None),
        "total_consumption": (None, CONSUMPTION["2016"]),
        "bop": (43_905_000_000, 70_442_000_000),
    }
    assert {"census", "cif", *expected} <= set(found)
    for basis, sides in expected.items():
        for side, dollars in zip(found[basis], sides, strict=True):
            assert dollars is None or Decimal(side) == dollars, basis
    (re_exports,) = (row for row in rows if ".re_export." in str(row["export_series"]))
    assert Decimal(re_exports["exports_usd"]) == TOTAL["2016"] - DOMESTIC["2016"]
    assert re_exports["balance_usd"] is None


def test_a_bridge_between_them_names_its_causes(warehouse: Settings) -> None:
    answer = asked(warehouse, "explain", "census", "domestic", *PAIR)
    assert isinstance(answer, dict)
    assert answer["closes"] is True
    # The deficit grows by what is not exported and by what is taken out of bond. General imports
    # are those of the country file, whose last published digit is 100,000 dollars.
    steps = {step["cause_code"]: step["amount_usd"] for step in answer["steps"]}
    assert set(steps) == {"REEXPORT", "GENERAL_VS_CONSUMPTION"}
    assert abs(steps["REEXPORT"] - (TOTAL["2016"] - DOMESTIC["2016"])) <= 50_000
    assert abs(steps["GENERAL_VS_CONSUMPTION"] - (CONSUMPTION["2016"] - GENERAL["2016"])) <= 50_000


def test_no_key_is_in_anything_that_was_written(warehouse: Settings) -> None:
    written = [path for path in warehouse.data_home.rglob("*") if path.is_file()]
    assert len(written) > 50
    assert not [path for path in written if b"not-a-real-key" in path.read_bytes()]


def changes(settings: Settings, first: str, second: str) -> Counter[str]:
    answer = asked(settings, "releases", "diff", "us_census", first, second)
    assert isinstance(answer, dict)
    return Counter(cell["change"] for cell in answer["cells"])


def test_releases_are_compared_figure_by_figure(warehouse: Settings, fetched: Fetched) -> None:
    first, second, third = release_ids(fetched)
    comparison = fetched[1][1].comparison
    assert changes(warehouse, first, second) == {
        "changed": comparison.changed,
        "new": comparison.new,
    }
    assert changes(warehouse, second, third) == {"withdrawn": 2}


def test_what_is_withdrawn_stays_known_until_then(warehouse: Settings, fetched: Fetched) -> None:
    _, second, third = release_ids(fetched)
    assert fetched[1][2].comparison.withdrawn == 2
    query = """
        select measure, withdrawn_by_release_id from marts.observations_as_of(?)
        where last_release_id = ? and product_system = 'hs2' and product_code = ? and period = ?
        order by measure
    """
    with connect_published(warehouse) as connection:
        before = connection.execute(query, [date(2021, 9, 9), second, *GONE]).fetchall()
        after = connection.execute(query, [date(2021, 9, 10), second, *GONE]).fetchall()
        listed = connection.execute(
            "select release_id, withdrawn from marts.releases where withdrawn > 0"
        ).fetchall()
    assert before == [("calculated_duty", third), ("trade_value", third)]
    assert after == []
    assert listed == [(third, 2)]


def test_a_build_that_fails_names_what_has_come_since(warehouse: Settings) -> None:
    assert added_since(warehouse) == []
    folder = warehouse.fetched_snapshots / "us_census"
    published = next(path for path in sorted(folder.iterdir()) if path.is_dir())
    came = published.with_name("2026-12-04-0123abcd")
    shutil.copytree(published, came)
    try:
        sidecar = came / "sidecar.json"
        sidecar.write_text(sidecar.read_text().replace(published.name, came.name))
        assert added_since(warehouse) == [came]
        assert f"  - {came}\n" in str(BuildFailed(["a test"], None, added_since(warehouse)))
    finally:
        shutil.rmtree(came)
