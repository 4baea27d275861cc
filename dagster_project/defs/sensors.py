"""Sensors that import dropped files and start builds after new releases."""

from datetime import UTC, datetime

import dagster as dg

from dagster_project.defs.jobs import BUILD_JOB, INBOX_JOB, WAREHOUSE
from dagster_project.defs.site import SITE_JOB, build_site_sensor
from dagster_project.publish.fingerprint import input_hash, is_current
from dagster_project.settings import Settings
from dagster_project.sources.inbox import scan

_EVERY_SECONDS = 60


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    return [
        build_inbox_sensor(settings),
        build_news_sensor(settings),
        build_site_sensor(settings),
    ]


def build_inbox_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="inbox",
        job_name=INBOX_JOB,
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Watches {settings.inbox} and imports complete files.",
    )
    def inbox(_context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
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

    return inbox


def build_news_sensor(settings: Settings) -> dg.SensorDefinition:
    """Starts a build after a run added a release: a fetch, a backfill of fetches, the inbox.

    It reacts to the end of every run and compares the build's inputs, instead of naming the jobs
    that may add a release: a fetch started by hand in the UI belongs to none of them. Polling the
    folders every minute would mean hashing them every minute. If it misses a run, the daily
    schedule finds the change.
    """

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        request_job=WAREHOUSE,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Builds after a run that added a release.",
    )
    def build_after_news(
        context: dg.RunStatusSensorContext,
    ) -> dg.RunRequest | dg.SkipReason:
        ended = context.dagster_run.job_name
        if ended in {BUILD_JOB, SITE_JOB}:
            return dg.SkipReason(f"{ended} ended; it does not start a build.")
        found = input_hash(settings)
        if is_current(settings, found):
            return dg.SkipReason(
                f"{ended} ended; the published warehouse already has these inputs."
            )
        return dg.RunRequest(run_key=found)

    return build_after_news
