"""Which assets run together, and in how many processes."""

from datetime import timedelta
from typing import Any

import dagster as dg

from dagster_project.defs.fetch import FETCHED, fetched_key
from dagster_project.defs.inbox import INBOX
from dagster_project.defs.site import MAKE_SITE, SITE
from dagster_project.sources.catalog import CONNECTORS

BUILD_JOB = "build_warehouse"
LOAD_RAW_JOB = "load_raw"
INBOX_JOB = "take_inbox"

# A fetch waits for its turns and for what publishers ask it to wait; it never waits for
# another day, since a spent quota ends it.
_LONGEST_FETCH = timedelta(hours=20)


# One object, since a sensor asks for this job and the code location knows each job once.
WAREHOUSE = dg.define_asset_job(
    BUILD_JOB,
    # Only fetches need a network, so a build leaves them out, and the inbox with them. The site
    # comes after: nobody waits for pages to read the warehouse.
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.key_prefixes([FETCHED])
    - dg.AssetSelection.assets(SITE),
    # DuckDB has one writer and a step in a process of its own costs five seconds of
    # imports, so a build stays in one process.
    executor_def=dg.in_process_executor,
    # What a run that crashed had built is built; the next one goes on from there.
    tags={"dagster/retry_strategy": "FROM_ASSET_FAILURE"},
    description="Snapshots to published warehouse; nothing is replaced unless all passes.",
)


def fetch_job(source_id: str) -> str:
    return f"fetch_{source_id}"


def build_jobs() -> list[Any]:
    return [
        WAREHOUSE,
        MAKE_SITE,
        # Raw tables share no file, so they may load side by side.
        dg.define_asset_job(
            LOAD_RAW_JOB,
            selection=dg.AssetSelection.key_prefixes(["raw"]),
            executor_def=dg.multiprocess_executor.configured({"max_concurrent": 2}),
            description="Parses the snapshots that changed; the warehouse stays as it is.",
        ),
        dg.define_asset_job(
            INBOX_JOB,
            selection=dg.AssetSelection.assets(INBOX),
            executor_def=dg.in_process_executor,
            description="Makes releases of the files in the inbox, or puts them aside.",
        ),
        *(build_fetch_job(source_id) for source_id in CONNECTORS),
    ]


def build_fetch_job(source_id: str) -> Any:
    # Several years of one run share requests: a job a source, since each has years of its own.
    return dg.define_asset_job(
        fetch_job(source_id),
        selection=dg.AssetSelection.assets(fetched_key(source_id)),
        executor_def=dg.in_process_executor,
        tags={dg.MAX_RUNTIME_SECONDS_TAG: str(int(_LONGEST_FETCH.total_seconds()))},
        description=f"Asks {source_id} for what the subscriptions want of the years chosen.",
    )
