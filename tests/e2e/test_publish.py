"""Tests that a publication is complete or leaves the previous one."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
from e2e.stand_in import MODEL, QUESTION, TEST, identity, make_build

from dagster_project.publish.audit import AuditFailed, FinishedBuild
from dagster_project.publish.fingerprint import is_current
from dagster_project.publish.publication import publish, publish_lock
from dagster_project.sandbox.connection import Sandbox
from dagster_project.settings import Settings
from dagster_project.warehouse import (
    PublishedReader,
    QueryRefused,
    WarehouseError,
    WarehouseMissing,
    connect_answering,
    connect_published,
    is_served,
    read_publication,
)

Build = Callable[..., FinishedBuild]


def generation_of(settings: Settings) -> int:
    connection = connect_published(settings)
    try:
        return connection.execute("select max(generation) from marts.figures").fetchone()[0]
    finally:
        connection.close()


def remains(settings: Settings) -> list[str]:
    """What a publication must not leave beside the published file."""
    return sorted(
        path.name
        for path in settings.data_home.iterdir()
        if ".tmp" in path.name or path.suffix == ".wal"
    )


def test_nothing_published_says_to_build(settings: Settings) -> None:
    with pytest.raises(WarehouseMissing, match="make build"):
        connect_published(settings)
    assert read_publication(settings) is None


@pytest.mark.slow
def test_publication_row_says_what_was_published(settings: Settings, build: Build) -> None:
    outcome = publish(settings, build(run_id="first"))
    publication = read_publication(settings)
    assert outcome.published
    assert outcome.rows == {"answers": 0, "figures": 2000}
    assert publication is not None
    assert publication.run_id == "first"
    assert publication.content_hash == outcome.content_hash
    assert publication.input_hash == "inputs of 1"
    assert publication.releases == {"s": ["2016-01", "2017-01"]}
    assert remains(settings) == []


@pytest.mark.slow
def test_meta_carries_rejects_questions_and_comments(settings: Settings, build: Build) -> None:
    publish(settings, build())
    connection = connect_published(settings)
    assert connection.execute("select reason from meta.rejects").fetchall() == [
        ("a word where a number belongs",)
    ]
    assert connection.execute(
        "select ordinal, model_name, relation_name, compiled_sql, is_input"
        " from meta.question_models order by ordinal"
    ).fetchall() == [
        (1, "figures", '"warehouse"."marts"."figures"', "select * from figures_of_another", True),
        (2, "answers", '"warehouse"."marts"."answers"', "select * from answers_of_another", False),
    ]
    assert connection.execute("from meta.keys").fetchall() == [("figures", ["figure_id"])]
    (uncommented,) = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'meta' and comment is null"
    ).fetchone()
    assert uncommented == 0
    connection.close()


@pytest.mark.slow
def test_exports_hold_the_marts_and_their_hash(settings: Settings, build: Build) -> None:
    outcome = publish(settings, build())
    assert is_served(settings, outcome.content_hash, "inputs of 1")
    assert pl.read_parquet(settings.exports / "figures.parquet").height == 2000
    stored = dict(
        duckdb.sql(
            "select decode(key), decode(value) from"
            f" parquet_kv_metadata('{settings.exports}/figures.parquet')"
        ).fetchall()
    )
    assert stored["content_hash"] == outcome.content_hash


@pytest.mark.slow
def test_same_content_is_not_published_again(settings: Settings, build: Build) -> None:
    first = publish(settings, build(run_id="first"))
    inode = settings.warehouse.stat().st_ino
    second = publish(settings, build(run_id="second"))
    assert not second.published
    assert second.content_hash == first.content_hash
    assert settings.warehouse.stat().st_ino == inode
    assert read_publication(settings).run_id == "first"


@pytest.mark.slow
def test_content_hash_does_not_depend_on_the_order_of_rows(
    settings: Settings, build: Build
) -> None:
    first = publish(settings, build())
    second = publish(settings, build(reverse=True))
    assert second.content_hash == first.content_hash
    assert not second.published


@pytest.mark.slow
def test_content_hash_sees_one_doubled_row(settings: Settings, build: Build) -> None:
    first = publish(settings, build())
    doubled = build()
    with duckdb.connect(str(doubled.file)) as connection:
        connection.execute("insert into marts.figures from marts.figures where figure_id = 7")
    assert publish(settings, doubled).content_hash != first.content_hash


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(null::varchar[])", "([]::varchar[])"),
        ("(['a', null])", "([null, 'a'])"),
        ("([['a'], ['b']])", "([['a', 'b']])"),
        ("(null::varchar)", "('')"),
        ("('a', 'b'), ('c', 'd')", "('a', 'd'), ('c', 'b')"),
        ("('a', 'b')", "('b', 'a')"),
        ("('a', null)", "(null, 'a')"),
    ],
)
def test_content_hash_sees_any_other_value(
    settings: Settings, build: Build, before: str, after: str
) -> None:
    hashes = []
    for rows in (before, after):
        one = build()
        with duckdb.connect(str(one.file)) as connection:
            connection.execute(f"create table marts.others as from (values {rows})")
        hashes.append(publish(settings, one).content_hash)
    assert hashes[0] != hashes[1]


@pytest.mark.slow
def test_same_marts_from_other_inputs_are_published(settings: Settings, build: Build) -> None:
    publish(settings, build(run_id="first"))
    assert publish(settings, build(run_id="second", input_hash="other SQL")).published
    assert read_publication(settings).run_id == "second"


@pytest.mark.slow
def test_lost_exports_are_written_again(settings: Settings, build: Build) -> None:
    outcome = publish(settings, build())
    settings.exports.unlink()
    assert publish(settings, build()).published
    assert is_served(settings, outcome.content_hash, "inputs of 1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statuses", "named"),
    [
        (
            {TEST: "fail"},
            r"figures_are_whole .*fail.*\[problem several rows have one key, figure_id 7\]",
        ),
        ({TEST: ""}, "figures_are_whole"),
        ({QUESTION: "skipped"}, "answers .*skipped"),
        ({MODEL: "error"}, "figures .*error"),
        ({"operation.bilateral.hook": "error"}, r"operation\.bilateral\.hook .*error"),
    ],
)
def test_failed_audit_leaves_what_is_published(
    settings: Settings, build: Build, statuses: dict[str, str], named: str
) -> None:
    publish(settings, build())
    before = identity(settings)
    with pytest.raises(AuditFailed, match=named):
        publish(settings, build(generation=2, statuses=statuses))
    assert identity(settings) == before
    assert generation_of(settings) == 1


def test_a_model_that_left_no_table_is_not_published(settings: Settings, build: Build) -> None:
    finished = build()
    with duckdb.connect(str(finished.file)) as connection:
        connection.execute("drop table marts.answers")
    with pytest.raises(AuditFailed, match=r"marts\.answers"):
        publish(settings, finished)
    assert not settings.warehouse.exists()


@pytest.mark.slow
def test_stray_log_beside_the_published_file_is_removed(settings: Settings, build: Build) -> None:
    publish(settings, build())
    stray = settings.warehouse.with_name("warehouse.duckdb.wal")
    stray.write_bytes(b"left by somebody who opened the file for writing")
    publish(settings, build(generation=2))
    assert not stray.exists()
    assert generation_of(settings) == 2


@pytest.mark.slow
def test_files_of_years_that_are_gone_are_published_again(settings: Settings) -> None:
    """Those of a data home that was moved are: the views say where they were."""
    settings.world.mkdir(parents=True)
    year, remade = (
        settings.world / "cells.2016.01.parquet",
        settings.world / "cells.2016.02.parquet",
    )

    def of_a_year(year: Path) -> FinishedBuild:
        made = make_build(settings, input_hash="same")
        pl.DataFrame({"usd": [1.0]}).write_parquet(year)
        with duckdb.connect(str(made.file)) as connection:
            connection.execute("create schema by_year")
            connection.execute(f"create table by_year.files as select '{year}' as file")
            connection.execute(f"create view marts.cells as from read_parquet('{year}')")
        return made

    assert publish(settings, of_a_year(year)).published
    assert not publish(settings, of_a_year(year)).published
    assert is_current(settings, "same")
    year.unlink()
    assert not is_current(settings, "same")
    with Sandbox(settings) as sandbox:
        with pytest.raises(QueryRefused, match="bilateral build"):
            sandbox.execute("from marts.cells")
        with pytest.raises(QueryRefused) as refused:
            sandbox.execute("from read_parquet('/etc/other.parquet')")
        assert "bilateral build" not in str(refused.value)
    assert publish(settings, of_a_year(remade)).published
    assert is_current(settings, "same")


@pytest.mark.slow
def test_a_damaged_file_is_named(settings: Settings, build: Build) -> None:
    publish(settings, build())
    settings.warehouse.write_bytes(settings.warehouse.read_bytes()[:5000])
    with pytest.raises(WarehouseError, match="make build"):
        connect_published(settings)


@pytest.mark.slow
def test_open_reader_keeps_its_file_and_the_helper_follows(
    settings: Settings, build: Build
) -> None:
    publish(settings, build())
    open_before = connect_published(settings)
    following = PublishedReader(settings)
    question = "select max(generation) from marts.figures"
    assert following.cursor().execute(question).fetchone() == (1,)
    publish(settings, build(generation=2))
    assert open_before.execute(question).fetchone() == (1,)
    assert following.cursor().execute(question).fetchone() == (2,)
    assert generation_of(settings) == 2
    following.close()


@pytest.mark.slow
def test_answering_writes_to_memory_only(settings: Settings, build: Build) -> None:
    publish(settings, build())
    before = settings.warehouse.read_bytes()
    connection = connect_answering(settings)
    connection.execute("create table mine as select * from warehouse.marts.figures limit 3")
    assert connection.execute("select count(*) from mine").fetchone() == (3,)
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        connection.execute("create table warehouse.marts.mine as select 1")
    connection.close()
    assert settings.warehouse.read_bytes() == before


def _read_throughout(
    settings: Settings, stop: multiprocessing.Event, report: multiprocessing.Queue
) -> None:
    torn, reads, seen = 0, 0, set()
    errors = []
    while not stop.is_set():
        try:
            connection = connect_published(settings)
            rows, generations, highest = connection.execute(
                "select count(*), count(distinct generation), max(generation) from marts.figures"
            ).fetchone()
            connection.close()
            if (rows, generations) != (2000, 1):
                torn += 1
            exported = pl.scan_parquet(settings.exports / "figures.parquet")
            if exported.select(pl.col("generation").n_unique()).collect().item() != 1:
                torn += 1
            seen.add(highest)
            reads += 1
        except Exception as error:  # every kind of failure is one too many
            errors.append(repr(error))
    report.put((torn, reads, len(seen), errors))


def _publish_many(settings: Settings, first: int, count: int) -> None:
    for generation in range(first, first + count):
        publish(settings, make_build(settings, generation=generation, run_id=f"run{first}"))


@pytest.mark.slow
def test_readers_never_fail_while_two_processes_publish(settings: Settings) -> None:
    _publish_many(settings, 1, 1)
    spawn = multiprocessing.get_context("spawn")
    stop, report = spawn.Event(), spawn.Queue()
    reader = spawn.Process(target=_read_throughout, args=(settings, stop, report))
    writers = [
        spawn.Process(target=_publish_many, args=(settings, first, 15)) for first in (100, 200)
    ]
    for process in (reader, *writers):
        process.start()
    for writer in writers:
        writer.join(timeout=120)
    stop.set()
    torn, reads, generations_seen, errors = report.get(timeout=30)
    reader.join(timeout=30)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert errors == []
    assert torn == 0
    # Guards against a reader that slept through it all.
    assert reads > 20
    assert generations_seen > 2
    assert remains(settings) == []


_ENDLESS = """
import sys
from pathlib import Path
from e2e.stand_in import make_build
from dagster_project.publish.publication import publish
from dagster_project.settings import PROJECT_ROOT, Settings
settings = Settings(PROJECT_ROOT, Path(sys.argv[1]), None)
generation = 1000
print("started", flush=True)
while True:
    generation += 1
    publish(settings, make_build(settings, generation=generation, run_id="killed"))
"""


@pytest.mark.slow
def test_killed_publisher_leaves_the_file_served_and_no_lock(
    settings: Settings, build: Build
) -> None:
    publish(settings, build())
    dice = random.Random(20170712)
    tests = Path(__file__).parent.parent
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", _ENDLESS, str(settings.data_home)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tests)},
        )
        process.stdout.readline()
        time.sleep(dice.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert generation_of(settings) == 1 or generation_of(settings) > 1000
    # The lock is free and what the killed ones left is cleared away.
    with publish_lock(settings):
        pass
    assert publish(settings, build(generation=2)).published
    assert generation_of(settings) == 2
    assert remains(settings) == []
