"""The folder in which one build works, and who may remove it."""

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
from dagster_project.publish.dbt_project import BUILD_FILE_NAME
from dagster_project.settings import Settings

_HELD = "held"
_INPUTS = "inputs.json"


@dataclass(frozen=True)
class BuildDir:
    """One build's own folder: two builds never share a file.

    A run that retries another works in the folder of that one, while the inputs are the same.
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

    def clear(self) -> None:
        """Begin with nothing: what an attempt before this one left could pass for built."""
        shutil.rmtree(self.target, ignore_errors=True)
        _remove_file(self.folder)

    def results(self) -> Mapping[str, Mapping[str, Any]]:
        return read_results(self.target)

    def finished(self) -> FinishedBuild:
        """What dbt left, for the audit.

        Raises:
            AuditFailed: dbt was not run here.
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
        """Nothing more is needed from here; the folder goes when it is let go of."""
        (self.folder / _INPUTS).unlink(missing_ok=True)


def read_results(target: Path) -> Mapping[str, Mapping[str, Any]]:
    """How each step of dbt ended, by its unique id; empty when dbt did not end."""
    path = target / "run_results.json"
    if not path.is_file():
        return {}
    return {step["unique_id"]: step for step in json.loads(path.read_bytes())["results"]}


@contextmanager
def open_build_room(
    settings: Settings, run_id: str, *, input_hash: str, code_version: str
) -> Generator[BuildDir]:
    """Hold a folder for the length of a build; leave at most the latest failed one behind."""
    room = BuildDir(settings.builds / run_id, run_id, input_hash, code_version)
    inputs = {"input_hash": input_hash}
    with _registry_lock(settings):
        room.folder.mkdir(parents=True, exist_ok=True)
        held = _hold(room.folder)
    if held is None:
        raise RuntimeError(f"Run {run_id} is already building in {room.folder}.")
    try:
        if _read_inputs(room.folder) != inputs:
            _empty(room.folder)
            (room.folder / _INPUTS).write_text(json.dumps(inputs), encoding="utf-8")
        yield room
    finally:
        held.close()
        sweep(settings, keep_failed=(room.folder / _INPUTS).is_file())


def drop_build_file(settings: Settings, run_id: str) -> None:
    """Of a build that a full disk has ended only the log is of use; the rest is in the way."""
    _remove_file(settings.builds / run_id)


def _remove_file(folder: Path) -> None:
    """The file of a build, its log of changes, and what did not fit into the memory."""
    for path in folder.glob(f"{BUILD_FILE_NAME}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sweep(settings: Settings, *, keep_failed: bool) -> None:
    """Remove the folders that nobody builds in, except perhaps the latest that failed.

    That one is kept to be looked into, and for a retry to publish from, until a build
    ends well. Where nobody builds at all, half-written files of years go too.
    """
    with _registry_lock(settings):
        folders = [folder for folder in settings.builds.iterdir() if folder.is_dir()]
        abandoned = {folder: held for folder in folders if (held := _hold(folder)) is not None}
        if len(abandoned) == len(folders):
            for begun in settings.world.glob("tmp_*.parquet"):
                begun.unlink(missing_ok=True)
        failed = [folder for folder in abandoned if (folder / _INPUTS).is_file()]
        latest = max(failed, key=lambda folder: folder.stat().st_mtime, default=None)
        for folder, held in abandoned.items():
            if folder != latest or not keep_failed:
                shutil.rmtree(folder, ignore_errors=True)
            held.close()


@contextmanager
def _registry_lock(settings: Settings) -> Generator[None]:
    """Held while folders come and go, so that a new one is not taken for abandoned."""
    settings.builds.mkdir(parents=True, exist_ok=True)
    # The folder itself is locked, so that no lock file is left in it.
    folder = os.open(settings.builds, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _hold(folder: Path) -> IO[str] | None:
    """Lock a folder for this process; the kernel lets go when the process dies."""
    handle = (folder / _HELD).open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def _read_inputs(folder: Path) -> Any:
    try:
        return json.loads((folder / _INPUTS).read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == _HELD:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
