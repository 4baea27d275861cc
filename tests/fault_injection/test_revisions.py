"""Five hundred revisions of one file at once: a build publishes, and a finding names each row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from hashlib import sha256
from random import Random

import pytest
from fault_injection.project_copy import ProjectCopy

from dagster_project.publish.links import point
from dagster_project.sources.snapshot import SIDECAR
from dagster_project.warehouse import open_file

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
HEADER = [
    *("year", "CTY_CODE", "CTYNAME"),
    *(f"{flow}{month}" for flow in "IE" for month in (*MONTHS, "YR")),
]
PARTNERS = ("0003", "0005", "1220", "2010", "4280", "5700", "5880", "7230")
YEARS = range(2010, 2016)
REVISIONS = 500

Row = dict[str, str]


def printed(random: Random) -> list[Row]:
    """A country file in millions of dollars with one decimal."""
    rows = []
    for code in PARTNERS:
        for year in YEARS:
            row = {"year": str(year), "CTY_CODE": code, "CTYNAME": code}
            for flow in "IE":
                tenths = [random.randint(1_000, 300_000) for _ in MONTHS]
                for month, amount in zip(MONTHS, tenths, strict=True):
                    row[f"{flow}{month}"] = f"{amount / 10:.1f}"
                row[f"{flow}YR"] = f"{sum(tenths) / 10:.1f}"
            rows.append(row)
    return rows


def revised(rows: list[Row], random: Random) -> Iterator[tuple[int, str]]:
    """Change the rows in place; yields the row number and column of each change."""
    cells = [(place, column) for place in range(len(rows)) for column in HEADER[3:]]
    for place, column in random.sample(cells, REVISIONS):
        row = rows[place]
        match random.choice(("more", "less", "withdrawn", "zero")):
            case "more":
                row[column] = f"{float(row[column]) * random.uniform(1.12, 10):.1f}"
            case "less":
                row[column] = f"{float(row[column]) * random.uniform(0.1, 0.88):.1f}"
            case "withdrawn":
                row[column] = ""
            case "zero":
                row[column] = "0.0"
        # The header is row 1.
        yield place + 2, column


def end_a_group(rows: list[Row]) -> Iterator[tuple[int, str]]:
    for place, row in enumerate(rows):
        if (row["CTY_CODE"], row["year"]) == ("0005", str(YEARS[-1])):
            for flow in "IE":
                for month in MONTHS[6:]:
                    row[f"{flow}{month}"] = "0.0"
                    yield place + 2, f"{flow}{month}"


def add_release(copy: ProjectCopy, release_id: str, known_from: str, rows: list[Row]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = out.getvalue().encode()
    folder = copy.settings.shipped_snapshots / "us_census" / release_id
    folder.mkdir()
    (folder / "country.csv").write_bytes(content)
    described = {
        "source_id": "us_census",
        "release_id": release_id,
        "known_from": known_from,
        "known_from_precision": "day",
        "retrieved_on": "2026-11-22",
        "licence": "A test.",
        "redistributable": True,
        "files": [
            {
                "name": "country.csv",
                "table": "us_census__country_file",
                "layout": "census_country_file",
                "address": "https://www.census.gov/",
                "sha256": sha256(content).hexdigest(),
                "bytes": len(content),
                "composed_from": "A test.",
                "note": None,
            }
        ],
    }
    (folder / SIDECAR).write_text(json.dumps(described), encoding="utf-8")
    return f"us_census/{release_id}/country.csv"


@pytest.mark.parametrize("seed", [1, 2])
def test_every_revision_is_named_and_none_stops_the_build(copy: ProjectCopy, seed: int) -> None:
    random = Random(seed)
    rows = printed(random)
    changes: set[tuple[int, str]] = set()
    files: list[str] = []

    def publish_twice(copy: ProjectCopy) -> None:
        files.append(add_release(copy, "2017-02", "2017-02-10", rows))
        changes.update(end_a_group(rows))
        changes.update(revised(rows, random))
        unknown = {**rows[-1], "CTY_CODE": "9998", "CTYNAME": "New"}
        files.append(add_release(copy, "2017-03", "2017-03-10", [*rows, unknown]))

    served = copy.settings.published.readlink()
    try:
        with copy.broken(publish_twice):
            ended = copy.build()
        assert copy.refusal == ()
        assert set(ended.values()) == {"pass", "warn"}
        with open_file(copy.settings.warehouse, read_only=True) as connection:
            found = connection.execute(
                "select row_number, column_name from warehouse.marts.data_findings"
                " where snapshot_file in (?, ?)",
                files,
            ).fetchall()
    finally:
        point(copy.settings.published, served)
    assert len(changes) > REVISIONS
    assert changes - set(found) == set()
    assert (len(rows) + 2, "CTY_CODE") in found
