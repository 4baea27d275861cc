"""The catalog of raw tables, one entry per table; the entry point of the package."""

from __future__ import annotations

from collections.abc import Mapping

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
    "BulkTable",
    "LoadResult",
    "SourceTable",
    "connector_of",
    "load_all",
    "load_entry",
    "load_snapshot_index",
    "load_table",
    "table_named",
]

CATALOG: tuple[SourceTable, ...] = (
    *us_census.TABLES,
    *un_comtrade.TABLES,
    *usitc_dataweb.TABLES,
    *bea_ita.TABLES,
    *korea_customs.TABLES,
    *fred.TABLES,
    *printed_figures.TABLES,
    *articles.TABLES,
)

# Tables of large files, whose releases are compared by bytes only.
BULK: tuple[BulkTable, ...] = (*un_comtrade.BULK_TABLES, *cepii_baci.BULK_TABLES)

# By source. Data of a source without a connector is added by hand.
CONNECTORS: Mapping[str, Connector] = {
    connector.about.source_id: connector
    for connector in (
        us_census.CONNECTOR,
        un_comtrade.CONNECTOR,
        usitc_dataweb.CONNECTOR,
        bea_ita.CONNECTOR,
        korea_customs.CONNECTOR,
        fred.CONNECTOR,
    )
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
