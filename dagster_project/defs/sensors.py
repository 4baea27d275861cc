"""Sensors that import dropped files, build after new releases, and build the site after a build.

They request jobs, where automation conditions would request assets: a build is one run of all its
assets in one process, or it cannot publish, and whether one is due is a question to the folders.
"""

from datetime import UTC, datetime

import dagster as dg

from dagster_project.defs.jobs import BUILD_JOB, INBOX_JOB, MAKE_SITE, SITE_JOB, WAREHOUSE
from dagster_project.defs.publish import PUBLISHED
from dagster_project.publish.fingerprint import input_hash, is_current
from dagster_project.settings import Settings
from dagster_project.sources.inbox import scan


# No event of Dagster says that a file was dropped.
@dg.sensor(
    name="inbox",
    job_name=INBOX_JOB,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the inbox in the data home and imports complete files.",
)
def inbox_sensor(settings: dg.ResourceParam[Settings]) -> dg.RunRequest | dg.SkipReason:
    found = scan(settings, datetime.now(UTC))
    if found.ready:
        return dg.RunRequest()
    if found.waiting:
        return dg.SkipReason(
            f"{', '.join(found.waiting)}: imported once nothing has written to it for a while."
        )
    if found.left_alone:
        return dg.SkipReason(
            f"{', '.join(found.left_alone)}: left alone. Only files are imported, and a"
            " companion .json waits for its file."
        )
    return dg.SkipReason("The inbox is empty.")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    request_job=WAREHOUSE,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds after a run that added a release.",
)
def build_after_news(
    context: dg.RunStatusSensorContext, settings: dg.ResourceParam[Settings]
) -> dg.RunRequest | dg.SkipReason:
    """Starts a build after a run added a release: a fetch, a backfill of fetches, the inbox.

    It reacts to the end of every run and compares the build's inputs, instead of naming the jobs
    that may add a release: a fetch started by hand in the UI belongs to none of them. Polling the
    folders every minute would mean hashing them every minute. If it misses a run, the daily
    schedule finds the change.
    """
    ended = context.dagster_run.job_name
    if ended in {BUILD_JOB, SITE_JOB}:
        return dg.SkipReason(f"{ended} ended; it does not start a build.")
    found = input_hash(settings)
    if is_current(settings, found):
        return dg.SkipReason(f"{ended} ended; the published warehouse already has these inputs.")
    return dg.RunRequest(run_key=found)


# A condition on the version of the data would miss a site that was deleted.
@dg.asset_sensor(
    asset_key=PUBLISHED,
    job=MAKE_SITE,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds the pages of the published warehouse.",
)
def site_after_publication(
    _context: dg.SensorEvaluationContext,
    event: dg.EventLogEntry,
    settings: dg.ResourceParam[Settings],
) -> dg.RunRequest | dg.SkipReason:
    """Builds the site after a warehouse was published, also from the command line."""
    done = event.asset_materialization
    is_new = done is None or bool(done.metadata["published"].value)
    if not is_new and settings.report.exists():
        return dg.SkipReason("The build produced the same content as before.")
    return dg.RunRequest(run_key=event.run_id)
