"""A build is made from one state of the releases, whatever arrives meanwhile."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from dagster_project.publish import build_dir
from dagster_project.publish.audit import AuditFailed
from dagster_project.publish.build_dir import is_building, open_build_dir, raw_lock
from dagster_project.publish.fingerprint import input_hash, same_code
from dagster_project.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    at = Settings(tmp_path / "project", tmp_path / "home", None)
    at.dbt_project.mkdir(parents=True)
    (at.dbt_project / "model.sql").write_text("select 1")
    add_release(at, "2017-01")
    return at


def add_release(settings: Settings, name: str) -> None:
    folder = settings.fetched_snapshots / "us_census" / name
    folder.mkdir(parents=True)
    (folder / "country.csv").write_text(name)


def test_a_release_changes_one_half_of_the_hash_and_the_code_the_other(settings: Settings) -> None:
    first = input_hash(settings)
    add_release(settings, ".2017-02.unfinished")
    assert input_hash(settings) == first
    add_release(settings, "2017-02")
    second = input_hash(settings)
    assert second != first
    assert same_code(first, second)
    (settings.dbt_project / "model.sql").write_text("select 2")
    third = input_hash(settings)
    assert third != second
    assert not same_code(second, third)


def test_what_arrives_while_raw_tables_load_is_loaded_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []

    def load(at: Settings) -> None:
        loads.append(input_hash(at))
        if len(loads) == 1:
            add_release(at, "2017-03")

    monkeypatch.setattr(build_dir, "load_all", load)
    with open_build_dir(
        settings, "run", input_hash=input_hash(settings), code_version="0"
    ) as folder:
        started_with = folder.input_hash
        folder.settle_inputs(settings, is_loaded=True)
        assert loads == []
        add_release(settings, "2017-02")
        folder.settle_inputs(settings, is_loaded=True)
        assert len(loads) == len(set(loads)) == 2
        assert folder.input_hash == input_hash(settings) != started_with


def test_a_retry_loads_for_itself_and_keeps_the_inputs_of_its_models(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Settings] = []
    monkeypatch.setattr(build_dir, "load_all", loads.append)
    first = input_hash(settings)
    with open_build_dir(settings, "run", input_hash=first, code_version="0"):
        pass
    add_release(settings, "2017-02")
    second = input_hash(settings)
    with open_build_dir(settings, "run", input_hash=second, code_version="0") as folder:
        # Its models may be made already.
        assert folder.input_hash == first
        folder.settle_inputs(settings, is_loaded=False)
        assert folder.input_hash == second
    assert loads == [settings]


def test_other_code_ends_the_build(settings: Settings) -> None:
    with open_build_dir(
        settings, "run", input_hash=input_hash(settings), code_version="0"
    ) as folder:
        (settings.dbt_project / "model.sql").write_text("select 2")
        with pytest.raises(AuditFailed, match="build again"):
            folder.settle_inputs(settings, is_loaded=True)


def _load(settings: Settings, ready: multiprocessing.Queue, alone: bool) -> None:
    ready.put("asked")
    with raw_lock(settings, alone=alone):
        ready.put("got")


@pytest.mark.slow
@pytest.mark.parametrize("alone", [True, False])
def test_raw_tables_do_not_change_under_a_build(settings: Settings, alone: bool) -> None:
    fork = multiprocessing.get_context("spawn")
    ready = fork.Queue()
    other = fork.Process(target=_load, args=(settings, ready, alone))
    with raw_lock(settings, alone=True):
        # Steps of this process go on.
        with raw_lock(settings, alone=False):
            assert is_building(settings)
        other.start()
        assert ready.get(timeout=60) == "asked"
        other.join(timeout=0.3)
        assert other.is_alive()
    assert ready.get(timeout=60) == "got"
    other.join()
    assert not is_building(settings)
