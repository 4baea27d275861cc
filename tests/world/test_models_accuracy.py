"""Tests that reconciled values are at least as accurate as the better report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import polars as pl
import pytest
from world.laboratory import (
    BULK,
    DISTANCES,
    FITS,
    NOWHERE,
    Areas,
    Laboratory,
    cif_fit,
    only,
    said,
    show,
    world_distances,
)

from bench.accuracy import ALL, REPORTS, SCORED, accuracy
from bench.rules import ERRORS
from tests.world_generator import Reporting, World, truth

RECONCILED = "mirror_reconciled"
SEEDS = range(70_001, 70_006)
# Missing reporters, omitted rows, thresholds; most exporters lose some partners.
PRACTICE = replace(Reporting.as_in_practice(), nes_reporters=0.8, nes_flows=0.1)


def measured(laboratory: Laboratory, areas: Areas, world: World) -> pl.DataFrame:
    given = {BULK: areas.of_world(world), DISTANCES: world_distances(world)}
    with laboratory.run(given) as run:
        run.register("truth", truth(world))
        return accuracy(run, f"marts.{RECONCILED}", "truth")


@pytest.fixture(scope="module", params=ERRORS)
def errors(
    takes_long: None, request: pytest.FixtureRequest, laboratory: Laboratory, areas: Areas
) -> dict[str, dict[str, float]]:
    """The root mean square of each value's error over all worlds, by provenance."""
    kind = ERRORS[request.param]()
    worlds = [World(seed=seed, products=100, errors=kind, reporting=PRACTICE) for seed in SEEDS]
    with ThreadPoolExecutor(2) as threads:
        results = pl.concat(threads.map(lambda world: measured(laboratory, areas, world), worlds))
    show(f"{request.param}\n{results}")
    pooled: dict[str, dict[str, float]] = {}
    for (provenance,), rows in results.group_by("provenance"):
        flows = rows["flows"]
        pooled[str(provenance)] = {"flows": float(flows.sum())} | {
            name: float(((rows[name] ** 2 * flows).sum() / flows.sum()) ** 0.5)
            for name in SCORED
            if rows[name].null_count() == 0
        }
    return pooled


def test_no_provenance_is_worse_than_the_better_report(
    errors: dict[str, dict[str, float]],
) -> None:
    reports = {
        "both": {*REPORTS},
        "nes_allocated": {*REPORTS},
        "exporter_only": {"exporter_report"},
        "importer_only": {"importer_report"},
    }
    assert errors.keys() == {ALL, *reports}
    for provenance, names in reports.items():
        row = errors[provenance]
        assert row["flows"] > 500, provenance
        assert row.keys() & REPORTS.keys() == names
        assert 0 < row["reconciled"] <= min(row[name] for name in names) * (1 + 1e-9), provenance


def test_over_all_flows_the_reconciled_value_is_nearer_than_either_report(
    errors: dict[str, dict[str, float]],
) -> None:
    row = errors[ALL]
    assert 0 < row["reconciled"] < min(row["exporter_only"], row["importer_only"])


def test_a_share_of_areas_nes_does_not_replace_the_importers_report(
    laboratory: Laboratory, areas: Areas
) -> None:
    """Of the 1,000,000 that Korea reports the USA names no partner of 8, and reports no more."""
    rows = areas.rows(said("USA", "X", "899", 8), said("KOR", "M", "USA", 1_250_000))
    given = {BULK: rows, DISTANCES: NOWHERE, FITS: cif_fit(mean_cif_rate=1.25)}
    one = only(laboratory.rows(given, RECONCILED))
    assert (one["provenance"], one["nes_allocated_usd"]) == ("importer_only", 8)
    assert (one["exporter_usd"], one["exporter_weight"]) == (None, 0)
    assert {one[SCORED[name]] for name in SCORED if name not in REPORTS} == {1_000_000}
