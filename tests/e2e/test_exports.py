"""Tests that exports leave out non-redistributable rows and carry the terms of the rest."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.publish.exports import LICENCES, write_exports

Flags = dict[tuple[str, str], bool]

# Ids that begin with one another, and a source whose name ends with another's.
RELEASES = (
    ("office", "2017"),
    ("office", "2017-01"),
    ("office", "2017-01-31-ab12"),
    ("office", "v1"),
    ("office", "v1.2"),
    ("un_office", "2017"),
    ("un_office", "2017-01"),
)


def key(releases: tuple[tuple[str, str], ...]) -> str:
    return " + ".join(" ".join(one) for one in releases)


def export(folder: Path, flags: Flags, rows: list[tuple[tuple[str, str], ...]]) -> Path:
    """Marts whose rows are based on the given releases, recorded differently in each."""
    pl.DataFrame(
        {
            "source_id": [source for source, _ in flags],
            "release_id": [release for _, release in flags],
            "licence": [f"terms of {source}, {flag}" for (source, _), flag in flags.items()],
            "redistributable": list(flags.values()),
        }
    ).write_parquet(folder / "files.parquet")
    build = folder / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.releases (source_id varchar, release_id varchar, licence varchar)"
        )
        _write_keys(connection, "('releases', ['source_id', 'release_id'])")
        connection.executemany("insert into marts.releases values (?, ?, 'x')", list(flags))
        connection.execute("create table marts.countries (partner_code varchar)")
        connection.execute("insert into marts.countries values ('KOR'), ('office')")
        connection.execute(
            "create table marts.raw_references"
            " (reference_id bigint, observation_id bigint, source_id varchar, release_id varchar)"
        )
        connection.executemany(
            "insert into marts.raw_references values (?, ?, ?, ?)",
            [(n, n, *release) for n, release in enumerate(RELEASES)],
        )
        for name, columns in {
            "keys": "n int, a_release_key varchar",
            "steps": "n int, evidence bigint[]",
            "sentences": "n int, reason varchar",
            "figures": "n int, source_id varchar, release_id varchar, previous_release_id varchar",
        }.items():
            connection.execute(f"create table marts.{name} ({columns})")
        for n, row in enumerate(rows):
            connection.execute("insert into marts.keys values (?, ?)", [n, key(row)])
            connection.execute(
                "insert into marts.steps values (?, ?)", [n, [RELEASES.index(one) for one in row]]
            )
            connection.execute(
                "insert into marts.sentences values (?, ?)",
                [n, f"The cif basis gives 15.1 USD bn ({key(row)})"],
            )
            if len({source for source, _ in row}) == 1:
                connection.execute(
                    "insert into marts.figures values (?, ?, ?, ?)",
                    [n, row[0][0], row[0][1], row[1][1] if len(row) > 1 else None],
                )
    out = folder / "exports"
    out.mkdir()
    write_exports(build, out, f"'{folder}/files.parquet'", {"content_hash": "it's"})
    return out


def _write_keys(connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    connection.execute("create schema meta")
    connection.execute("create table meta.keys (table_name varchar, key_columns varchar[])")
    connection.execute(f"insert into meta.keys values {rows}")


def numbers(out: Path, table: str) -> set[int]:
    return set(pl.read_parquet(out / f"{table}.parquet")["n"])


def metadata(file: Path) -> dict[str, str]:
    return dict(
        duckdb.sql(
            f"select decode(key), decode(value) from parquet_kv_metadata('{file}')"
        ).fetchall()
    )


@pytest.mark.slow
@settings(max_examples=25)
@given(
    flags=st.fixed_dictionaries({release: st.booleans() for release in RELEASES}),
    rows=st.lists(
        st.lists(st.sampled_from(RELEASES), min_size=1, max_size=2, unique=True).map(tuple),
        min_size=1,
        max_size=8,
    ),
)
def test_a_row_is_exported_when_all_its_releases_may_be(
    flags: Flags, rows: list[tuple[tuple[str, str], ...]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = export(Path(folder), flags, rows)
        expected = {n for n, row in enumerate(rows) if all(flags[one] for one in row)}
        for table in ("keys", "steps", "sentences"):
            assert numbers(out, table) == expected, table
            withheld = int(metadata(out / f"{table}.parquet")["rows_withheld"])
            assert withheld == len(rows) - len(expected)
            named = {
                (one["source_id"], release)
                for one in json.loads(metadata(out / f"{table}.parquet")["licences"])
                for release in one["releases"]
            }
            assert named == {one for n in expected for one in rows[n]}
        of_one_source = {n for n, row in enumerate(rows) if len({s for s, _ in row}) == 1}
        assert numbers(out, "figures") == expected & of_one_source


def test_what_describes_releases_and_places_is_exported_whole(tmp_path: Path) -> None:
    out = export(tmp_path, dict.fromkeys(RELEASES, False), [RELEASES[:1]])
    assert pl.read_parquet(out / "releases.parquet").height == len(RELEASES)
    assert pl.read_parquet(out / "countries.parquet").height == 2
    assert numbers(out, "keys") == set()


def test_licences_say_what_was_withheld_from_which_table(tmp_path: Path) -> None:
    flags = {("office", "2017"): True, ("un_office", "2017"): False}
    out = export(tmp_path, flags, [(("office", "2017"),), (("un_office", "2017"),), tuple(flags)])
    with (out / LICENCES).open(encoding="utf-8") as handle:
        rows = {row["source_id"]: row for row in csv.DictReader(handle)}
    assert rows["office"]["is_redistributable"] == "true"
    assert rows["office"]["rows_withheld"] == ""
    assert rows["un_office"]["licence"] == "terms of un_office, False"
    assert rows["un_office"]["releases"] == "2017"
    assert (
        rows["un_office"]["rows_withheld"]
        == "figures=1 keys=2 raw_references=1 sentences=2 steps=2"
    )


def test_metadata_keeps_quotes(tmp_path: Path) -> None:
    out = export(tmp_path, {("office", "2017"): True}, [(("office", "2017"),)])
    assert metadata(out / "keys.parquet")["content_hash"] == "it's"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source_may", "folder", "kept"),
    [(True, "typed/1", 1), (False, "typed/1", 0), (True, "secret/1", 0)],
)
def test_a_quoted_publisher_follows_its_source_and_the_file_it_was_typed_into(
    tmp_path: Path, source_may: bool, folder: str, kept: int
) -> None:
    pl.DataFrame(
        {
            "source_id": ["typed", "secret"],
            "release_id": ["1", "1"],
            "licence": ["facts", "ours"],
            "redistributable": [True, False],
        }
    ).write_parquet(tmp_path / "files.parquet")
    build = tmp_path / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.sources as select 'ministry' as source_id, 'quoted' as licence,"
            f" {source_may} as is_redistributable, 'https://example.org/' as address"
        )
        connection.execute(
            "create table marts.observations as select 'ministry' as source_id,"
            f" '2018' as release_id, '{folder}/figures.csv' as snapshot_file"
        )
        connection.execute("create table marts.balances as select 'ministry 2018' as release_key")
        _write_keys(connection, "('sources', ['source_id'])")
    out = tmp_path / "exports"
    out.mkdir()
    write_exports(build, out, f"'{tmp_path}/files.parquet'", {})
    assert pl.read_parquet(out / "observations.parquet").height == kept
    assert pl.read_parquet(out / "balances.parquet").height == kept
