"""What adds releases, as assets: one per fetched source, and the inbox."""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from dagster_project.defs.dbt import OWNER
from dagster_project.fetch.client import DEFAULT_RETRY, RetryPolicy
from dagster_project.fetch.commands import unconfirmed_advice
from dagster_project.fetch.job import FetchError, FetchOutcome, run_fetch
from dagster_project.fetch.planning import plan_fetch
from dagster_project.fetch.subscriptions import Subscription, SubscriptionError, read_subscriptions
from dagster_project.reading.article_files import read_as_article
from dagster_project.settings import Settings, SettingsError
from dagster_project.sources.catalog import CATALOG, CONNECTORS, SourceTable, load_table
from dagster_project.sources.connector import (
    QuotaSpent,
    Selection,
    SelectionError,
    SourceInfo,
    Unconfirmed,
)
from dagster_project.sources.fetch_checks import compare_totals, find_missing, find_row_loss
from dagster_project.sources.inbox import QUARANTINE, Imported, Quarantined, ingest_ready, scan
from dagster_project.sources.snapshot import Covers, SnapshotError, discover_releases

FETCHED = "fetched"
INBOX = dg.AssetKey([FETCHED, "inbox"])
_KEEPS_ROWS = "no_row_loss"
_ADDS_UP = "adds_up_to_its_totals"
_CAME_WHOLE = "is_complete"
_NO_QUARANTINED_FILES = "no_quarantined_files"
_SHOWN = 20


@dataclass(frozen=True)
class _Asked:
    """One subscription in the months of this run, and the parts of tables it requests."""

    subscription: Subscription
    selection: Selection
    covers: Mapping[str, Sequence[Covers]]


def fetched_key(source_id: str) -> dg.AssetKey:
    return dg.AssetKey([FETCHED, source_id])


def fetch_pool(source_id: str) -> str:
    """One pool per source: two fetches of one source would only wait for each other."""
    return f"fetch_{source_id}"


def partitions_of(about: SourceInfo) -> dg.TimeWindowPartitionsDefinition | None:
    """One partition per year, including this year, where a source is updated by year."""
    if about.by_year_from is None:
        return None
    return dg.TimeWindowPartitionsDefinition(
        cron_schedule="0 0 1 1 *", start=str(about.by_year_from), fmt="%Y", end_offset=1
    )


def build_fetch_assets(retry: RetryPolicy = DEFAULT_RETRY) -> list[dg.AssetsDefinition]:
    with warnings.catch_warnings():
        # Dagster warns that backfill policies may change; the pinned version guards against that,
        # so users of the command need not see it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [build_fetch_asset(connector.about, retry) for connector in CONNECTORS.values()]


def build_fetch_asset(about: SourceInfo, retry: RetryPolicy) -> dg.AssetsDefinition:
    """All subscriptions of one source, fetched for the years of the run."""
    key = fetched_key(about.source_id)
    tables = [entry for entry in CATALOG if entry.source_id == about.source_id]

    @dg.asset(
        key=key,
        group_name=FETCHED,
        kinds={"http"},
        owners=[OWNER],
        pool=fetch_pool(about.source_id),
        partitions_def=partitions_of(about),
        # Years requested together share requests, so a backfill is one run.
        backfill_policy=dg.BackfillPolicy.single_run() if about.by_year_from else None,
        description=f"{about.title}: everything the subscriptions request. {about.gives}\n\n"
        f"Covers: {about.coverage}\n\nPublished: {about.calendar}",
        metadata={"licence": about.terms.licence},
        check_specs=_check_specs(key, tables),
    )
    def fetched(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
    ) -> dg.MaterializeResult:
        first, last = _months(context, by_year=about.by_year_from is not None)
        try:
            asked = _all_asked(settings, about.source_id, first, last)
            outcomes = []
            selection = None
            for one in asked:
                selection = one.selection
                outcome = run_fetch(settings, about.source_id, selection, retry=retry)
                context.log.info(_summary(one.subscription, outcome))
                outcomes.append(outcome)
        except (SubscriptionError, SelectionError, SettingsError, SnapshotError) as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        except FetchError as error:
            raise _failure(error, about.source_id, selection) from None
        for entry in tables:
            load_table(entry, settings)
        return dg.MaterializeResult(
            data_version=_data_version(settings, about.source_id),
            metadata=_metadata(asked, outcomes),
            check_results=_judge(settings, key, tables, asked, outcomes),
        )

    return fetched


def _months(context: dg.AssetExecutionContext, *, by_year: bool) -> tuple[date, date]:
    """The first and last month that a run requests; neither is in the future."""
    this_month = datetime.now(UTC).date().replace(day=1)
    if not by_year:
        return date.min, this_month
    window = context.partition_time_window
    last_day = (window.end - timedelta(days=1)).date()
    return window.start.date(), min(last_day.replace(day=1), this_month)


def _all_asked(settings: Settings, source_id: str, first: date, last: date) -> list[_Asked]:
    """Plan everything before sending anything, so that a wrong line costs no request."""
    found = [one for one in read_subscriptions(settings) if one.source_id == source_id]
    if not found:
        raise SubscriptionError(
            f"No subscription requests {source_id}. Add a line to subscriptions.csv."
        )
    asked = []
    for subscription in found:
        selection = subscription.selection(first, last)
        if selection is None:
            continue
        try:
            plan = plan_fetch(settings, source_id, selection).plan
        except SelectionError as error:
            raise SubscriptionError(f"subscriptions.csv, {subscription}: {error}") from error
        covers: dict[str, list[Covers]] = {}
        for chunk in plan.chunks:
            if chunk.covers is not None:
                covers.setdefault(chunk.table, []).append(chunk.covers)
        asked.append(_Asked(subscription, selection, covers))
    return asked


def _failure(error: FetchError, source_id: str, selection: Selection | None) -> dg.Failure:
    metadata: dict[str, Any] = {"replies_stored": error.stored, "replies_in_all": error.total}
    description = str(error)
    if isinstance(error.reply_error, QuotaSpent):
        next_day = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
        metadata["goes_on"] = next_day
        description += f" Run the same partitions again on or after {next_day} (UTC)."
    if isinstance(error.reply_error, Unconfirmed) and selection is not None:
        description += f" {unconfirmed_advice(source_id, selection)}"
    return dg.Failure(description, metadata=metadata, allow_retries=False)


def _summary(subscription: Subscription, outcome: FetchOutcome) -> str:
    compared = outcome.comparison
    release = outcome.release.release_id if outcome.release and outcome.is_new else "nothing new"
    return (
        f"{subscription}: {release}; {outcome.rows} rows in {outcome.requests_sent} requests"
        f" ({compared.new} new, {compared.changed} changed, {compared.withdrawn} withdrawn)"
    )


def _metadata(asked: Sequence[_Asked], outcomes: Sequence[FetchOutcome]) -> dict[str, Any]:
    releases = [
        outcome.release.release_id for outcome in outcomes if outcome.release and outcome.is_new
    ]
    return {
        "dagster/row_count": sum(outcome.rows for outcome in outcomes),
        "is_new": bool(releases),
        "releases": releases,
        "requests": sum(outcome.requests_sent for outcome in outcomes),
        "replies_from_before": sum(outcome.chunks_taken_from_before for outcome in outcomes),
        "rows_new": sum(outcome.comparison.new for outcome in outcomes),
        "rows_changed": sum(outcome.comparison.changed for outcome in outcomes),
        "rows_withdrawn": sum(outcome.comparison.withdrawn for outcome in outcomes),
        "rejects": sum(outcome.rejects for outcome in outcomes),
        "subscriptions": [
            _summary(one.subscription, outcome)
            for one, outcome in zip(asked, outcomes, strict=True)
        ],
        "notes": list(dict.fromkeys(note for outcome in outcomes for note in outcome.notes)),
    }


def _check_specs(key: dg.AssetKey, tables: Sequence[SourceTable]) -> list[dg.AssetCheckSpec]:
    specs = [
        dg.AssetCheckSpec(
            _KEEPS_ROWS,
            asset=key,
            description="At most a few of the earlier rows in the requested part are gone.",
        ),
        dg.AssetCheckSpec(
            _CAME_WHOLE,
            asset=key,
            description="Every requested code and period that is published has arrived.",
        ),
    ]
    totalled = [entry.table for entry in tables if entry.total]
    if totalled:
        specs.append(
            dg.AssetCheckSpec(
                _ADDS_UP,
                asset=key,
                description=f"Parts add up to the publisher's own totals in {', '.join(totalled)}.",
            )
        )
    return specs


def _judge(
    settings: Settings,
    key: dg.AssetKey,
    tables: Sequence[SourceTable],
    asked: Sequence[_Asked],
    outcomes: Sequence[FetchOutcome],
) -> list[dg.AssetCheckResult]:
    """Judge a fetch. Earlier releases are kept either way: the publisher may intend the change."""
    covers = _covers(tables, asked)
    # A selection of products does not add up to the total.
    whole = _covers(tables, [one for one in asked if not one.selection.products])
    new = {outcome.release.release_id for outcome in outcomes if outcome.release and outcome.is_new}
    losses = {
        entry.table: find_row_loss(entry, settings, covers[entry.table], new) for entry in tables
    }
    missing = [
        words for entry in tables for words in find_missing(entry, settings, covers[entry.table])
    ]
    results = [
        _result(
            key,
            _KEEPS_ROWS,
            not any(loss.is_large for loss in losses.values()),
            {table: f"{loss.lost} of {loss.before} rows lost" for table, loss in losses.items()},
        ),
        _result(
            key,
            _CAME_WHOLE,
            not missing,
            {"missing": len(missing), "first_missing": missing[:_SHOWN]},
        ),
    ]
    sums = {
        entry.table: compare_totals(entry, settings, whole[entry.table])
        for entry in tables
        if entry.total
    }
    if sums:
        wrong = [f"{table}: {row}" for table, one in sums.items() for row in one.wrong.to_dicts()]
        results.append(
            _result(
                key,
                _ADDS_UP,
                not wrong,
                {
                    "totals_compared": sum(one.compared for one in sums.values()),
                    "wrong": len(wrong),
                    "first_wrong": wrong[:_SHOWN],
                },
            )
        )
    return results


def _covers(tables: Sequence[SourceTable], asked: Sequence[_Asked]) -> dict[str, list[Covers]]:
    return {
        entry.table: [covers for one in asked for covers in one.covers.get(entry.table, ())]
        for entry in tables
    }


def _result(
    key: dg.AssetKey, name: str, passed: bool, metadata: Mapping[str, Any]
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


@dg.asset(
    key=INBOX,
    group_name=FETCHED,
    kinds={"file"},
    owners=[OWNER],
    pool="inbox",
    description=(
        "Files dropped into the inbox folder of the data home. A file whose layout is known "
        "becomes a release of its source, and so do the trade figures of an article; any other is "
        "quarantined with the reason."
    ),
    check_specs=[
        dg.AssetCheckSpec(
            _NO_QUARANTINED_FILES,
            asset=INBOX,
            description="Every file of this run was imported.",
        )
    ],
)
def inbox(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    outcomes = ingest_ready(settings, datetime.now(UTC), read_article=read_as_article)
    imported = [one for one in outcomes if isinstance(one, Imported)]
    quarantined = [one for one in outcomes if isinstance(one, Quarantined)]
    for one in quarantined:
        context.log.warning(f"{one.name}: {one.reason}")
    waiting = list(scan(settings, datetime.now(UTC)).waiting)
    if waiting:
        context.log.info(f"Not imported yet, perhaps still being written: {', '.join(waiting)}.")
    return dg.MaterializeResult(
        data_version=_data_version(settings),
        metadata={
            "folder": dg.MetadataValue.path(str(settings.inbox)),
            "imported": [_import_summary(one) for one in imported],
            "releases": [
                f"{one.release.source_id}/{one.release.release_id}"
                for one in imported
                if one.is_new
            ],
            "dagster/row_count": sum(one.rows for one in imported if one.is_new),
            "waiting": waiting,
            "quarantined": {one.name: one.reason for one in quarantined},
        },
        check_results=[
            dg.AssetCheckResult(
                asset_key=INBOX,
                check_name=_NO_QUARANTINED_FILES,
                passed=not quarantined,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    "quarantined": len(quarantined),
                    "quarantine": dg.MetadataValue.path(str(settings.inbox / QUARANTINE)),
                },
            )
        ],
    )


def _data_version(settings: Settings, source_id: str | None = None) -> dg.DataVersion:
    """A hash over the releases so far, of one source or of all.

    A run that adds none leaves the version, and so everything after it up to date.
    """
    ids = (
        f"{release.source_id}/{release.release_id}\n"
        for release in discover_releases(settings.snapshot_roots)
        if source_id in {None, release.source_id}
    )
    return dg.DataVersion(hashlib.sha256("".join(sorted(ids)).encode()).hexdigest())


def _import_summary(one: Imported) -> str:
    release = f"{one.release.source_id}/{one.release.release_id}"
    if not one.is_new:
        return f"{one.name}: already in {release}; nothing added"
    rejects = f", {one.rejects} cannot be used" if one.rejects else ""
    return f"{one.name}: {one.rows} rows of {one.table} as {release}{rejects}"
