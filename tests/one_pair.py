"""The shipped snapshots cut down to one pair of countries, for tests that build often."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from hashlib import sha256
from pathlib import Path

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.snapshot import SIDECAR

SHIPPED = PROJECT_ROOT / "data" / "snapshots"
# The months of one partner; of the others only the years.
PARTNER = "5800"
COUNTRY_FILE = "us_census/2017-01/country.csv"


def copy_one_pair(target: Path) -> None:
    """Copy the releases of the pair; of those of every partner only one country file.

    Large files are the compressed ones: they hold every partner.
    """
    for sidecar in sorted(SHIPPED.glob(f"*/*/{SIDECAR}")):
        described = json.loads(sidecar.read_text(encoding="utf-8"))
        described["files"] = [
            file for file in described["files"] if not file["name"].endswith(".gz")
        ]
        folder = target / sidecar.parent.relative_to(SHIPPED)
        if f"{folder.parent.name}/{folder.name}/country.csv" == COUNTRY_FILE:
            content = _years_of_partners()
            described["files"] = [
                {
                    "name": "country.csv",
                    "table": "us_census__country_file",
                    "layout": "census_country_file",
                    "address": "https://www.census.gov/foreign-trade/balance/country.xlsx",
                    "sha256": sha256(content).hexdigest(),
                    "bytes": len(content),
                    "composed_from": "The shipped file.",
                    "note": None,
                }
            ]
            folder.mkdir(parents=True)
            (folder / "country.csv").write_bytes(content)
        elif not described["files"]:
            continue
        else:
            folder.mkdir(parents=True)
            for file in described["files"]:
                shutil.copyfile(sidecar.parent / file["name"], folder / file["name"])
        (folder / SIDECAR).write_text(json.dumps(described), encoding="utf-8")


def _years_of_partners() -> bytes:
    with gzip.open(SHIPPED / f"{COUNTRY_FILE}.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    last = max(row["year"] for row in rows)
    for row in rows:
        is_kept = row["CTY_CODE"] == PARTNER or row["year"] == last
        months = [] if is_kept else [name for name in row if len(name) == 4 and name != "year"]
        writer.writerow({**row, **dict.fromkeys(months, "")})
    return out.getvalue().encode()
