"""The catalog of sources and their raw tables; the entry point of the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagster_project.settings import Settings
from dagster_project.sources import (
    articles,
    bea_ita,
    cepii_baci,
    fred,
    korea_customs,
    printed_figures,
    un_comtrade,
    us_census,
    usitc_dataweb,
)
from dagster_project.sources.bulk import BulkTable, OnProgress, load_bulk_table
from dagster_project.sources.connector import Connector, SelectionError
from dagster_project.sources.parsing import closest
from dagster_project.sources.raw import (
    REJECTS_SCHEMA,
    SNAPSHOT_FILES_SCHEMA,
    LoadResult,
    SourceTable,
    load_index,
    load_table,
)

__all__ = [
    "BULK",
    "CATALOG",
    "CONNECTORS",
    "REJECTS_SCHEMA",
    "SNAPSHOT_FILES_SCHEMA",
    "SOURCES",
    "BulkTable",
    "LoadResult",
    "Source",
    "SourceTable",
    "connector_of",
    "load_all",
    "load_entry",
    "load_snapshot_index",
    "load_table",
    "table_named",
]


@dataclass(frozen=True)
class Source:
    """What one publisher's module gives the project.

    Tables of large files are `bulk`: their releases are compared by bytes only. Data of a source
    without a connector is added by hand; one with a connector is fetched on the days of its
    `calendars` (`defs/schedules.py`).
    """

    tables: tuple[SourceTable, ...] = ()
    bulk: tuple[BulkTable, ...] = ()
    connector: Connector | None = None
    calendars: tuple[str, ...] = ("daily_check",)


_FT900 = ("ft900_monthly", "us_annual_revision")

SOURCES: tuple[Source, ...] = (
    Source(us_census.TABLES, connector=us_census.CONNECTOR, calendars=_FT900),
    Source(un_comtrade.TABLES, un_comtrade.BULK_TABLES, un_comtrade.CONNECTOR, ("comtrade_daily",)),
    Source(usitc_dataweb.TABLES, connector=usitc_dataweb.CONNECTOR, calendars=_FT900),
    Source(bea_ita.TABLES, connector=bea_ita.CONNECTOR, calendars=("bea_quarterly",)),
    Source(
        korea_customs.TABLES,
        connector=korea_customs.CONNECTOR,
        calendars=("korea_monthly_first", "korea_monthly_revision"),
    ),
    Source(fred.TABLES, connector=fred.CONNECTOR, calendars=_FT900),
    Source(bulk=cepii_baci.BULK_TABLES),
    Source(printed_figures.TABLES),
    Source(articles.TABLES),
)

CATALOG: tuple[SourceTable, ...] = tuple(table for one in SOURCES for table in one.tables)
BULK: tuple[BulkTable, ...] = tuple(table for one in SOURCES for table in one.bulk)

# By source.
CONNECTORS: Mapping[str, Connector] = {
    one.connector.about.source_id: one.connector for one in SOURCES if one.connector
}


def table_named(table: str) -> SourceTable | BulkTable:
    """The entry of a table, of either kind.

    Raises:
        KeyError: no such table; the message lists the existing ones.
    """
    entries = (*CATALOG, *BULK)
    for entry in entries:
        if entry.table == table:
            return entry
    raise KeyError(f"No raw table {table!r}; the catalog has {[e.table for e in entries]}.")


def connector_of(source_id: str) -> Connector:
    """The connector of a source.

    Raises:
        SelectionError: no such source, or one that cannot be fetched.
    """
    if source_id not in CONNECTORS:
        raise SelectionError(
            f"{source_id!r} is not a source that can be fetched:"
            f" {closest(source_id, CONNECTORS)}. `bilateral sources` lists them."
        )
    return CONNECTORS[source_id]


def load_entry(
    entry: SourceTable | BulkTable,
    settings: Settings,
    on_progress: OnProgress = lambda name, done, total: None,
) -> LoadResult:
    """Update the Parquet of one table; see `raw.load_table`, `bulk.load_bulk_table`."""
    if isinstance(entry, BulkTable):
        return load_bulk_table(entry, settings, on_progress)
    return load_table(entry, settings)


def load_snapshot_index(settings: Settings) -> LoadResult:
    """Write the list of every file of every release; see `raw.load_index`."""
    return load_index((*CATALOG, *BULK), settings)


def load_all(settings: Settings) -> tuple[LoadResult, ...]:
    """Load every table of the catalog, and the list of snapshots first.

    The list goes first because it rejects a sidecar with an unknown table or layout.
    """
    index = load_snapshot_index(settings)
    return (
        index,
        *(load_entry(entry, settings) for entry in (*CATALOG, *BULK)),
    )
