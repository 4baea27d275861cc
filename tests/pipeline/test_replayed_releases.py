"""Two real releases of the Census API, fetched as a user would have when they were out."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from pipeline.census_replayed import ReplayedRelease

from dagster_project.build import run_build
from dagster_project.fetching.job import FetchOutcome, run_fetch
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.catalog import load_table, table_named
from dagster_project.sources.connector import Selection
from dagster_project.warehouse import connect_published

TABLE = table_named("us_census__trade_api")
REPLAYED = ("2020-10", "2021-06")
FIRST, SECOND = datetime(2020, 12, 4, tzinfo=UTC), datetime(2021, 8, 5, tzinfo=UTC)
BOTH = Selection(first=date(2013, 1, 1), last=date(2020, 10, 1), partners=("KOR",), level="hs2")
IMPORTS = Selection(
    first=date(2013, 1, 1),
    last=date(2021, 6, 1),
    partners=("KOR",),
    level="hs2",
    flows=("import",),
)


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
def fetched(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, list[FetchOutcome]]:
    """A project that is shipped without the two releases, and has fetched them."""
    root = tmp_path_factory.mktemp("replayed")
    shutil.copytree(
        PROJECT_ROOT / "dbt", root / "dbt", ignore=shutil.ignore_patterns("target", "logs")
    )
    shutil.copytree(PROJECT_ROOT / "data" / "snapshots", root / "data" / "snapshots")
    for release in REPLAYED:
        shutil.rmtree(root / "data" / "snapshots" / "us_census" / release)
    outcomes = []
    for release, selection, now in zip(REPLAYED, (BOTH, IMPORTS), (FIRST, SECOND), strict=True):
        with ReplayedRelease(rows_of(real_data, release)).served() as replayed:
            settings = Settings(
                root, root / "home", None, addresses={"us_census": replayed.address}
            )
            outcomes.append(run_fetch(settings, "us_census", selection, now=now))
    return settings, outcomes


@pytest.fixture(scope="module")
def warehouse(fetched: tuple[Settings, list[FetchOutcome]]) -> Settings:
    settings, _ = fetched
    with dg.DagsterInstance.ephemeral() as instance:
        run_build(settings, instance=instance)
    return settings


def raw_rows(settings: Settings, release_id: str) -> pl.DataFrame:
    """Rows by their key, whatever file they stand in."""
    load_table(TABLE, settings)
    part = settings.raw / TABLE.table / f"release_id={release_id}" / "part-0.parquet"
    return pl.read_parquet(part).select(*TABLE.primary_key, *TABLE.values).sort(TABLE.primary_key)


def test_raw_equals_that_of_the_shipped_snapshot(
    fetched: tuple[Settings, list[FetchOutcome]], tmp_path: Path
) -> None:
    settings, outcomes = fetched
    shipped = Settings(PROJECT_ROOT, tmp_path, None)
    for outcome, release in zip(outcomes, REPLAYED, strict=True):
        assert outcome.release is not None
        ours = raw_rows(settings, outcome.release.release_id)
        assert ours.height > 10_000
        assert ours.equals(raw_rows(shipped, release))
    assert outcomes[0].comparison.changed == 0
    assert outcomes[1].comparison.changed > 1_000


def test_what_is_held_already_is_no_release(real_data: Path, tmp_path: Path) -> None:
    """Not even when it was put down by hand and is fetched for the first time."""
    with ReplayedRelease(rows_of(real_data, "2021-06")).served() as replayed:
        settings = Settings(PROJECT_ROOT, tmp_path, None, addresses={"us_census": replayed.address})
        outcome = run_fetch(settings, "us_census", IMPORTS, now=datetime(2021, 9, 10, tzinfo=UTC))
    assert (outcome.is_new, outcome.comparison.has_news) == (False, False)
    assert outcome.comparison.same == outcome.rows > 10_000
    assert not settings.fetched_snapshots.exists()


def test_revisions_are_the_cells_that_differ(
    warehouse: Settings, fetched: tuple[Settings, list[FetchOutcome]], real_data: Path
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
    first, second = (outcome.release.release_id for outcome in fetched[1] if outcome.release)
    with connect_published(warehouse) as connection:
        listed = connection.execute(
            """
            select measure, split_part(series_key, ':', 2), period, previous_value_usd, value_usd
            from marts.revisions
            where source_id = 'us_census' and is_revised
                and previous_release_id = ? and release_id = ?
            """,
            [first, second],
        ).fetchall()
    found = {
        (measure, code, period, int(old), int(new)) for measure, code, period, old, new in listed
    }
    assert found == expected


def test_each_release_is_what_was_known_on_its_day(
    warehouse: Settings, fetched: tuple[Settings, list[FetchOutcome]]
) -> None:
    first, second = (outcome.release.release_id for outcome in fetched[1] if outcome.release)
    query = """
        select release_id, count(*) from marts.observations_as_of(?)
        where product_system = 'hs2' and flow = 'import' and measure = 'trade_value'
            and period = '2019-01' group by release_id
    """
    with connect_published(warehouse) as connection:
        for day, release in ((date(2020, 12, 4), first), (date(2021, 8, 5), second)):
            ((found, cells),) = connection.execute(query, [day]).fetchall()
            assert (found, cells > 90) == (release, True)
        assert connection.execute(query, [date(2020, 12, 3)]).fetchall() == []
