"""Tests of raw Parquet: what is written, what is left alone, what happens to bad files."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from sources.source_files import (
    claims_bytes,
    comtrade_bytes,
    comtrade_row,
    country_bytes,
    country_row,
    edit_sidecar,
    numbers_in,
    table_bytes,
    write_release,
)

from dagster_project.settings import Settings
from dagster_project.sources import blocks
from dagster_project.sources.catalog import (
    BULK,
    CATALOG,
    LoadResult,
    load_all,
    load_snapshot_index,
    load_table,
    table_named,
)
from dagster_project.sources.raw import REJECTS_SCHEMA, SNAPSHOT_FILES_SCHEMA
from dagster_project.sources.snapshot import SnapshotError

COUNTRY = table_named("us_census__country_file")
LAYOUT = "census_country_file"


@pytest.fixture
def settings(tmp_path: Path, project_root: Path) -> Settings:
    """A project with the real seeds and no snapshots of its own."""
    project = tmp_path / "project"
    shutil.copytree(project_root / "dbt" / "seeds", project / "dbt" / "seeds")
    return Settings(project_root=project, data_home=tmp_path / "data home", as_of=None)


def put_country(settings: Settings, release_id: str, *rows: dict[str, str], known: str) -> Path:
    content = country_bytes(*rows)
    return write_release(
        settings.shipped_snapshots,
        "us_census",
        release_id,
        {"country.csv": (COUNTRY.table, LAYOUT, content)},
        known_from=known,
    )


def korea(value: str, **more: str) -> dict[str, str]:
    return country_row("2015", "5800", "Korea, South", IJAN=value, IYR=value, **more)


def table_rejects(settings: Settings) -> int:
    return read(settings, "snapshots__rejects").height


def read(settings: Settings, table: str) -> pl.DataFrame:
    """As the warehouse reads it: every file below the table's folder."""
    pattern = settings.raw / table / "**" / "*.parquet"
    return pl.read_parquet(str(pattern), hive_partitioning=False)


def test_rows_carry_release_hash_and_file(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    result = load_table(COUNTRY, settings)
    assert result == LoadResult(
        table=COUNTRY.table,
        rows=2,
        rejects=0,
        releases=("2017-01",),
        written=("2017-01",),
        unchanged=(),
        removed=(),
    )
    frame = read(settings, COUNTRY.table)
    assert dict(frame.schema) == dict(COUNTRY.schema)
    index = load_snapshot_index(settings)
    assert index.rows == 1
    listed = read(settings, "snapshots__files").row(0, named=True)
    assert frame["snapshot_sha256"].unique().to_list() == [listed["sha256"]]
    assert frame["snapshot_file"].unique().to_list() == ["us_census/2017-01/country.csv"]
    assert frame["release_id"].unique().to_list() == ["2017-01"]
    assert frame["value_musd"].to_list() == [Decimal("10.5")] * 2


def test_a_corrected_day_lets_the_rows_of_later_periods_in(settings: Settings) -> None:
    folder = put_country(settings, "first", korea("10.5"), known="2015-01-30")
    [reason] = load_table(COUNTRY, settings).unusable.values()
    assert re.search(r"country\.csv.*2015-01-30", reason)
    edit_sidecar(folder, known_from="2015-01-31")
    loaded = load_table(COUNTRY, settings)
    assert (loaded.rows, loaded.rejects) == (2, 0)
    edit_sidecar(folder, known_from="2015-02-27")
    put_country(settings, "second", korea("10.5", IFEB="1"), known="2015-02-27")
    again = load_table(COUNTRY, settings)
    assert again.written == ("first", "second")


def test_a_second_load_writes_nothing_and_bytes_are_the_same_from_scratch(
    settings: Settings,
) -> None:
    put_country(settings, "2017-01", korea("10.5"), korea("x"), known="2017-01-31")
    first = load_table(COUNTRY, settings)
    load_snapshot_index(settings)
    before = table_bytes(settings.raw)
    times = {path: path.stat().st_mtime_ns for path in settings.raw.rglob("*") if path.is_file()}
    second = load_table(COUNTRY, settings)
    assert (second.written, second.unchanged) == ((), ("2017-01",))
    assert (second.rows, second.rejects) == (first.rows, first.rejects)
    assert load_snapshot_index(settings).written == ()
    assert times == {
        path: path.stat().st_mtime_ns for path in settings.raw.rglob("*") if path.is_file()
    }
    shutil.rmtree(settings.raw)
    load_table(COUNTRY, settings)
    load_snapshot_index(settings)
    assert table_bytes(settings.raw) == before


def test_only_what_changed_is_rewritten(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    load_table(COUNTRY, settings)
    put_country(settings, "2018-01", korea("10.6"), known="2018-01-31")
    result = load_table(COUNTRY, settings)
    assert (result.written, result.unchanged) == (("2018-01",), ("2017-01",))
    assert sorted(read(settings, COUNTRY.table)["release_id"].unique()) == ["2017-01", "2018-01"]


def test_a_changed_code_list_reads_the_file_again(settings: Settings) -> None:
    put_country(
        settings, "2017-01", korea("10.5"), country_row("2015", "9990", "New", IJAN="1"),
        known="2017-01-31",
    )  # fmt: skip
    assert load_table(COUNTRY, settings).rejects == 1
    seed = settings.seeds / "census_partners.csv"
    header, *_ = seed.read_text(encoding="utf-8").splitlines()
    cells = {"census_code": "9990", "partner_code": "census:9990", "partner_name": "New"}
    row = ",".join(cells.get(column, "") for column in header.split(","))
    with seed.open("a", encoding="utf-8") as out:
        out.write(row + "\n")
    result = load_table(COUNTRY, settings)
    assert (result.written, result.rejects) == (("2017-01",), 0)
    assert read(settings, "snapshots__rejects").is_empty()


def test_a_release_that_is_gone_leaves_no_rows(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    gone = put_country(settings, "2018-01", korea("10.6"), korea("x"), known="2018-01-31")
    load_table(COUNTRY, settings)
    shutil.rmtree(gone)
    assert load_table(COUNTRY, settings).removed == ("2018-01",)
    assert read(settings, COUNTRY.table)["release_id"].unique().to_list() == ["2017-01"]
    assert read(settings, "snapshots__rejects").is_empty()


def test_rejects_are_stored_with_file_line_column_value_and_reason(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5", EJAN="n.a."), known="2017-01-31")
    assert load_table(COUNTRY, settings).rejects == 1
    frame = read(settings, "snapshots__rejects")
    assert dict(frame.schema) == REJECTS_SCHEMA
    [(*place, reason)] = frame.rows()
    assert place == [
        "us_census",
        COUNTRY.table,
        "2017-01",
        "us_census/2017-01/country.csv",
        2,
        "EJAN",
        "n.a.",
    ]
    assert numbers_in(reason) == ["6"]
    assert read(settings, COUNTRY.table).height == 2


def test_duplicate_keys_are_found_across_the_files_of_a_release(settings: Settings) -> None:
    write_release(
        settings.shipped_snapshots,
        "us_census",
        "2017-01",
        {
            "one.csv": (COUNTRY.table, LAYOUT, country_bytes(korea("10.5", EJAN="1"))),
            "two.csv": (COUNTRY.table, LAYOUT, country_bytes(korea("10.5", EJAN="2"))),
        },
    )
    result = load_table(COUNTRY, settings)
    assert read(settings, COUNTRY.table).select("snapshot_file", "column_name").rows() == [
        ("us_census/2017-01/one.csv", "IJAN"),
        ("us_census/2017-01/one.csv", "IYR"),
    ]
    rejects = read(settings, "snapshots__rejects")
    assert result.rejects == rejects.height == 3
    # Two rows of one key that contradict each other, and a repetition of row 2.
    contradict = pl.col("column_name") == "EJAN"
    assert [
        (file, numbers_in(reason))
        for file, reason in rejects.filter(contradict).select("snapshot_file", "reason").rows()
    ] == [
        ("us_census/2017-01/one.csv", ["2", "2"]),
        ("us_census/2017-01/two.csv", ["2", "2"]),
    ]
    [(file, reason)] = rejects.remove(contradict).select("snapshot_file", "reason").rows()
    assert (file, numbers_in(reason)) == ("us_census/2017-01/two.csv", ["2"])


def change_bytes(folder: Path) -> None:
    path = folder / "country.csv"
    path.write_bytes(path.read_bytes().replace(b"10.6", b"10.7"))


def name_an_unknown_layout(folder: Path) -> None:
    text = (folder / "sidecar.json").read_text()
    (folder / "sidecar.json").write_text(text.replace(LAYOUT, "census_new_file"))


def replace_content(content: bytes) -> Callable[[Path], None]:
    def replace(folder: Path) -> None:
        write_release(
            folder.parent.parent,
            "us_census",
            folder.name,
            {"country.csv": (COUNTRY.table, LAYOUT, content)},
            known_from="2018-01-31",
        )

    return replace


WHOLE = country_bytes(korea("10.6"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_bytes, "2018-01/country.csv"),
        (name_an_unknown_layout, "census_new_file.*us_census__country_file"),
        (replace_content(b""), "2018-01/country.csv"),
        (replace_content(b"<html>no</html>"), "2018-01/country.csv.*<html>"),
        (replace_content(WHOLE[:-5]), "country.csv, line 2"),
        (replace_content(WHOLE.replace(b"IMAR,", b"")), "line 1.*IMAR"),
        (replace_content(WHOLE.replace(b"Korea", b"Cor\xe9e")), "line 2.*0xe9"),
        (replace_content(WHOLE.replace(b"5800", b"9999")), r"country.csv.*row 2"),
        (replace_content(gzip.compress(WHOLE)[:-5]), "2018-01/country.csv.*gzip"),
    ],
)
def test_a_release_that_cannot_be_used_leaves_the_others(
    settings: Settings, damage: Callable[[Path], None], message: str
) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    folder = put_country(settings, "2018-01", korea("10.6"), known="2018-01-31")
    load_table(COUNTRY, settings)
    damage(folder)
    for _ in range(2):
        result = load_table(COUNTRY, settings)
        [(release, reason)] = result.unusable.items()
        assert re.search(message, reason)
        assert set(result.releases) == {"2017-01", "2018-01"} - {release}
        assert set(read(settings, COUNTRY.table)["release_id"]) == set(result.releases)
        rejects = read(settings, "snapshots__rejects")
        assert rejects.select("release_id", "row_number", "reason").rows() == [
            (release, None, reason)
        ]
    # Corrected, it is read again.
    shutil.rmtree(folder)
    put_country(settings, "2018-01", korea("10.6"), known="2018-01-31")
    assert (load_table(COUNTRY, settings).unusable, table_rejects(settings)) == ({}, 0)


def test_a_packed_file_is_read_like_the_plain_one(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    load_table(COUNTRY, settings)
    plain = read(settings, COUNTRY.table)
    packed = gzip.compress(country_bytes(korea("10.5")))
    replace_content(packed)(settings.shipped_snapshots / "us_census" / "2017-01")
    load_table(COUNTRY, settings)
    assert (
        read(settings, COUNTRY.table).drop("snapshot_sha256").equals(plain.drop("snapshot_sha256"))
    )


def test_a_file_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(bytes(9 * blocks.BLOCK))
    monkeypatch.setattr(blocks, "LARGEST", 2 * blocks.BLOCK)
    with pytest.raises(SnapshotError, match=r"bomb.csv.*8,388,608"):
        blocks.unpacked(packed, "bomb.csv")


def test_a_broken_parquet_file_is_written_anew(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    load_table(COUNTRY, settings)
    part = settings.raw / COUNTRY.table / "release_id=2017-01" / "part-0.parquet"
    part.write_bytes(part.read_bytes()[:50])
    assert load_table(COUNTRY, settings).written == ("2017-01",)
    assert read(settings, COUNTRY.table).height == 2


def test_a_table_that_no_release_fills_still_exists(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    entry = table_named("un_comtrade__trade")
    assert load_table(entry, settings).rows == 0
    frame = read(settings, entry.table)
    assert (dict(frame.schema), frame.height) == (dict(entry.schema), 0)


def test_a_sidecar_may_only_name_tables_of_its_source(settings: Settings) -> None:
    content_row = korea("1")
    content = country_bytes(content_row)
    files = {"country.csv": ("us_census__country_list", LAYOUT, content)}
    write_release(settings.shipped_snapshots, "us_census", "2017-01", files)
    put_country(settings, "2018-01", content_row, known="2018-01-31")
    result = load_snapshot_index(settings)
    assert list(result.unusable) == ["us_census/2017-01"]
    assert result.rows == 1


def test_releases_under_the_data_home_are_read_beside_the_shipped_ones(settings: Settings) -> None:
    put_country(settings, "2017-01", korea("10.5"), known="2017-01-31")
    write_release(
        settings.data_home / "snapshots",
        "us_census",
        "2018-01",
        {"country.csv": (COUNTRY.table, LAYOUT, country_bytes(korea("10.6")))},
        known_from="2018-01-31",
    )
    assert load_table(COUNTRY, settings).releases == ("2017-01", "2018-01")


def test_duplicates_of_other_layouts_are_found_too(settings: Settings) -> None:
    same = comtrade_row()
    other = comtrade_row(primaryValue=1.0, cifvalue=1.0)
    files = {
        "data.json": (
            "un_comtrade__trade",
            "comtrade_v1",
            comtrade_bytes(comtrade_row(period="2015", refYear=2015), same, other),
        )
    }
    write_release(settings.shipped_snapshots, "un_comtrade", "2017-01", files)
    result = load_table(table_named("un_comtrade__trade"), settings)
    assert (result.rows, result.rejects) == (1, 2)
    claims = {"claims.csv": ("articles__claims", "claims", claims_bytes({}, {"value": "1"}))}
    write_release(settings.shipped_snapshots, "articles", "2017-01", claims)
    [reason] = load_table(table_named("articles__claims"), settings).unusable.values()
    assert re.search(r"claims\.csv.*row 2", reason)


@pytest.mark.slow
def test_every_shipped_snapshot_loads_without_a_reject(project_root: Path, tmp_path: Path) -> None:
    settings = Settings(project_root=project_root, data_home=tmp_path, as_of=None)
    results = {result.table: result for result in load_all(settings)}
    assert set(results) == {"snapshots__files", *(entry.table for entry in (*CATALOG, *BULK))}
    for result in results.values():
        assert (result.rows > 0) == bool(result.releases), result.table
        assert result.rejects == 0, result.table
    for entry in CATALOG:
        frame = read(settings, entry.table)
        assert dict(frame.schema) == dict(entry.schema)
        assert frame.height == results[entry.table].rows
        assert (
            not frame.select(pl.struct("release_id", *entry.primary_key).is_duplicated())
            .to_series()
            .any()
        )
    files = read(settings, "snapshots__files")
    assert dict(files.schema) == SNAPSHOT_FILES_SCHEMA
    assert files["bytes"].max() < 1_000_000
    again = load_all(settings)
    assert [result.written for result in again] == [()] * len(again)


def test_every_catalog_entry_can_be_keyed_and_named() -> None:
    assert len({entry.table for entry in CATALOG}) == len(CATALOG)
    for entry in CATALOG:
        assert entry.table.startswith(f"{entry.source_id}__")
        assert set(entry.primary_key) <= set(entry.columns)
        assert entry.layouts
    with pytest.raises(KeyError, match="'x'"):
        table_named("x")
