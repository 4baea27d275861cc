"""What is published: when, from which releases, how recent, and what was rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from dagster_project.publish.fingerprint import input_hash, is_current
from dagster_project.settings import Settings
from dagster_project.sources.snapshot import discover_releases
from dagster_project.warehouse import (
    Publication,
    WarehouseError,
    altered,
    connect_published,
    read_publication,
)

Table = tuple[list[str], list[list[object]]]


@dataclass(frozen=True)
class Status:
    """`is_current` is false if the inputs have changed since the warehouse was built.

    `altered` are the published files that are not as they were published, each with what is wrong;
    nothing else is read then.
    """

    publication: Publication
    is_current: bool
    sources: list[dict]
    releases: list[dict]
    world: list[dict]
    baci: list[dict]
    rejects: list[dict]
    findings: list[dict]
    left_out: list[dict]
    altered: tuple[str, ...] = ()


def read_status(settings: Settings, today: date, *, in_full: bool = False) -> Status:
    """The state of the published warehouse; `in_full` reads every published file.

    Raises:
        WarehouseError: nothing has been published, or another project published it.
    """
    publication = read_publication(settings)
    if publication is not None and (changed := altered(settings, in_full=in_full)):
        return Status(publication, False, [], [], [], [], [], [], [], altered=changed)
    connection = connect_published(settings)
    try:
        sources = _rows(
            connection,
            "select source_id, publisher, dataset, evidence_kind, releases, observations,"
            " latest_known_from, last_period_end, ?::date - latest_known_from as days_since"
            " from marts.sources where releases > 0 order by source_rank, source_id",
            [today],
        )
        releases = _rows(
            connection,
            "select source_id, release_id, known_from, known_from_precision, observations,"
            " first_period_start, last_period_end, is_composed from marts.releases"
            " order by source_id, known_from, release_id",
        )
        world = _rows(
            connection,
            "select year, exporters_reporting, importers_reporting, flows, flows_mirrored,"
            " latest_release_id from marts.mirror_years order by year",
        )
        baci = _rows(
            connection,
            "select year, product_edition, version, is_latest, flows, exporters, importers,"
            " release_id from marts.baci_years order by year, product_edition, recency",
        )
        rejects = _rejects(connection)
        findings = _findings(connection)
        left_out = _left_out(connection)
    finally:
        connection.close()
    if publication is None:
        raise WarehouseError(
            f"{settings.warehouse} has no record of its inputs. Run `bilateral build`."
        )
    return Status(
        publication=publication,
        is_current=is_current(settings, input_hash(settings)),
        sources=sources,
        releases=releases,
        world=world,
        baci=baci,
        rejects=rejects,
        findings=findings,
        left_out=left_out,
    )


def read_rejects(settings: Settings) -> list[dict]:
    """The files with rejected rows: how many, and the first with its reason.

    A release or file of which nothing could be used has one reject, without a line.

    Raises:
        WarehouseError: nothing has been published.
    """
    connection = connect_published(settings)
    try:
        return _rejects(connection)
    finally:
        connection.close()


def releases_built(settings: Settings) -> dict[str, list[str]]:
    """The releases that the published warehouse was built from, by source, the latest last.

    Raises:
        SnapshotError: a sidecar cannot be used.
    """
    publication = read_publication(settings)
    built = {} if publication is None else publication.releases
    releases: dict[str, list[str]] = {}
    for release in discover_releases(settings.snapshot_roots):
        if release.release_id in built.get(release.source_id, []):
            releases.setdefault(release.source_id, []).append(release.release_id)
    return releases


def status_json(status: Status) -> dict[str, object]:
    publication = status.publication
    return {
        "published_at": publication.published_at,
        "run_id": publication.run_id,
        "code_version": publication.code_version,
        "content_hash": publication.content_hash,
        "as_of": publication.as_of,
        "is_current": status.is_current,
        "altered": status.altered,
        "sources": status.sources,
        "releases": status.releases,
        "world": status.world,
        "baci": status.baci,
        "rejects": status.rejects,
        "findings": status.findings,
        "left_out": status.left_out,
    }


def status_tables(status: Status) -> list[tuple[str, Table]]:
    """Tables of sources, releases and, if any, rows left out, findings and years of world trade."""
    tables = [
        (
            "Sources",
            _table(
                status.sources,
                {
                    "source_id": "source",
                    "publisher": "publisher",
                    "releases": "releases",
                    "observations": "figures",
                    "last_period_end": "last period",
                    "latest_known_from": "latest",
                    "days_since": "days old",
                },
            ),
        ),
        (
            "Releases",
            _table(
                status.releases,
                {
                    "source_id": "source",
                    "release_id": "release",
                    "known_from": "known from",
                    "observations": "figures",
                    "first_period_start": "from",
                    "last_period_end": "to",
                },
            ),
        ),
    ]
    if status.left_out:
        columns = {
            "raw_table": "raw table",
            "outcome_reason": "reason",
            "raw_rows": "rows",
            "releases": "releases",
            "meaning": "meaning",
        }
        tables.append(("Rows that are no figures", _table(status.left_out, columns)))
    if status.findings:
        columns = {
            "rule": "finding",
            "severity": "severity",
            "findings": "findings",
            "releases": "releases",
            "example": "for example",
        }
        tables.append(("Findings in the publishers' data", _table(status.findings, columns)))
    if status.world:
        columns = {
            "year": "year",
            "exporters_reporting": "exporters",
            "importers_reporting": "importers",
            "flows": "flows",
            "flows_mirrored": "reported twice",
            "latest_release_id": "latest release",
        }
        tables.append(("World's trade", _table(status.world, columns)))
    if status.baci:
        columns = {
            "year": "year",
            "product_edition": "edition",
            "version": "version",
            "is_latest": "latest",
            "flows": "rows",
            "exporters": "exporters",
            "importers": "importers",
            "release_id": "release",
        }
        tables.append(("World's trade reconciled by CEPII (BACI)", _table(status.baci, columns)))
    return tables


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Table:
    return list(columns.values()), [[row[name] for name in columns] for row in rows]


def _rejects(connection: duckdb.DuckDBPyConnection) -> list[dict]:
    return _rows(
        connection,
        "select snapshot_file, count(*) as rejects, min(row_number) as first_line,"
        " arg_min(concat_ws(': ', concat_ws(' ', column_name, value), reason),"
        " coalesce(row_number, 0)) as first_reason from meta.rejects"
        " group by snapshot_file order by snapshot_file",
    )


def _findings(connection: duckdb.DuckDBPyConnection) -> list[dict]:
    """The findings of each rule and severity, the gravest first, with the largest as example."""
    return _rows(
        connection,
        "select rule, severity, count(*) as findings, count(distinct release_id) as releases,"
        " arg_max(case when row_number is null then detail else concat_ws(' ', snapshot_file,"
        " 'row', row_number, column_name) end, coalesce(abs(found_usd - expected_usd), 0))"
        " as example from marts.data_findings group by rule, severity"
        " order by severity = 'error' desc, severity = 'warning' desc, rule",
    )


def _left_out(connection: duckdb.DuckDBPyConnection) -> list[dict]:
    """The raw rows that give no figure, by table and reason; rejects have a list of their own."""
    return _rows(
        connection,
        "select o.raw_table, o.outcome_reason, sum(o.raw_rows)::bigint as raw_rows,"
        " count(distinct o.release_id) as releases, any_value(c.meaning) as meaning"
        " from marts.row_outcomes as o left join seeds.coded_values as c"
        " on c.column_name = 'outcome_reason' and c.code = o.outcome_reason"
        " where o.outcome = 'left_out' group by o.raw_table, o.outcome_reason"
        " order by o.raw_table, o.outcome_reason",
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[dict]:
    result = connection.execute(query, list(parameters))
    columns = [column[0] for column in result.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
