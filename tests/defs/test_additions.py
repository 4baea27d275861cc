"""What a source, a sector and a measure cost: each is added to a copy of the project and built."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.defs import schedules
from dagster_project.publish.dbt_project import BUILD_FILE_NAME, dbt_environment, dbt_executable
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.catalog import CONNECTORS, SOURCES, Source
from dagster_project.sources.connector import Connector
from dagster_project.warehouse import open_file

MODULE = '''"""The office of Utopia: Canada's trade by year, partner and HS chapter."""

import polars as pl

from dagster_project.sources.parsing import Parsed
from dagster_project.sources.formats import read_csv_cells, shows
from dagster_project.sources.raw import SourceTable

SCHEMA = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "partner": pl.String(),
    "year": pl.Int32(),
    "flow": pl.String(),
    "chapter": pl.String(),
    "cad_free_usd": pl.Decimal(18, 0),
}


def parse(content, file):
    cells, rejects = read_csv_cells(content, file.snapshot_file, list(SCHEMA)[2:])
    cells = cells.with_columns(pl.lit("cad_free_usd").alias("column_name"))
    return Parsed(cells.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()), rejects)


TABLES = (
    SourceTable(
        source_id="utopia_office",
        table="utopia_office__trade",
        description="Canada's trade by year.",
        layouts=frozenset({"utopia"}),
        layout_detectors={"utopia": shows("cad_free_usd")},
        parser=lambda seeds: parse,
        seeds=(),
        columns=SCHEMA,
        primary_key=("partner", "year", "flow", "chapter"),
        calendar="Yearly.",
    ),
)
'''
STAGING = """
select
    release_id,
    snapshot_file,
    snapshot_sha256,
    row_number,
    column_name,
    partner as partner_code,
    year as reference_year,
    flow,
    case when chapter = '' then 'total' else 'hs2' end as product_system,
    case when chapter = '' then 'total' else chapter end as product_code,
    cast(cad_free_usd as decimal(24, 3)) as value_usd,
    cast(0.5 as decimal(24, 3)) as rounding_margin_usd
from {{ source("raw", "utopia_office__trade") }}
"""
STAGING_YAML = """version: 2
sources:
  - name: raw
    tables:
      - name: utopia_office__trade
        description: Canada's trade by year.
models:
  - name: stg_utopia_office__trade
    description: One row per figure.
"""
ALIGNED = """
{{ config(materialized="view") }}
select
    s.source_id,
    'utopia_office__trade' as raw_table,
    f.* exclude (reference_year),
    s.reporter_iso3,
    false as is_aggregate,
    'goods' as trade_kind,
    'trade_value' as measure,
    case when f.flow = 'export' then 'total' else 'general' end as concept,
    case when f.flow = 'export' then 'fob' else 'cif' end as valuation,
    'census' as account_basis,
    'nsa' as seasonal_adjustment,
    cast(null as varchar) as product_edition,
    make_date(f.reference_year, 1, 1) as period_start,
    make_date(f.reference_year, 12, 31) as period_end,
    f.value_usd as reported_value,
    'USD' as reported_unit
from {{ ref("stg_utopia_office__trade") }} as f
inner join {{ ref("source_list") }} as s on s.source_id = 'utopia_office'
where f.reference_year >= 2020
"""
ALIGNED_YAML = """version: 2
models:
  - name: int_trade__utopia_office_trade_aligned
    description: One row per figure from 2020 on.
    config:
      meta:
        # Earlier years are estimates.
        left_out:
          estimate: year < 2020
"""
ROWS = """partner,year,flow,chapter,cad_free_usd
MEX,2020,export,,300000000
MEX,2020,import,,500000000
MEX,2020,import,04,70000000
MEX,2019,import,,1
"""
STAGING_MODEL = "dbt/models/staging/utopia_office/stg_utopia_office__trade"
ALIGNED_MODEL = "dbt/models/trade/intermediate/int_trade__utopia_office_trade_aligned"
NEW_FILES = {
    "dagster_project/sources/utopia_office.py": MODULE,
    f"{STAGING_MODEL}.sql": STAGING,
    f"{STAGING_MODEL}.yml": STAGING_YAML,
    f"{ALIGNED_MODEL}.sql": ALIGNED,
    f"{ALIGNED_MODEL}.yml": ALIGNED_YAML,
}
CLAIM = (
    "claim_id,document_id,says,trade_kind,measure,reporter,partner,sector,period,base_period,value,"
    "unit,rounding,hedge,attributed_to\n"
    "c1,d1,the shortfall of 2020,goods,shortfall,CAN,MEX,total,2020,,200,USD mn,1,exact,\n"
)
DOCUMENT = "document_id,publisher,title_in_short,published_on,seed_file\nd1,P,T,2026-01-01,\n"
LOAD = (
    "import sys, pathlib; from dagster_project.settings import PROJECT_ROOT, Settings;"
    "from dagster_project.sources.catalog import load_all;"
    "assert PROJECT_ROOT == pathlib.Path(sys.argv[1]).resolve();"
    "load_all(Settings(PROJECT_ROOT, PROJECT_ROOT / 'data', None))"
)
# The marts that show the additions, and the test that no row is lost.
SHOWN = (
    "+trade_by_year",
    "+raw_references",
    "+trade_by_sector_year",
    "+claim_verdicts",
    "+row_outcomes",
)
COMPLETE = "every_raw_row_is_an_observation_or_left_out_for_a_reason"


@dataclass(frozen=True)
class Built:
    """Lines that each addition needed, by file; and the warehouse with all of them."""

    lines: Mapping[str, Mapping[str, int]]
    warehouse: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.warehouse.execute(query).fetchall()


@pytest.fixture(scope="module")
def built(takes_long: None, tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("additions")
    for folder in ("dagster_project", "dbt"):
        left_out = shutil.ignore_patterns("__pycache__", "target", "logs", ".user.yml")
        shutil.copytree(PROJECT_ROOT / folder, root / folder, ignore=left_out)
    lines = {}
    for add in (add_source, add_sector, add_measure):
        before = texts(root)
        add(root)
        lines[add.__name__] = added_lines(before, texts(root))
    release(root, "utopia_office", "utopia", {"utopia_office__trade": ROWS})
    release(root, "articles", None, {"articles__claims": CLAIM, "articles__documents": DOCUMENT})
    return Built(lines, build(root))


def add_source(root: Path) -> None:
    for name, text in NEW_FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    insert(root / "dagster_project/sources/catalog.py", "    us_census,\n", "    utopia_office,\n")
    insert(
        root / "dagster_project/sources/catalog.py",
        "    Source(articles.TABLES),\n",
        "    Source(utopia_office.TABLES),\n",
    )
    insert(root / "dbt/dbt_project.yml", "    - fred__series\n", "    - utopia_office__trade\n")
    append(
        root,
        "source_list",
        "utopia_office,Office of Utopia,Trade,CAN,statistic,10,The compiling office,Free,true,",
    )


def add_sector(root: Path) -> None:
    append(root, "sector_list", "dairy,Dairy products")
    append(root, "sector_definitions", "dairy.hs04,dairy,HS chapter 04,hs2,1,,")
    append(root, "sector_codes", "dairy.hs04,hs2,04")


def add_measure(root: Path) -> None:
    append(
        root, "claim_measures", "shortfall,balance,level,-1,money,false,true,Imports less exports"
    )


def append(root: Path, seed: str, row: str) -> None:
    path = root / "dbt" / "seeds" / f"{seed}.csv"
    path.write_text(f"{path.read_text(encoding='utf-8')}{row}\n", encoding="utf-8")


def insert(path: Path, after: str, line: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert after in text
    path.write_text(text.replace(after, after + line, 1), encoding="utf-8")


def release(root: Path, source_id: str, layout: str | None, tables: Mapping[str, str]) -> None:
    folder = root / "data" / "snapshots" / source_id / "2026-01"
    folder.mkdir(parents=True)
    files = []
    for table, text in tables.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
        files.append(
            {
                "name": f"{table}.csv",
                "table": table,
                "layout": layout or table.removeprefix(f"{source_id}__"),
                "address": None,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "bytes": len(text.encode()),
                "composed_from": None,
                "note": None,
            }
        )
    sidecar = {
        "source_id": source_id,
        "release_id": "2026-01",
        "known_from": "2026-01-01",
        "known_from_precision": "day",
        "retrieved_on": "2026-01-01",
        "licence": "Free",
        "redistributable": True,
        "files": files,
    }
    (folder / "sidecar.json").write_text(json.dumps(sidecar), encoding="utf-8")


def build(root: Path) -> duckdb.DuckDBPyConnection:
    """Load the raw tables with the copied package, and build the marts that show the additions."""
    settings = Settings(root, root / "data", None)
    folder = root / "data" / "build"
    folder.mkdir()
    run((sys.executable, "-c", LOAD, str(root)), root, {**os.environ, "PYTHONPATH": str(root)})
    command = (
        *(str(dbt_executable()), "--quiet", "build", "--no-partial-parse"),
        *("--indirect-selection", "empty", "--select", *SHOWN, COMPLETE),
    )
    run(command, folder, dbt_environment(settings, target=folder / "target"))
    connection = open_file(folder / BUILD_FILE_NAME, read_only=True)
    connection.execute("use warehouse")
    return connection


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    finished = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def texts(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }


def added_lines(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, int]:
    """Added lines by file, with the name alone of a new file; no line may be removed."""
    found = {name: 0 for name in after if name not in before}
    for name in before:
        if before[name] != after[name]:
            changed = difflib.unified_diff(before[name].split("\n"), after[name].split("\n"), n=0)
            marks = [line[0] for line in list(changed)[2:]]
            assert "-" not in marks, name
            found[name] = marks.count("+")
    return found


def test_a_source_is_a_module_two_models_and_a_line_in_catalogue_seed_and_project(
    built: Built,
) -> None:
    assert built.lines["add_source"] == {
        **dict.fromkeys(NEW_FILES, 0),
        # Its import and its entry.
        "dagster_project/sources/catalog.py": 2,
        "dbt/seeds/source_list.csv": 1,
        "dbt/dbt_project.yml": 1,
    }
    assert built.rows(
        "select reporter_iso3, partner_code, year, basis_id, exports_usd, imports_usd, release_key"
        " from marts.trade_by_year where is_preferred and reporter_iso3 = 'CAN'"
    ) == [("CAN", "MEX", 2020, "cif", 300_000_000, 500_000_000, "utopia_office 2026-01")]
    assert built.rows(
        "select snapshot_file, row_number, column_name, value_usd from marts.raw_references"
        " where source_id = 'utopia_office' order by row_number"
    ) == [
        ("utopia_office/2026-01/utopia_office__trade.csv", line, "cad_free_usd", value)
        for line, value in ((2, 300_000_000), (3, 500_000_000), (4, 70_000_000))
    ]


def test_a_sector_is_rows_of_three_seeds(built: Built) -> None:
    assert built.lines["add_sector"] == {
        "dbt/seeds/sector_list.csv": 1,
        "dbt/seeds/sector_definitions.csv": 1,
        "dbt/seeds/sector_codes.csv": 1,
    }
    assert built.rows(
        "select year, product_group, quantity, value_usd from marts.trade_by_sector_year"
        " where sector_id = 'dairy'"
    ) == [(2020, "dairy.hs04", "imports", 70_000_000)]


def test_a_measure_of_known_quantity_and_transform_is_one_row(built: Built) -> None:
    assert built.lines["add_measure"] == {"dbt/seeds/claim_measures.csv": 1}
    assert built.rows("select status, value from marts.claim_verdicts where claim_id = 'c1'") == [
        ("confirmed", 200)
    ]


def test_a_source_without_a_calendar_of_its_own_is_fetched_daily(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Utopia(Connector):
        about = replace(CONNECTORS["fred"].about, source_id="utopia_office")

    monkeypatch.setattr(schedules, "SOURCES", (*SOURCES, Source(connector=Utopia())))
    settings = Settings(PROJECT_ROOT, PROJECT_ROOT / "data", None)
    [schedule] = [
        one
        for one in schedules.build_schedules(settings)
        if one.name.startswith("fetch_utopia_office")
    ]
    [daily] = [one for one in schedules.CALENDARS if one.name == "daily_check"]
    assert schedule.cron_schedule == daily.cron
    assert schedules.freshness_of("utopia_office") is None
