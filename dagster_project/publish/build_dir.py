"""The working directory and the inputs of one build: locking, retries and clean-up."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dagster_project.publish.audit import AuditFailed, FinishedBuild
from dagster_project.publish.dbt_project import BUILD_FILE_NAME, read_json
from dagster_project.publish.fingerprint import input_hash, same_code
from dagster_project.settings import Settings
from dagster_project.sources.catalog import load_all

_LOCK = "held"
_INPUTS = "inputs.json"


# The raw folders that this process has locked.
_raw_locked: set[Path] = set()


@dataclass
class BuildDir:
    """The folder of one build; two builds never share a file.

    A retry works in the folder of the run it retries, if the code is the same. `input_hash` says
    from which inputs the models are made.
    """

    folder: Path
    run_id: str
    input_hash: str
    code_version: str

    @property
    def file(self) -> Path:
        return self.folder / BUILD_FILE_NAME

    @property
    def target(self) -> Path:
        return self.folder / "target"

    def settle_inputs(self, settings: Settings, *, is_loaded: bool) -> None:
        """Load releases that arrived since this run loaded its raw tables, and record the inputs.

        Afterwards the build reads only raw tables, which its lock keeps unchanged; a release that
        arrives later waits for the next build. `is_loaded` is false for a retry.

        Raises:
            AuditFailed: the code changed, so this process may not run the code that was hashed.
        """
        found = input_hash(settings)
        while not is_loaded or found != self.input_hash:
            self.require_same_code(found)
            load_all(settings)
            is_loaded = True
            self.input_hash = found
            self.write_inputs()
            found = input_hash(settings)

    def require_same_code(self, found: str) -> None:
        """Refuse to continue with code other than that with which this build started.

        Raises:
            AuditFailed: `found`, the hash of the inputs, includes other code.
        """
        if not same_code(found, self.input_hash):
            raise AuditFailed(("The code or the models changed during the build; build again.",))

    def write_inputs(self) -> None:
        inputs = json.dumps({"input_hash": self.input_hash})
        (self.folder / _INPUTS).write_text(inputs, encoding="utf-8")

    def clear(self) -> None:
        """Remove what an earlier attempt left, so that it is not mistaken for a result."""
        shutil.rmtree(self.target, ignore_errors=True)
        _remove_file(self.folder)

    def results(self) -> Mapping[str, Mapping[str, Any]]:
        return read_results(self.target)

    def finished(self) -> FinishedBuild:
        """The output of dbt, for the audit.

        Raises:
            AuditFailed: dbt did not run here.
        """
        if not (self.target / "run_results.json").is_file():
            raise AuditFailed(("This run built no models; run the whole job.",))
        manifest = json.loads((self.target / "manifest.json").read_bytes())
        return FinishedBuild(
            file=self.file,
            run_id=self.run_id,
            manifest=manifest,
            results=self.results(),
            input_hash=self.input_hash,
            code_version=self.code_version,
        )

    def mark_done(self) -> None:
        """Mark the folder for removal once it is unlocked."""
        (self.folder / _INPUTS).unlink(missing_ok=True)


def read_results(target: Path) -> Mapping[str, Mapping[str, Any]]:
    """The result of each dbt step by unique id; empty if dbt did not finish."""
    path = target / "run_results.json"
    if not path.is_file():
        return {}
    return {step["unique_id"]: step for step in json.loads(path.read_bytes())["results"]}


@contextmanager
def open_build_dir(
    settings: Settings, run_id: str, *, input_hash: str, code_version: str
) -> Generator[BuildDir]:
    """Lock a folder and the raw tables for one build; afterwards keep the latest failed build.

    Waits while another build, or a load of raw tables, is running.
    """
    build_dir = BuildDir(settings.builds / run_id, run_id, input_hash, code_version)
    with _registry_lock(settings):
        build_dir.folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(build_dir.folder)
    if lock is None:
        raise RuntimeError(f"Run {run_id} is already building in {build_dir.folder}.")
    try:
        with raw_lock(settings, alone=True):
            earlier = (read_json(build_dir.folder / _INPUTS) or {}).get("input_hash", "")
            if earlier and same_code(earlier, input_hash):
                build_dir.input_hash = earlier
            else:
                _empty(build_dir.folder)
                build_dir.write_inputs()
            yield build_dir
    finally:
        lock.close()
        sweep(settings, keep_failed=(build_dir.folder / _INPUTS).is_file())


@contextmanager
def raw_lock(settings: Settings, *, alone: bool) -> Generator[None]:
    """Keep other processes from changing the raw tables, and wait for those that do.

    Loads of single tables run side by side; a build runs `alone`, from its first table until its
    models are published. Steps of one process share its lock.
    """
    if settings.raw in _raw_locked:
        yield
        return
    settings.raw.mkdir(parents=True, exist_ok=True)
    # Lock the folder itself, so that no lock file remains in it.
    folder = os.open(settings.raw, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        _raw_locked.add(settings.raw)
        yield
    finally:
        _raw_locked.discard(settings.raw)
        os.close(folder)


def is_building(settings: Settings) -> bool:
    """Whether another process is building or loading raw tables."""
    if not settings.raw.is_dir():
        return False
    folder = os.open(settings.raw, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def drop_build_file(settings: Settings, run_id: str) -> None:
    """Remove the database of a build that filled the disk; only its log is kept."""
    _remove_file(settings.builds / run_id)


def _remove_file(folder: Path) -> None:
    """Remove the database file of a build, its write-ahead log and its spilled data."""
    for path in folder.glob(f"{BUILD_FILE_NAME}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sweep(settings: Settings, *, keep_failed: bool) -> None:
    """Remove the folders of builds that are not running; `keep_failed` keeps the latest failed one.

    It is kept for inspection and for a retry until a build succeeds. If no build is
    running, incomplete files of years are removed too.
    """
    with _registry_lock(settings):
        folders = [folder for folder in settings.builds.iterdir() if folder.is_dir()]
        abandoned = {folder: lock for folder in folders if (lock := _lock(folder)) is not None}
        if len(abandoned) == len(folders):
            for incomplete in settings.world.glob("tmp_*.parquet"):
                incomplete.unlink(missing_ok=True)
        failed = [folder for folder in abandoned if (folder / _INPUTS).is_file()]
        latest = max(failed, key=lambda folder: folder.stat().st_mtime, default=None)
        for folder, lock in abandoned.items():
            if folder != latest or not keep_failed:
                shutil.rmtree(folder, ignore_errors=True)
            lock.close()


@contextmanager
def _registry_lock(settings: Settings) -> Generator[None]:
    """Lock all folders while one is added or removed, so that a new one is not removed."""
    settings.builds.mkdir(parents=True, exist_ok=True)
    # Lock the folder itself, so that no lock file remains in it.
    folder = os.open(settings.builds, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _lock(folder: Path) -> IO[str] | None:
    """Lock a folder for this process; the kernel releases it when the process ends."""
    handle = (folder / _LOCK).open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == _LOCK:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
