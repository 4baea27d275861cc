"""Which assets run together, and in how many processes.

Belongs here: jobs. Does not belong here: when they run (`schedules.py`).
"""

from typing import Any

import dagster as dg

BUILD_JOB = "build_warehouse"
LOAD_RAW_JOB = "load_raw"


def build_jobs() -> list[Any]:
    return [
        # DuckDB has one writer and a step in a process of its own costs five seconds of
        # imports, so a build stays in one process.
        dg.define_asset_job(
            BUILD_JOB,
            selection=dg.AssetSelection.all(),
            executor_def=dg.in_process_executor,
            # What a run that crashed had built is built; the next one goes on from there.
            tags={"dagster/retry_strategy": "FROM_ASSET_FAILURE"},
            description="Snapshots to published warehouse; nothing is replaced unless all passes.",
        ),
        # Raw tables share no file, so they may load side by side.
        dg.define_asset_job(
            LOAD_RAW_JOB,
            selection=dg.AssetSelection.key_prefixes(["raw"]),
            executor_def=dg.multiprocess_executor.configured({"max_concurrent": 2}),
            description="Parses the snapshots that changed; the warehouse stays as it is.",
        ),
    ]
