"""Which assets run together, and in how many processes."""

from datetime import timedelta
from typing import Any

import dagster as dg

from dagster_project.defs.fetch import FETCHED, INBOX, fetched_key
from dagster_project.defs.publish import SITE
from dagster_project.sources.catalog import CONNECTORS

BUILD_JOB = "build_warehouse"
LOAD_RAW_JOB = "load_raw"
INBOX_JOB = "import_inbox"
SITE_JOB = "make_site"

# A fetch waits for its rate limit and for waits that publishers request. It never waits for another
# day: a used-up quota ends it.
_LONGEST_FETCH = timedelta(hours=20)


# Sensors request these two jobs, and the code location knows each job once.
WAREHOUSE = dg.define_asset_job(
    BUILD_JOB,
    # Only fetches need a network, so a build leaves them and the inbox out. The site follows the
    # build: reading the warehouse does not wait for pages.
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.key_prefixes([FETCHED])
    - dg.AssetSelection.assets(SITE),
    # DuckDB has one writer and a step in a process of its own costs five seconds of
    # imports, so a build stays in one process.
    executor_def=dg.in_process_executor,
    # A crashed run keeps what it built; the next run resumes from there.
    tags={"dagster/retry_strategy": "FROM_ASSET_FAILURE"},
    description="Builds, tests and publishes the warehouse; a failed test leaves the previous one.",
)

MAKE_SITE = dg.define_asset_job(
    SITE_JOB,
    selection=dg.AssetSelection.assets(SITE),
    # Separate processes render the pages.
    executor_def=dg.in_process_executor,
    description="Static pages of the published warehouse; the previous site stays until then.",
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
            description="Parses the changed snapshots; the warehouse is unchanged.",
        ),
        dg.define_asset_job(
            INBOX_JOB,
            selection=dg.AssetSelection.assets(INBOX),
            executor_def=dg.in_process_executor,
            description="Imports the files in the inbox as releases, or quarantines them.",
        ),
        *(build_fetch_job(source_id) for source_id in CONNECTORS),
    ]


def build_fetch_job(source_id: str) -> Any:
    # Several years of one run share requests: one job per source, since each has its own years.
    return dg.define_asset_job(
        fetch_job(source_id),
        selection=dg.AssetSelection.assets(fetched_key(source_id)),
        executor_def=dg.in_process_executor,
        tags={dg.MAX_RUNTIME_SECONDS_TAG: str(int(_LONGEST_FETCH.total_seconds()))},
        description=f"Fetches the subscriptions of {source_id} for the chosen years.",
    )
