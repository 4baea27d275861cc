"""Which process works on a run, and whether it still lives.

A run whose process was killed, or whose machine lost power, would stay "started" for ever and keep
its place in the pool. Dagster's own launcher cannot tell; this one asks the kernel.
"""

import os
import subprocess
import time
from pathlib import Path
from typing import cast

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

# No public name exists for these. They are needed until a release of Dagster whose own launcher
# checks the processes of its runs; `dagster.yaml` loads this one by its name.
from dagster._core.launcher.base import LaunchRunContext

WORKER_TAG = "bilateral/worker"

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A worker writes its process id to the event log right after it has been started.
_SECONDS_TO_REPORT = 10.0
_ENDED = "The process of this run has ended without finishing it (killed, or a power cut)."


def process_identity(process_id: int) -> str | None:
    """What names a process for good: the boot, its start time, and its process id at the end.

    None if it is not running. A later process with the same id has another identity, and setting
    the clock does not change it.
    """
    try:
        # Fields after the name, which may contain anything: the state first, the start the 20th.
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return None if fields[0] in "ZX" else f"{boot} {fields[19]} {process_id}"
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
    # macOS has no /proc.
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(process_id)], capture_output=True, text=True, check=False
    )
    return f"{shown.stdout.strip()} {process_id}" if shown.stdout.strip() else None


def worker_tags(run_id: str, process_id: int | None = None) -> dict[str, str]:
    """The tag of a run that a process works on, by default this one.

    It begins with the id of the run, since a retry inherits the tags of the run it retries.
    """
    number = process_id or os.getpid()
    return {WORKER_TAG: f"{run_id} {process_identity(number) or f'ended {number}'}"}


def is_dead(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process of a run has ended; false as long as it is unknown."""
    tagged_run, _, worker = run.tags.get(WORKER_TAG, "").partition(" ")
    if tagged_run != run.run_id:
        worker = _record_worker(instance, run)
    return worker is not None and worker != process_identity(int(worker.split()[-1]))


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark unfinished runs whose process has ended as failed; return their ids."""
    dead = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
        if is_dead(instance, run)
    ]
    for run in dead:
        instance.report_run_failed(run, _ENDED)
    return [run.run_id for run in dead]


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's default launcher; run monitoring can ask it whether a run's process lives."""

    def launch_run(self, context: LaunchRunContext) -> None:
        super().launch_run(context)
        latest = time.monotonic() + _SECONDS_TO_REPORT
        while _record_worker(self._instance, context.dagster_run) is None:
            if time.monotonic() > latest:
                return
            time.sleep(0.1)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if is_dead(self._instance, run):
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, _ENDED)
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def _record_worker(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Tag a run with its process, as the event log names it; None if it does not yet."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        if event is None or event.step_key is not None:
            continue
        process_id = event.engine_event_data.metadata.get("pid")
        if process_id is not None:
            tags = worker_tags(run.run_id, int(cast("str", process_id.value)))
            instance.add_run_tags(run.run_id, tags)
            return tags[WORKER_TAG].partition(" ")[2]
    return None
