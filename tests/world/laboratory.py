"""Runs the mirror models on rows that a test makes up or a synthetic world reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import polars as pl
from compiled_models import CompiledModels
from rich.console import Console

from dagster_project.world.cif import CIF_TERMS
from dagster_project.world.tables import LAST_FITS
from tests.world_generator import World, reports
from tests.world_generator.truth import found

BULK = "stg_un_comtrade__bulk"
FILES = "stg_snapshots__files"
VALUATIONS = "int_trade__un_comtrade_reporting_chosen"
COMPARED = "int_breaks__imports_compared"
# How it is made is for other tests: given, or not read.
OBSERVATIONS = "observations"
DISTANCES = "int_mirror__distances"
FITS = "int_mirror__cif_fits"
_RECONCILED = "mirror_reconciled"
# Numbers that are reported rather than asserted: `pytest -s` shows them.
show = Console(width=110, highlight=False).print
# The common edition, and no second partner, mode or procedure.
_COMMON_EDITION = "H4"
_FIRST_RELEASE = "2017-06-01-aaaaaaaa"
_ROW: dict[str, Any] = {
    "release_id": _FIRST_RELEASE,
    "snapshot_file": "made_up.tsv.gz",
    "type_code": "C",
    "freq_code": "A",
    "reference_period": None,
    "partner2_area_code": "0",
    "classification_code": _COMMON_EDITION,
    "customs_code": "C00",
    "mos_code": "0",
    "mot_code": "0",
    "qty_unit_code": "-1",
    "quantity": None,
    "net_weight_kg": None,
    "cif_value_usd": None,
    "fob_value_usd": None,
    "is_reported": True,
    "is_aggregate": False,
}
BULK_COLUMNS: dict[str, pl.DataType] = {
    "release_id": pl.String(),
    "snapshot_file": pl.String(),
    "snapshot_sha256": pl.String(),
    "type_code": pl.String(),
    "freq_code": pl.String(),
    "year": pl.Int32(),
    "reference_month": pl.Int32(),
    "reference_period": pl.String(),
    "reporter_area_code": pl.String(),
    "partner_area_code": pl.String(),
    "partner2_area_code": pl.String(),
    "flow_code": pl.String(),
    "classification_code": pl.String(),
    "cmd_code": pl.String(),
    "customs_code": pl.String(),
    "mos_code": pl.String(),
    "mot_code": pl.String(),
    "qty_unit_code": pl.String(),
    "quantity": pl.Float64(),
    "net_weight_kg": pl.Float64(),
    "cif_value_usd": pl.Float64(),
    "fob_value_usd": pl.Float64(),
    "value_usd": pl.Float64(),
    "is_reported": pl.Boolean(),
    "is_aggregate": pl.Boolean(),
}
# The publisher's own file of a reporter's year, and what a query selected of it.
WHOLE_REPORT, DOWNLOAD = "comtrade_bulk_34", "comtrade_csv_47"
_FILE_OF_RELEASE = pl.format("file of {}", "release_id")
_FILES: dict[str, pl.DataType] = {
    "source_id": pl.String(),
    "table_name": pl.String(),
    "release_id": pl.String(),
    "snapshot_sha256": pl.String(),
    "snapshot_file": pl.String(),
    "layout": pl.String(),
    "known_from": pl.Date(),
    "retrieved_at": pl.Datetime(),
}
_VALUATIONS: dict[str, pl.DataType] = {
    "type_code": pl.String(),
    "freq_code": pl.String(),
    "reference_period": pl.String(),
    "reporter_iso3": pl.String(),
    "import_concept": pl.String(),
    "import_valuation": pl.String(),
    "export_valuation": pl.String(),
}
COMPARED_COLUMNS: dict[str, pl.DataType] = {
    "source_id": pl.String(),
    "raw_table": pl.String(),
    "release_id": pl.String(),
    "reporter_iso3": pl.String(),
    "partner_code": pl.String(),
    "product": pl.String(),
    "year": pl.Int32(),
    "compared_with": pl.String(),
    "compared_valuation": pl.String(),
    "ln_ratio": pl.Float64(),
}
# No distance between any two countries: every rate is the mean of the fit.
NOWHERE = pl.DataFrame(
    schema={
        "exporter_iso3": pl.String(),
        "importer_iso3": pl.String(),
        "distance_km": pl.Float64(),
        "is_contiguous": pl.Boolean(),
        "is_exporter_landlocked": pl.Boolean(),
        "is_importer_landlocked": pl.Boolean(),
    }
)


@dataclass(frozen=True)
class Laboratory:
    """The compiled models of mirrors, and runs of them on the rows of a test."""

    models: CompiledModels = field(repr=False)

    def run(
        self, given: Mapping[str, pl.DataFrame], *wanted: str, as_of: date | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Make `wanted` (none: reconciled flows) and what they read."""
        return self.models.run(_with_defaults(given), *(wanted or (_RECONCILED,)), as_of=as_of)

    def rows(
        self, given: Mapping[str, pl.DataFrame], wanted: str, as_of: date | None = None
    ) -> pl.DataFrame:
        """One relation of a run."""
        with self.run(given, wanted, as_of=as_of) as connection:
            return fetched(connection, wanted)


def fetched(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    schema = "intermediate" if name.startswith("int_") else "marts"
    return connection.sql(f"select * from {schema}.{name}").pl()


def _with_defaults(given: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Releases known since the first day of the year after, no note on any valuation, no
    second source."""
    releases = sorted(given[BULK]["release_id"].unique()) if BULK in given else [_FIRST_RELEASE]
    defaults = {
        FILES: known_releases(dict.fromkeys(releases, date(2017, 6, 1))),
        VALUATIONS: valuations({}),
    }
    if OBSERVATIONS not in given:
        defaults[COMPARED] = pl.DataFrame(schema=COMPARED_COLUMNS)
    return {**defaults, **given}


def known_releases(
    known_from: Mapping[str, date],
    again: Mapping[str, str] | None = None,
    layout: str = WHOLE_REPORT,
) -> pl.DataFrame:
    """The list of files, with the day since which each release is known.

    Each release has a file of its own; one named in `again` has the file of another.
    """
    return pl.DataFrame(
        [
            {
                "source_id": "un_comtrade",
                "table_name": "un_comtrade__bulk",
                "release_id": release,
                "snapshot_sha256": f"file of {(again or {}).get(release, release)}",
                "snapshot_file": f"{release}/report.tsv.gz",
                "layout": layout,
                "known_from": day,
                "retrieved_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC).replace(
                    tzinfo=None
                ),
            }
            for release, day in known_from.items()
        ],
        schema=_FILES,
    )


def valuations(told: Mapping[tuple[str, int], str]) -> pl.DataFrame:
    """What the publisher says of the imports of a reporter and year."""
    return pl.DataFrame(
        [
            {
                "type_code": "C",
                "freq_code": "A",
                "reference_period": str(year),
                "reporter_iso3": iso3,
                "import_concept": "general",
                "import_valuation": valuation,
                "export_valuation": "fob",
            }
            for (iso3, year), valuation in told.items()
        ],
        schema=_VALUATIONS,
    )


@dataclass(frozen=True)
class Areas:
    """Countries by the publisher's codes."""

    codes: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, laboratory: Laboratory) -> Areas:
        listed = laboratory.models.seeds["country_list"].drop_nulls("comtrade_codes")
        return cls(
            {
                iso3: codes.split()[0]
                for iso3, codes in listed.select("iso3", "comtrade_codes").iter_rows()
            }
        )

    def rows(self, *rows: Mapping[str, Any]) -> pl.DataFrame:
        """Rows of the publisher's table from `said`, or any mapping of its columns."""
        spelled = []
        for row in rows:
            spelled.append(
                {
                    **_ROW,
                    **row,
                    "reporter_area_code": self.codes.get(row["reporter"], row["reporter"]),
                    "partner_area_code": self.codes.get(row["partner"], row["partner"]),
                }
            )
        return pl.DataFrame(spelled, schema=BULK_COLUMNS, strict=True).with_columns(
            pl.coalesce("reference_period", pl.col("year").cast(pl.String)),
            snapshot_sha256=_FILE_OF_RELEASE,
        )

    def of_world(self, world: World) -> pl.DataFrame:
        """What the reporters of a made-up world say."""
        exports, imports = reports(world)
        return self.of_reports(exports, imports)

    def of_reports(self, exports: pl.DataFrame, imports: pl.DataFrame) -> pl.DataFrame:
        sides = []
        for flow, frame, reporter, partner in (
            ("X", exports, "exporter_iso3", "importer_iso3"),
            ("M", imports, "importer_iso3", "exporter_iso3"),
        ):
            sides.append(
                frame.select(
                    "year",
                    reporter_area_code=self._coded(reporter),
                    partner_area_code=self._coded(partner),
                    flow_code=pl.lit(flow),
                    cmd_code="product_code",
                    value_usd="value_usd",
                    net_weight_kg="quantity_kg",
                )
            )
        rows = pl.concat(sides)
        constant = {
            name: pl.lit(value, BULK_COLUMNS[name])
            for name, value in _ROW.items()
            if name not in rows.columns
        }
        return (
            rows.with_columns(**constant, reference_month=pl.lit(None, pl.Int32))
            .with_columns(snapshot_sha256=_FILE_OF_RELEASE)
            .select(*BULK_COLUMNS)
        )

    def _coded(self, column: str) -> pl.Expr:
        """Areas not elsewhere specified bear their code in their name."""
        return pl.col(column).str.strip_prefix("comtrade:").replace(dict(self.codes))


def said(
    reporter: str,
    flow: str,
    partner: str,
    value: float,
    *,
    product: str = "010121",
    kg: float | None = None,
    year: int = 2016,
    **columns: Any,
) -> dict[str, Any]:
    """One row of a report; `columns` are further columns of the publisher's table."""
    return {
        "reporter": reporter,
        "flow_code": flow,
        "partner": partner,
        "value_usd": float(value),
        "cmd_code": product,
        "net_weight_kg": kg,
        "year": year,
        **columns,
    }


def cif_fit(**columns: float) -> pl.DataFrame:
    """A fit of 2016 that is what a test says."""
    row = {
        "year": 2016,
        **dict.fromkeys(CIF_TERMS, 0.0),
        "mean_cif_rate": 1.04,
        "mean_ln_unit_value": 2.0,
        "is_pooled": False,
        **columns,
    }
    return pl.DataFrame([row], schema=LAST_FITS)


def world_distances(world: World) -> pl.DataFrame:
    """What lies between the countries of a made-up world, in the columns of the model."""
    geography = found(world).geography
    landlocked = geography.countries.select("iso3", "is_landlocked")
    return geography.pairs.join(
        landlocked.rename({"is_landlocked": "is_exporter_landlocked"}),
        left_on="exporter_iso3",
        right_on="iso3",
    ).join(
        landlocked.rename({"is_landlocked": "is_importer_landlocked"}),
        left_on="importer_iso3",
        right_on="iso3",
    )


def only(frame: pl.DataFrame) -> dict[str, Any]:
    """The one row of a frame."""
    assert frame.height == 1, frame
    return frame.row(0, named=True)
