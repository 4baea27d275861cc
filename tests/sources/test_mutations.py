"""Whatever stands in a file of a known layout, it is read or refused with the reason.

`BILATERAL_MUTATIONS` raises the number of files for each layout.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Generator

import pytest
from sources.layout_samples import mutated, read, samples

from dagster_project.sources.catalog import BULK, CATALOG
from dagster_project.sources.inbox import InboxError
from dagster_project.sources.isolation import MB, Isolated, Limits
from dagster_project.sources.snapshot import SnapshotError

SAMPLES = samples()
MUTATIONS = int(os.environ.get("BILATERAL_MUTATIONS", "25"))
# What one file may take, in a process that has read hundreds of others.
LIMITS = Limits(cpu_seconds=10, wall_seconds=60, memory=1024 * MB)
REFUSED = (InboxError, SnapshotError)
# These leave rows out or in another order, and change none that the layout lets be read.
KEEPING = {"cut", "cut_packed", "damage_packed", "in_members", "swap_lines"}
# A line of these belongs to the header above it.
IN_GROUPS = {"bea_trade_tables", "dataweb_export"}


@pytest.fixture(scope="module")
def isolated() -> Generator[Isolated]:
    with Isolated("sources.layout_samples") as child:
        yield child


@pytest.mark.slow
def test_every_layout_has_a_sample_that_is_read() -> None:
    layouts = {(one.table, layout) for one in (*CATALOG, *BULK) for layout in one.layouts}
    assert SAMPLES.keys() == layouts
    for (table, layout), content in SAMPLES.items():
        assert read(table, layout, content).rows, layout


@pytest.mark.slow
@pytest.mark.parametrize(("table", "layout"), SAMPLES)
def test_a_mutation_is_read_or_refused(isolated: Isolated, table: str, layout: str) -> None:
    content = SAMPLES[table, layout]
    whole = isolated.call(read, table, layout, content, limits=LIMITS).rows
    counted: Counter[str] = Counter()
    for seed in range(MUTATIONS):
        kind, file = mutated(content, random.Random(f"{layout} {seed}"))
        try:
            found = isolated.call(read, table, layout, file, limits=LIMITS, expected=REFUSED)
        except REFUSED:
            counted["refused"] += 1
            continue
        counted["read"] += 1
        assert found.seconds < 10, (kind, seed)
        if kind in KEEPING and not (kind == "swap_lines" and layout in IN_GROUPS):
            # No layout shows that the last cell was cut, if the line has all its cells.
            others = found.rows - whole
            assert len(others) <= (kind == "cut"), (kind, seed, sorted(others)[:3])
    assert counted.total() == MUTATIONS
    assert counted["refused"] > 0
