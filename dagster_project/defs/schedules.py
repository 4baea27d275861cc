"""When the warehouse looks for news, following the calendars of the publishers.

Belongs here: schedules. Does not belong here: what counts as news (`inputs.py`).
"""

from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from dagster_project.defs.jobs import BUILD_JOB
from dagster_project.inputs import input_hash, is_current
from dagster_project.settings import Settings


@dataclass(frozen=True)
class Calendar:
    """One day on which something new is due."""

    name: str
    cron: str
    timezone: str
    expected: str
    # The source that is late when this day passes without it, if one is.
    source_id: str | None = None
    freshness: dg.FreshnessPolicy | None = None


CALENDARS = (
    Calendar(
        "ft900_monthly",
        # The release is due at 8:30 between the 4th and the 8th working day.
        "0 12 4-12 * *",
        "America/New_York",
        "the monthly US trade release (FT-900)",
        source_id="us_census",
        freshness=dg.FreshnessPolicy.cron(
            deadline_cron="0 18 12 * *",
            lower_bound_delta=timedelta(days=8, hours=10),
            timezone="America/New_York",
        ),
    ),
    Calendar(
        "korea_monthly_revision",
        # Korea Customs confirms the month before at its middle.
        "0 18 15-17 * *",
        "Asia/Seoul",
        "the confirmed monthly figures of Korea Customs",
    ),
    Calendar(
        "us_annual_revision",
        # Census restates three years with the FT-900 of April, early in June.
        "0 13 3-12 6 *",
        "America/New_York",
        "the annual revision of US trade",
    ),
    Calendar(
        "daily_look",
        "30 5 * * *",
        "UTC",
        "any changed release",
    ),
)


def freshness_of(source_id: str) -> dg.FreshnessPolicy | None:
    """When a source is late; none for one that keeps no calendar."""
    return next(
        (calendar.freshness for calendar in CALENDARS if calendar.source_id == source_id), None
    )


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    return [build_schedule(settings, calendar) for calendar in CALENDARS]


def build_schedule(settings: Settings, calendar: Calendar) -> dg.ScheduleDefinition:
    """Builds when the inputs differ from those of the published warehouse."""

    @dg.schedule(
        name=calendar.name,
        job_name=BUILD_JOB,
        cron_schedule=calendar.cron,
        execution_timezone=calendar.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Looks for {calendar.expected} and builds when it has come.",
    )
    def look(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        found = input_hash(settings)
        if is_current(settings, found):
            return dg.SkipReason(
                f"Looked for {calendar.expected}: no release was added or changed since the "
                "last publication."
            )
        # The same inputs are tried once a schedule; retries are the run's own affair.
        return dg.RunRequest(run_key=found)

    return look
