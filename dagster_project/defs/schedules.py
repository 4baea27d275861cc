"""Schedules that check for new releases, following the publishers' calendars."""

from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

from dagster_project.defs.jobs import BUILD_JOB, fetch_job
from dagster_project.fetch.keys import key_of
from dagster_project.fetch.subscriptions import read_subscriptions, subscriptions_file
from dagster_project.publish.fingerprint import input_hash, is_current
from dagster_project.settings import Settings
from dagster_project.sources.catalog import SOURCES
from dagster_project.sources.connector import SourceInfo

# Tags with a run's first and last partition; Dagster has no public name for them.
_FIRST_YEAR_TAG = "dagster/asset_partition_range_start"
_LAST_YEAR_TAG = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class Calendar:
    """Days on which new data is due, for the sources that name it in the catalog."""

    name: str
    cron: str
    timezone: str
    expected: str
    # How many months back figures may have been revised.
    months_back: int = 0
    # A source is late once the last of these days has passed without new data.
    freshness: dg.FreshnessPolicy | None = None


# Census publishes months of the previous year until March.
_MONTHLY = 3
# The three previous years, and this year through June.
_THREE_YEARS = 41

CALENDARS = (
    Calendar(
        "ft900_monthly",
        # The release is due at 8:30 between the 4th and the 8th working day.
        "0 12 4-12 * *",
        "America/New_York",
        "the monthly US trade release (FT-900)",
        months_back=_MONTHLY,
        freshness=dg.FreshnessPolicy.cron(
            deadline_cron="0 18 12 * *",
            lower_bound_delta=timedelta(days=8, hours=10),
            timezone="America/New_York",
        ),
    ),
    Calendar(
        "us_annual_revision",
        # Census restates three years with the FT-900 of April, early in June.
        "0 13 3-12 6 *",
        "America/New_York",
        "the annual revision of US trade",
        months_back=_THREE_YEARS,
    ),
    Calendar(
        "bea_quarterly",
        # Country detail is published with the international transactions, about the third week.
        "0 12 17-27 3,6,9,12 *",
        "America/New_York",
        "the quarterly US international transactions",
        freshness=dg.FreshnessPolicy.cron(
            deadline_cron="0 18 27 3,6,9,12 *",
            lower_bound_delta=timedelta(days=10, hours=10),
            timezone="America/New_York",
        ),
    ),
    Calendar(
        "korea_monthly_first",
        "0 11 1-2 * *",
        "Asia/Seoul",
        "the first monthly figures of Korea Customs",
        months_back=_MONTHLY,
    ),
    Calendar(
        "korea_monthly_revision",
        # Korea Customs confirms the previous month in mid-month, and corrects earlier ones.
        "0 18 15-17 * *",
        "Asia/Seoul",
        "the confirmed monthly figures of Korea Customs",
        months_back=12,
        freshness=dg.FreshnessPolicy.cron(
            deadline_cron="0 23 17 * *",
            lower_bound_delta=timedelta(days=2, hours=12),
            timezone="Asia/Seoul",
        ),
    ),
    Calendar(
        "comtrade_daily",
        # Countries report continuously, most of a year during the next one.
        "0 3 * * *",
        "UTC",
        "new country reports to the United Nations",
        months_back=18,
        # At least one country reports every month.
        freshness=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(days=62), warn_window=timedelta(days=35)
        ),
    ),
    Calendar(
        "daily_check",
        "30 5 * * *",
        "UTC",
        "any changed release",
        months_back=18,
    ),
)
_BY_NAME = {calendar.name: calendar for calendar in CALENDARS}


def freshness_of(source_id: str) -> dg.FreshnessPolicy | None:
    """When a source is late; none for a source whose calendars do not say."""
    return next(
        (
            _BY_NAME[name].freshness
            for source in SOURCES
            if source.connector and source.connector.about.source_id == source_id
            for name in source.calendars
            if _BY_NAME[name].freshness
        ),
        None,
    )


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """For each calendar, a check for changed releases and, before it, a fetch of each source."""
    return [
        *(build_schedule(settings, calendar) for calendar in CALENDARS),
        *(
            build_fetch_schedule(settings, _BY_NAME[name], source.connector.about)
            for source in SOURCES
            if source.connector
            for name in source.calendars
        ),
    ]


def build_fetch_schedule(
    settings: Settings, calendar: Calendar, about: SourceInfo
) -> dg.ScheduleDefinition:
    """Fetches a source's subscriptions for the years that may have changed."""
    source_id = about.source_id

    @dg.schedule(
        name=f"{fetch_job(source_id)}_{calendar.name}",
        job_name=fetch_job(source_id),
        cron_schedule=calendar.cron,
        execution_timezone=calendar.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Fetches {calendar.expected} from {source_id}.",
    )
    def fetch(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if about.key is not None and about.key.is_required and key_of(settings, source_id) is None:
            return dg.SkipReason(
                f"{source_id} needs a key and none is set: set BILATERAL_KEY_{source_id.upper()}"
                f" or add it to {settings.keys_file}. Keys are issued at {about.key.obtained_at}."
            )
        if not any(one.source_id == source_id for one in read_subscriptions(settings)):
            return dg.SkipReason(
                f"No subscription requests {source_id}: add a line to"
                f" {subscriptions_file(settings)} to have it fetched."
            )
        return dg.RunRequest(
            tags=years_to_fetch(about, context.scheduled_execution_time, calendar.months_back)
        )

    return fetch


def years_to_fetch(about: SourceInfo, day: date, months_back: int) -> dict[str, str]:
    """The tags of a run over the years from `months_back` months ago to this one."""
    if about.by_year_from is None:
        return {}
    earliest = (day.year * 12 + day.month - 1 - months_back) // 12
    return {
        _FIRST_YEAR_TAG: str(max(about.by_year_from, earliest)),
        _LAST_YEAR_TAG: str(day.year),
    }


def build_schedule(settings: Settings, calendar: Calendar) -> dg.ScheduleDefinition:
    """Starts a build when the inputs differ from those of the published warehouse."""

    @dg.schedule(
        name=calendar.name,
        job_name=BUILD_JOB,
        cron_schedule=calendar.cron,
        execution_timezone=calendar.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Checks for {calendar.expected} and builds when they have arrived.",
    )
    def look(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        found = input_hash(settings)
        if is_current(settings, found):
            return dg.SkipReason(
                f"Checked for {calendar.expected}: no release was added or changed since the "
                "last publication."
            )
        # Each schedule tries the same inputs once; the run handles retries.
        return dg.RunRequest(run_key=found)

    return look
