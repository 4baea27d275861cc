"""Run one build from start to finish, as `bilateral build` does."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.publish.audit import GOOD_STATUSES, AuditFailed, failing_rows
from dagster_project.publish.build_dir import drop_build_file, read_results, sweep
from dagster_project.publish.dbt_project import BUILD_FILE_NAME
from dagster_project.publish.fingerprint import input_hash, is_current
from dagster_project.publish.publication import require_free_names
from dagster_project.settings import Settings
from dagster_project.sources.snapshot import SnapshotError, discover_releases
from dagster_project.warehouse import (
    WarehouseError,
    is_refused,
    published_record,
    read_publication,
)

if TYPE_CHECKING:
    import dagster as dg

    from dagster_project.defs.resources import BuildEvent


_WRAPPERS = frozenset({"DagsterExecutionStepExecutionError", "DagsterResourceFunctionError"})

# Raw tables are read by a pattern below the data home.
_PATTERN = re.compile(r"[*?\[\]]")

# Phrases in error messages about missing disk space; the last is DuckDB's, for spilled data.
_DISK_FULL = (
    *(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)),
    "max_temp_directory_size",
)


@dataclass(frozen=True)
class BuildOutcome:
    """The result of a build.

    `built` is false if the published warehouse already has these inputs. `published` is false if
    the content is the same, so that nothing was replaced. `is_overtaken` says that releases arrived
    meanwhile, which this build does not include.
    """

    built: bool
    published: bool
    content_hash: str
    run_id: str
    is_overtaken: bool = False


class BuildFailed(RuntimeError):
    """A build ended with an error; the message says which warehouse is served."""

    def __init__(
        self,
        problems: list[str],
        log: Path | None,
        added: Sequence[Path] = (),
        *,
        served: str = "the previous warehouse is still being served",
        full: Path | None = None,
    ) -> None:
        """`served` says what readers get now; `full` is the folder on the disk that is full."""
        self.problems = problems
        self.log = log
        super().__init__(
            f"The build failed; {served}:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
            + (f"\nFull log: {log}" if log else "")
            # New releases are not the cause of a full disk.
            + (_about_full_disk(full) if full else _about_added(added))
        )


def _about_full_disk(full: Path) -> str:
    return (
        f"\nNo space is left below {full}. Free some space and build again: incomplete files are"
        " removed, and completed years are not built again."
    )


def _about_added(added: Sequence[Path]) -> str:
    """The releases that the published warehouse lacks, one of which may be the cause."""
    if not added:
        return ""
    return (
        "\nReleases added since the last publication:\n"
        + "\n".join(f"  - {folder}" for folder in added)
        + "\nTo build without one of them, move its folder away."
    )


def run_build(
    settings: Settings,
    *,
    force: bool = False,
    on_event: Callable[[BuildEvent], None] | None = None,
    instance: dg.DagsterInstance | None = None,
) -> BuildOutcome:
    """Bring the published warehouse up to date with its inputs.

    Nothing runs if the inputs have not changed, unless `force` is set. The run is recorded in the
    given Dagster instance, by default that of the project.

    Raises:
        BuildFailed: a source could not be read, a model or a test failed, or the audit found a
        problem.
    """
    _require_usable_folders(settings)
    sweep(settings, keep_failed=True)
    # Otherwise the build would fail at its very end.
    require_free_names(settings)
    record = published_record(settings)
    if record and not force and is_current(settings, input_hash(settings)):
        return BuildOutcome(
            built=False,
            published=False,
            content_hash=record.publication["content_hash"],
            run_id=record.publication["run_id"],
        )
    return _run_job(settings, on_event or (lambda event: None), instance)


def _require_usable_folders(settings: Settings) -> None:
    """Refuse to start where the results, the parsed models or the run history cannot be written.

    Raises:
        WarehouseError: names the folders.
    """
    if _PATTERN.search(str(settings.data_home)):
        raise WarehouseError(
            f"The data home {settings.data_home} has one of the characters * ? [ ], which DuckDB"
            " reads as a pattern of names. Set BILATERAL_DATA_HOME to a folder without them."
        )
    written = (settings.data_home, settings.dbt_project / "target", settings.dagster_home)
    refused = [
        str(folder)
        for folder in written
        if not os.access(
            next(one for one in (folder, *folder.parents) if one.exists()), os.W_OK | os.X_OK
        )
    ]
    if refused:
        raise WarehouseError(
            f"This user may not write below {' and '.join(refused)}, where a build keeps its"
            " results, the parsed models and its run history. Build as the owner of these folders,"
            " or in a copy of the project; BILATERAL_DATA_HOME names another data home."
        )


def _run_job(
    settings: Settings,
    on_event: Callable[[BuildEvent], None],
    instance: dg.DagsterInstance | None,
) -> BuildOutcome:
    # These imports take a second, and an up-to-date build does not need them.
    from dagster_project.definitions import assemble
    from dagster_project.defs.jobs import BUILD_JOB
    from dagster_project.defs.publish import PUBLISHED
    from dagster_project.defs.resources import BuildProgress
    from dagster_project.defs.run_history import open_instance, without_checks_of_models
    from dagster_project.defs.workers import fail_dead_runs, worker_tags

    job = without_checks_of_models(assemble(settings).resolve_job_def(BUILD_JOB))
    run_id, run_before = str(uuid.uuid4()), served_run(settings)
    terminal = sys.stdout

    def report(event: BuildEvent) -> None:
        with contextlib.redirect_stdout(terminal):
            on_event(event)

    # dbt's output is in its own log; the terminal shows only progress.
    with (
        contextlib.nullcontext(instance) if instance else open_instance(settings) as recorded,
        Path(os.devnull).open("w", encoding="utf-8") as discarded,
        contextlib.redirect_stdout(discarded),
    ):
        # A killed run would keep its slot in the pool and keep later runs waiting.
        fail_dead_runs(recorded)
        result = job.execute_in_process(
            instance=recorded,
            run_id=run_id,
            tags=worker_tags(run_id),
            raise_on_error=False,
            resources={**job.resource_defs, "progress": BuildProgress(report)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if not result.success:
        target = settings.builds / run_id / "target"
        problems = _problems(target, result)
        disk_full = _first_about_full_disk(problems)
        if disk_full is not None:
            # All later steps fail for the same reason.
            problems = [disk_full]
            drop_build_file(settings, run_id)
        log = target / "dbt.log"
        raise BuildFailed(
            problems,
            log if log.is_file() else None,
            added_since(settings),
            served=what_is_served(settings, run_before),
            full=settings.data_home if disk_full else None,
        )
    metadata = result.asset_materializations_for_node(PUBLISHED.to_python_identifier())[0].metadata
    return BuildOutcome(
        built=True,
        published=bool(metadata["published"].value),
        content_hash=str(metadata["content_hash"].value),
        run_id=run_id,
        is_overtaken=bool(metadata["is_overtaken"].value),
    )


def served_run(settings: Settings) -> str | None:
    """The run that built the served warehouse; None if unknown or if nothing is served."""
    record = published_record(settings)
    return None if record is None else record.publication["run_id"]


def what_is_served(settings: Settings, run_before: str | None) -> str:
    """What readers get after a build ended early; `run_before` was served before it."""
    if served_run(settings) != run_before:
        return "its warehouse was published before that and is being served"
    if is_refused(settings):
        return "the previous warehouse was changed after it was published, and readers refuse it"
    if settings.warehouse.is_file():
        return "the previous warehouse is still being served"
    return "nothing is published"


def added_since(settings: Settings) -> list[Path]:
    """Folders of fetched or imported releases that are not in the published warehouse."""
    try:
        publication = read_publication(settings)
        releases = discover_releases([settings.fetched_snapshots])
    except (WarehouseError, SnapshotError):
        return []
    if publication is None:
        return []
    if settings.fetched_snapshots == settings.shipped_snapshots:
        releases = tuple(release for release in releases if release.retrieved_at is not None)
    built = publication.releases
    return [one.folder for one in releases if one.release_id not in built.get(one.source_id, ())]


def _problems(target: Path, result: dg.ExecuteInProcessResult) -> list[str]:
    """List the problems: failed models and tests first, then the steps that contain them."""
    problems = [*_dbt_problems(target)]
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        error = event.step_failure_data.error
        # Dagster wraps the original error; its own causes are in the log.
        while error is not None and error.cause is not None and error.cls_name in _WRAPPERS:
            error = error.cause
        if error is None or (problems and error.cls_name == "DagsterDbtCliRuntimeError"):
            continue
        if error.cls_name == AuditFailed.__name__ or not problems:
            said = re.sub(rf"^[\w.]*{re.escape(error.cls_name or '')}: ", "", error.message.strip())
            if error.cls_name == AuditFailed.__name__:
                # BuildFailed repeats the heading, so it is left out here.
                problems += [line.removeprefix("  - ") for line in said.splitlines()[1:]]
            else:
                problems.append(f"{event.step_key}: {said}")
    return problems or ["The run ended without giving a reason; inspect it in `make dev`."]


def _first_about_full_disk(problems: Sequence[str]) -> str | None:
    lines = (line.strip() for problem in problems for line in problem.splitlines())
    return next((line for line in lines if any(phrase in line for phrase in _DISK_FULL)), None)


def _dbt_problems(target: Path) -> Iterator[str]:
    for name, result in sorted(read_results(target).items()):
        if result["status"] in GOOD_STATUSES or result["status"] == "skipped":
            continue
        kind, _, short_name = name.partition(".bilateral.")
        message = " ".join((result.get("message") or result["status"]).split())
        rows = failing_rows(target.parent / BUILD_FILE_NAME, result)
        yield f"{kind} {short_name}: {message}{rows}"
