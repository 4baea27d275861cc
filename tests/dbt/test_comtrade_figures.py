"""A row of UN Comtrade gives its value and, beside CIF, the value without freight."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from compiled_models import CompiledModels
from sources.source_files import comtrade_bytes, comtrade_row, snapshot_file

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.left_out import rows_left_out
from dagster_project.sources.un_comtrade.trade import parse_reply, read_areas

pytestmark = pytest.mark.slow

STAGED = "stg_un_comtrade__trade"
ALIGNED = "int_trade__un_comtrade_trade_aligned"
REPORTING = "int_trade__un_comtrade_reporting_chosen"
AREAS = read_areas(PROJECT_ROOT / "dbt" / "seeds")
FILE = snapshot_file("comtrade_v1", "data.json")
BOTH = {"cifvalue": 575, "primaryValue": 575, "fobvalue": 536}

Figure = tuple[int, str, str, Decimal]


def figures(
    models: CompiledModels, *rows: dict[str, object], import_valuation: str | None = None
) -> list[Figure]:
    """Row, column, valuation and value of every figure of these rows."""
    return columns(
        models,
        "row_number, column_name, valuation, value_usd",
        *rows,
        import_valuation=import_valuation,
    )


def columns(
    models: CompiledModels,
    wanted: str,
    *rows: dict[str, object],
    import_valuation: str | None = None,
) -> list[tuple]:
    """Some columns of every figure of these rows."""
    parsed = parse_reply(comtrade_bytes(*rows), FILE, AREAS)
    assert parsed.rejects.is_empty()
    raw = parsed.frame.with_columns(
        release_id=pl.lit("r"), snapshot_file=pl.lit("f"), snapshot_sha256=pl.lit("s")
    )
    staged = models.staged(STAGED, raw)
    reporting = pl.DataFrame(
        {
            "type_code": ["C"],
            "freq_code": ["A"],
            "reference_period": ["2016"],
            "reporter_iso3": ["USA"],
            "import_concept": ["general"],
            "import_valuation": [import_valuation],
            "export_valuation": [None],
        },
        schema_overrides=dict.fromkeys(("import_valuation", "export_valuation"), pl.String()),
    )
    with models.run({STAGED: staged, REPORTING: reporting}, ALIGNED) as connection:
        return connection.execute(
            f"select {wanted} from intermediate.{ALIGNED} order by row_number, column_name desc"
        ).fetchall()


def test_us_imports_have_a_customs_value_in_a_column_of_its_own(
    compiled_models: CompiledModels,
) -> None:
    assert figures(compiled_models, comtrade_row(**BOTH)) == [
        (1, "primaryValue", "cif", Decimal(575)),
        (1, "fobvalue", "customs", Decimal(536)),
    ]


def test_other_countries_value_without_freight_is_fob(compiled_models: CompiledModels) -> None:
    row = comtrade_row(
        reporterCode=410, reporterISO="KOR", partnerCode=842, partnerISO="USA", **BOTH
    )
    assert [figure[2] for figure in figures(compiled_models, row)] == ["cif", "fob"]


@pytest.mark.parametrize(
    "changes",
    [
        {"fobvalue": 0.0},
        {"fobvalue": None},
        {"fobvalue": 575},
        # A part of the trade, or something else.
        {"fobvalue": 100},
        {"fobvalue": 600},
        # The value is already free of freight.
        {"primaryValue": 536},
        {"flowCode": "X"},
    ],
)
def test_what_is_no_second_value_gives_no_figure(
    compiled_models: CompiledModels, changes: dict[str, object]
) -> None:
    found = figures(compiled_models, comtrade_row(**{**BOTH, **changes}))
    assert [figure[:2] for figure in found] == [(1, "primaryValue")]


def test_a_series_known_to_be_without_freight_has_one_figure(
    compiled_models: CompiledModels,
) -> None:
    stated = figures(compiled_models, comtrade_row(**BOTH), import_valuation="fob")
    assert [figure[1:3] for figure in stated] == [("primaryValue", "fob")]
    # A break of the seed: Comtrade's US imports of 2000 are at the customs value.
    broken = comtrade_row(period="2000", refYear=2000, **BOTH)
    assert [figure[2] for figure in figures(compiled_models, broken)] == ["customs"]


def test_parts_of_a_flow_have_no_second_figure_either(compiled_models: CompiledModels) -> None:
    assert figures(compiled_models, comtrade_row(motCode=1000, **BOTH), comtrade_row()) == [
        (2, "primaryValue", "cif", Decimal("71887.5"))
    ]


def left_out(*rows: dict[str, object]) -> dict[str, int]:
    """How many of these rows become no figure, by reason."""
    parsed = parse_reply(comtrade_bytes(*rows), FILE, AREAS)
    assert parsed.rejects.is_empty()
    file = replace(FILE, table="un_comtrade__trade")
    return rows_left_out(parsed.frame, file, Settings(PROJECT_ROOT, PROJECT_ROOT, None))


@pytest.mark.parametrize(
    "part", [{"motCode": 1000}, {"partner2Code": 156}, {"customsCode": "C01"}, {"mosCode": "2"}]
)
def test_parts_are_counted_by_whether_their_total_is_there(part: dict[str, object]) -> None:
    rows = (comtrade_row(**part), comtrade_row(**part, partnerCode=392, partnerISO="JPN"))
    assert left_out(*rows) == {"parts_without_total": 2}
    assert left_out(*rows, comtrade_row()) == {"part_of_a_flow": 1, "parts_without_total": 1}


SERVICES = {"typeCode": "S", "cifvalue": None, "fobvalue": None}


@pytest.mark.parametrize(
    ("edition", "code", "product"),
    [
        ("EB02", "TOTAL", ("total", "total")),
        ("EB02", "205", ("ebops", "205")),
        ("EB", "1.1", ("ebops", "1.1")),
        ("EB10", "SC1", ("ebops", "SC1")),
    ],
)
@pytest.mark.parametrize(("flow", "concept"), [("X", "total"), ("M", "general")])
def test_services_are_on_the_balance_of_payments_basis(
    compiled_models: CompiledModels,
    edition: str,
    code: str,
    product: tuple[str, str],
    flow: str,
    concept: str,
) -> None:
    row = comtrade_row(**SERVICES, classificationCode=edition, cmdCode=code, flowCode=flow)
    found = columns(
        compiled_models,
        "trade_kind, concept, valuation, account_basis, product_system, product_code, value_usd",
        row,
    )
    assert found == [("services", concept, "bop", "bop", *product, Decimal("71887.5"))]
    assert left_out(row) == {}


def test_the_report_of_a_group_is_counted_and_no_figure(compiled_models: CompiledModels) -> None:
    row = comtrade_row(reporterCode=97, reporterISO="EUR")
    assert figures(compiled_models, row) == []
    assert left_out(row) == {"reporter_is_a_group": 1}


@pytest.mark.parametrize(
    ("code", "iso", "area"),
    [(58, "BEL", "comtrade:58"), (711, "ZA1", "comtrade:711"), (810, "SUN", "SUN")],
)
def test_former_areas_are_reporters_and_partners_of_their_own(
    compiled_models: CompiledModels, code: int, iso: str, area: str
) -> None:
    year = {"period": "1990", "refYear": 1990}
    rows = (
        comtrade_row(reporterCode=code, reporterISO=iso, **year),
        comtrade_row(partnerCode=code, partnerISO=iso, **year),
    )
    found = columns(compiled_models, "reporter_iso3, partner_code, is_aggregate", *rows)
    assert found == [(area, "KOR", False), ("USA", area, False)]
    assert left_out(*rows) == {}


def test_belgium_is_not_belgium_and_luxembourg(compiled_models: CompiledModels) -> None:
    row = comtrade_row(partnerCode=56, partnerISO="BEL")
    assert columns(compiled_models, "partner_code", row) == [("BEL",)]
    listed = compiled_models.seeds["comtrade_areas"].filter(area_code="58")
    assert listed["name"].to_list() == ["Belgium-Luxembourg (to 1998)"]
