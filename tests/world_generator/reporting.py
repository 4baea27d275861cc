"""The reports of a year's flows, from each side.

Every purpose has its own random stream, so worlds that differ in one parameter differ in nothing
else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.settings import load_settings
from dagster_project.sources.parsing import read_seed
from dagster_project.sources.un_comtrade.trade import AREA_SEED
from tests.world_generator.dice import dice
from tests.world_generator.parameters import World
from tests.world_generator.products import COMMON, NEWER
from tests.world_generator.truth import Flows, Foundations, coded, found, true_flows

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Truths = npt.NDArray[np.bool_]

REPORT_SCHEMA: dict[str, pl.DataType] = {
    "exporter_iso3": pl.String(),
    "importer_iso3": pl.String(),
    "product_code": pl.String(),
    "year": pl.Int32(),
    "value_usd": pl.Float64(),
    "quantity_kg": pl.Float64(),
}

_NES = "899"
# Half of all reporters change to the newer edition when it is out, most others soon after.
_NEWER_FROM, _CHANGES_AT_ONCE = 2017, 0.5
_OMISSION_BY_VALUE = 0.3
# Of a country's size in the odds that it does not report.
_MISSING_BY_SIZE = 0.7


@dataclass(frozen=True, eq=False)
class Offices:
    """The statistical offices of a year: how each reports, in the order of the countries.

    `nes_area` is the position among `nes_codes` of the area an office uses; `nes_flows` the
    share of its flows that lose their partner to it.
    """

    year: int
    sigma_exporter: Floats
    sigma_importer: Floats
    bias_exporter: Floats
    bias_importer: Floats
    is_reporting: Truths
    values_imports_fob: Truths
    says_fob: Truths
    nes_codes: list[str]
    nes_area: Indices
    nes_flows: Floats
    is_newer_edition: Truths


@dataclass(frozen=True, eq=False)
class Reported:
    """One side's rows of a year, as positions, sorted by reporter, product and partner.

    A partner at or beyond the number of countries is an area not elsewhere specified.
    `re_exported_usd` is the part of an export that only passed through. A quantity that is not
    stated is not a number.
    """

    year: int
    reporter: Indices
    partner: Indices
    product: Indices
    value_usd: Floats
    quantity_kg: Floats
    re_exported_usd: Floats


def reports(world: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What exporters and importers report, in the common edition (`REPORT_SCHEMA`).

    An area not elsewhere specified stands as importer with its code in the reference data,
    such as `comtrade:899`. A quantity is null where none is stated.
    """
    lasting = found(world)
    sides: tuple[list[pl.DataFrame], list[pl.DataFrame]] = ([], [])
    for year in world.years:
        flows, offices = true_flows(lasting, year), found_offices(lasting, year)
        exports = report_exports(lasting, offices, flows)
        imports = report_imports(lasting, offices, flows)
        partners = [*lasting.geography.iso3, *(f"comtrade:{code}" for code in offices.nes_codes)]
        products = pl.Enum(lasting.product_codes)
        for frames, side, (reporter, partner) in (
            (sides[0], exports, ("exporter_iso3", "importer_iso3")),
            (sides[1], imports, ("importer_iso3", "exporter_iso3")),
        ):
            columns = {
                reporter: coded(side.reporter, pl.Enum(partners)),
                partner: coded(side.partner, pl.Enum(partners)),
                "product_code": coded(side.product, products),
                "year": pl.repeat(year, side.reporter.size, dtype=pl.Int32, eager=True),
                "value_usd": side.value_usd,
                "quantity_kg": pl.Series(side.quantity_kg).fill_nan(None),
            }
            frames.append(pl.DataFrame(columns).select(*REPORT_SCHEMA))
    exports, imports = (pl.concat(frames).cast(pl.Schema(REPORT_SCHEMA)) for frames in sides)
    return exports, imports


def reporters(world: World) -> pl.DataFrame:
    """How each country reports in each year: the planted truth about reporters."""
    lasting = found(world)
    return pl.concat([office_frame(lasting, found_offices(lasting, year)) for year in world.years])


def office_frame(lasting: Foundations, offices: Offices) -> pl.DataFrame:
    """One row per country; `nes_area_code` is null where an office names every partner."""
    countries = lasting.geography.countries
    loses = pl.Series(offices.nes_flows > 0)
    return pl.DataFrame(
        {
            "year": pl.repeat(offices.year, countries.height, dtype=pl.Int32, eager=True),
            "iso3": countries["iso3"],
            "area_code": countries["area_code"],
            "is_reporting": offices.is_reporting,
            "sigma_exporter": offices.sigma_exporter,
            "sigma_importer": offices.sigma_importer,
            "bias_exporter": offices.bias_exporter,
            "bias_importer": offices.bias_importer,
            "import_valuation": np.where(offices.values_imports_fob, "FOB", "CIF"),
            "stated_valuation": np.where(offices.says_fob, "FOB", "CIF"),
            "nes_area_code": pl.Series(offices.nes_codes)[offices.nes_area],
            "nes_flows": offices.nes_flows,
            "edition": np.where(offices.is_newer_edition, NEWER, COMMON),
        }
    ).with_columns(pl.when(loses).then("nes_area_code"))


def found_offices(lasting: Foundations, year: int) -> Offices:
    """Draw how the offices report in a year; all but who is missing lasts."""
    world, reporting = lasting.world, lasting.world.reporting
    countries = lasting.size.size
    sigma_exporter, sigma_importer = world.errors.sigmas(dice(world.seed, "sigmas"), countries)
    biases = world.errors.bias * dice(world.seed, "biases").standard_normal((2, countries))

    is_reporting = np.ones(countries, bool)
    weight = np.exp(-_MISSING_BY_SIZE * (lasting.size - lasting.size.min()))
    silent = dice(world.seed, "missing", year).choice(
        countries, round(reporting.missing * countries), replace=False, p=weight / weight.sum()
    )
    is_reporting[silent] = False

    says_fob = dice(world.seed, "fob").random(countries) < reporting.fob_importers
    values_fob = says_fob.copy()
    for iso3, broken_year in reporting.valuation_breaks:
        values_fob[lasting.geography.iso3.index(iso3)] |= broken_year == year

    codes = [
        row["area_code"]
        for row in read_seed(load_settings().seeds, AREA_SEED)
        if row["area_kind"] == "area_nes"
    ]
    die = dice(world.seed, "areas n.e.s.")
    regional = die.integers(len(codes), size=countries)
    nes_area = np.where(die.random(countries) < 1 / 2, codes.index(_NES), regional)
    loses = die.random(countries) < reporting.nes_reporters
    nes_flows = np.minimum(loses * die.random(countries) * 2 * reporting.nes_flows, 1)

    lag = dice(world.seed, "editions").geometric(_CHANGES_AT_ONCE, countries) - 1
    return Offices(
        year,
        sigma_exporter,
        sigma_importer,
        *biases,
        is_reporting,
        values_fob,
        says_fob,
        codes,
        nes_area.astype(np.int32),
        nes_flows,
        year >= _NEWER_FROM + lag,
    )


def report_exports(lasting: Foundations, offices: Offices, flows: Flows) -> Reported:
    """The exporters' rows: error, goods through hubs, omissions, threshold, areas n.e.s."""
    ln_error = offices.bias_exporter[flows.exporter] + lasting.world.errors.draw(
        dice(lasting.world.seed, "errors of exports", flows.year),
        offices.sigma_exporter[flows.exporter],
    )
    value = flows.value_usd * np.exp(ln_error)
    quantity = flows.quantity_kg * _quantity_error(lasting, "exports", flows.year, ln_error)
    kept = _kept(lasting, offices, flows, flows.exporter, value, "exports")
    side = Reported(
        flows.year,
        flows.exporter[kept],
        flows.importer[kept],
        flows.product[kept],
        value[kept],
        quantity[kept],
        np.zeros(int(kept.sum())),
    )
    passed = _through_hubs(lasting, offices, flows)
    if passed is not None:
        side = _summed(lasting, offices, side, passed)
    loses = (
        dice(lasting.world.seed, "flows to areas n.e.s.", flows.year).random(flows.value_usd.size)
        < offices.nes_flows[flows.exporter]
    )
    if not loses.any():
        return side
    # A flow loses its partner whatever else was added to its row.
    place = _key(lasting, offices, flows.exporter, flows.product, flows.importer)[loses]
    lost = np.isin(
        _key(lasting, offices, side.reporter, side.product, side.partner), place, kind="sort"
    )
    area = lasting.size.size + offices.nes_area[side.reporter]
    partner = np.where(lost, area, side.partner).astype(np.int32)
    return _summed(
        lasting,
        offices,
        Reported(
            side.year,
            side.reporter,
            partner,
            side.product,
            side.value_usd,
            side.quantity_kg,
            side.re_exported_usd,
        ),
    )


def report_imports(lasting: Foundations, offices: Offices, flows: Flows) -> Reported:
    """The importers' rows: CIF where they value so, error, omissions, threshold."""
    ln_error = offices.bias_importer[flows.importer] + lasting.world.errors.draw(
        dice(lasting.world.seed, "errors of imports", flows.year),
        offices.sigma_importer[flows.importer],
    )
    value = flows.value_usd * np.exp(ln_error)
    value *= np.where(offices.values_imports_fob[flows.importer], 1, flows.cif_factor)
    quantity = flows.quantity_kg * _quantity_error(lasting, "imports", flows.year, ln_error)
    kept = np.flatnonzero(_kept(lasting, offices, flows, flows.importer, value, "imports"))
    # Rows come sorted by exporter, which a stable order by importer and product keeps.
    key = flows.importer[kept] * np.int32(len(lasting.product_codes)) + flows.product[kept]
    kept = kept[np.argsort(key, kind="stable")]
    return Reported(
        flows.year,
        flows.importer[kept],
        flows.exporter[kept],
        flows.product[kept],
        value[kept],
        quantity[kept],
        np.zeros(kept.size),
    )


def _quantity_error(lasting: Foundations, side: str, year: int, ln_error: Floats) -> Floats:
    reporting = lasting.world.reporting
    die = dice(lasting.world.seed, f"quantities of {side}", year)
    noise = reporting.quantity_noise * die.standard_normal(ln_error.size)
    error = np.exp(reporting.quantity_share * ln_error + noise)
    if reporting.no_quantity > 0:
        die = dice(lasting.world.seed, f"rows of {side} without quantity", year)
        error[die.random(ln_error.size) < reporting.no_quantity] = np.nan
    return error


def _kept(
    lasting: Foundations,
    offices: Offices,
    flows: Flows,
    reporter: Indices,
    value: Floats,
    side: str,
) -> Truths:
    """Of which flows a reporter has a row."""
    world, omission = lasting.world, lasting.world.reporting.omission
    kept = offices.is_reporting[reporter] & (value >= world.reporting.threshold_usd)
    if omission > 0:
        relative = (flows.value_usd / world.median_usd) ** -_OMISSION_BY_VALUE
        odds = omission / (1 - omission) * relative
        die = dice(world.seed, f"omitted {side}", flows.year)
        kept &= die.random(value.size) >= odds / (1 + odds)
    return kept


def _through_hubs(lasting: Foundations, offices: Offices, flows: Flows) -> Reported | None:
    """What hubs report as exports of theirs though it came from elsewhere."""
    errors, seed = lasting.world.errors, lasting.world.seed
    if errors.hubs == 0:
        return None
    die = dice(seed, "through hubs", flows.year)
    is_routed = die.random(flows.value_usd.size) < errors.routed
    hubs = np.argsort(-lasting.size, kind="stable")[: errors.hubs]
    hub = hubs[die.integers(hubs.size, size=flows.value_usd.size)].astype(np.int32)
    part = die.random(flows.value_usd.size) * 2 * errors.part
    is_routed &= (hub != flows.exporter) & (hub != flows.importer) & offices.is_reporting[hub]
    value = (flows.value_usd * part * (1 + errors.margin))[is_routed]
    passed = _summed(
        lasting,
        offices,
        Reported(
            flows.year,
            hub[is_routed],
            flows.importer[is_routed],
            flows.product[is_routed],
            value,
            (flows.quantity_kg * part)[is_routed],
            value,
        ),
    )
    ln_error = offices.bias_exporter[passed.reporter] + errors.draw(
        dice(seed, "errors of re-exports", flows.year), offices.sigma_exporter[passed.reporter]
    )
    value = passed.value_usd * np.exp(ln_error)
    quantity = passed.quantity_kg * np.exp(lasting.world.reporting.quantity_share * ln_error)
    return Reported(
        flows.year, passed.reporter, passed.partner, passed.product, value, quantity, value
    )


def _summed(lasting: Foundations, offices: Offices, *sides: Reported) -> Reported:
    """One row per reporter, product and partner, in this order."""
    reporter, partner, product, *values = (
        np.concatenate([getattr(side, column) for side in sides])
        for column in (
            *("reporter", "partner", "product"),
            *("value_usd", "quantity_kg", "re_exported_usd"),
        )
    )
    if reporter.size == 0:
        return sides[0]
    key = _key(lasting, offices, reporter, product, partner)
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    one = order[first]
    return Reported(
        sides[0].year,
        reporter[one],
        partner[one],
        product[one],
        *(np.add.reduceat(value[order], first) for value in values),
    )


def _key(
    lasting: Foundations, offices: Offices, reporter: Indices, product: Indices, partner: Indices
) -> npt.NDArray[np.int64]:
    partners = lasting.size.size + len(offices.nes_codes)
    return (reporter.astype(np.int64) * len(lasting.product_codes) + product) * partners + partner
