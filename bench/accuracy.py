"""The error of reconciled flows against the truth of a synthetic world, by provenance."""

from __future__ import annotations

import duckdb
import polars as pl

from bench.reference import DEFAULT_RULE
from dagster_project.world.rules import RULES

ALL = "all"
REPORTS = {"exporter_report": "exporter_reported_usd", "importer_report": "importer_fob_usd"}
SCORED = {
    "reconciled": "reconciled_usd",
    **REPORTS,
    **{rule.name: f"{rule.name}_usd" for rule in RULES if rule.name != DEFAULT_RULE},
}


def accuracy(connection: duckdb.DuckDBPyConnection, flows: str, truth: str) -> pl.DataFrame:
    """One row for each provenance, and one named `all`: flows, and the error of each value.

    Errors cover the flows that have the value and a truth, null where none has: for a report, those
    whose country reported. A rule that uses one report takes the other where it is missing.

    Args:
        flows: relation in the columns of `mirror_reconciled`.
        truth: relation with the true `value_usd`, in the columns of `tests.world_generator.truth`.
    """
    errors = ", ".join(
        f"sqrt(avg(power(ln(nullif(f.{column}, 0) / t.value_usd), 2))) as {name}"
        for name, column in SCORED.items()
    )
    return connection.sql(
        f"select coalesce(f.provenance, '{ALL}') as provenance, count(*) as flows, {errors}"
        f" from {flows} as f inner join {truth} as t on f.year = t.year"
        " and f.exporter_iso3 = cast(t.exporter_iso3 as varchar)"
        " and f.importer_iso3 = cast(t.importer_iso3 as varchar)"
        " and f.product_code = cast(t.product_code as varchar)"
        " group by grouping sets ((f.provenance), ()) order by f.provenance nulls last"
    ).pl()
