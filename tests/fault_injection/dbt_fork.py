"""Runs dbt in separate processes without importing it each time.

One process imports dbt and is forked for each build: what a build opens or remembers is gone
with it, as with a command of its own. It is the same dbt, by its programmatic entry point.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb.impl", __name__])


def run_dbt(folder: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> str:
    """Run one dbt command in a folder, and return its output."""
    process = _FORKS.Process(target=_invoke, args=(folder, dict(environment), list(arguments)))
    process.start()
    process.join()
    return (folder / "output").read_text(encoding="utf-8")


def _invoke(folder: Path, environment: dict[str, str], arguments: list[str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # Imported already in the process that this one was forked from.
    from dbt.cli.main import dbtRunner

    with (
        Path("output").open("w", encoding="utf-8") as out,
        redirect_stdout(out),
        redirect_stderr(out),
    ):
        dbtRunner().invoke(arguments)
