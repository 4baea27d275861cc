"""The parameters of a world."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.world_generator.errors import Errors, log_normal
from tests.world_generator.geography import Geography
from tests.world_generator.products import Products


@dataclass(frozen=True)
class Cif:
    """Log of importer's over exporter's unit value, as in section 6.2 of the method.

    ln factor = constant + distance ln d + distance_squared (ln d)² + contiguous
    + landlocked_exporter + landlocked_importer + unit_value ln UV, with d in kilometres and UV
    the product's median unit value in dollars a kilogram. The published coefficients are the
    default. Nothing keeps a factor above one: where it is below, it is as the formula says.

    `constant`: where there is none it is set so that the mean factor of all trade flows is
    1 + `mean_rate`.
    """

    distance: float = -0.110
    distance_squared: float = 0.010
    contiguous: float = -0.044
    landlocked_exporter: float = -0.009
    landlocked_importer: float = 0.049
    unit_value: float = -0.032
    constant: float | None = None
    mean_rate: float = 0.033


@dataclass(frozen=True)
class Reporting:
    """What reporters leave out, misplace or value otherwise. Nothing of it by default.

    `missing`: share of countries that report nothing in a year, drawn for each year, smaller
    traders more often. Their partners report them as ever.
    `omission`: probability that a reporter has no row for a flow of median value; the odds fall
    with the value to the power of 0.3, so that large flows are seldom omitted.
    `threshold_usd`: smaller reported values leave no row.
    `nes_reporters`: share of reporters that book exports to areas not elsewhere specified;
    of their flows a share that is uniform from 0 to twice `nes_flows` loses its partner, half of
    the reporters using 899 and half a regional code.
    `fob_importers`: share of reporters that value imports FOB, and say so.
    `valuation_breaks`: importer and year where imports stand at FOB value as if it were CIF.
    `quantity_share`: part of a log error that the quantity has as well; the rest is in the unit
    value. `quantity_noise`: standard deviation of a further log error of quantities alone.
    `no_quantity`: share of rows without a quantity.
    """

    missing: float = 0.0
    omission: float = 0.0
    threshold_usd: float = 0.0
    nes_reporters: float = 0.0
    nes_flows: float = 0.05
    fob_importers: float = 0.0
    valuation_breaks: tuple[tuple[str, int], ...] = ()
    quantity_share: float = 0.7
    quantity_noise: float = 0.0
    no_quantity: float = 0.0

    @classmethod
    def as_in_practice(cls) -> Reporting:
        """A mixture such as the publisher's files show, for files of full size."""
        return cls(
            missing=0.2,
            # With who is missing it leaves under two in five flows reported by both sides.
            omission=0.48,
            threshold_usd=500.0,
            nes_reporters=0.2,
            nes_flows=0.03,
            fob_importers=0.08,
            quantity_noise=0.1,
            no_quantity=0.07,
        )


@dataclass(frozen=True, eq=False)
class World:
    """A made-up world; the same parameters give the same world, to the last digit.

    `density`: share of all triples of exporter, importer and product that trade in a year.
    `median_usd`: of the values of these flows.
    `persistence`: correlation, from one year to any other, of what decides whether a flow
    exists and how large it is, apart from what is lasting anyway (sizes, distances, tastes).
    `unit_value_spread`: standard deviation of ln unit value around the product's median.
    `geography`, `products`: none stands for made-up ones.
    """

    countries: int = 30
    products: int = 200
    years: tuple[int, ...] = (2016,)
    seed: int = 0
    density: float = 0.2
    median_usd: float = 25_000.0
    persistence: float = 0.8
    unit_value_spread: float = 0.5
    cif: Cif = field(default_factory=Cif)
    errors: Errors = field(default_factory=log_normal)
    reporting: Reporting = field(default_factory=Reporting)
    geography: Geography | None = None
    product_list: Products | None = None

    def __post_init__(self) -> None:
        if self.countries < 2 or self.products < 1 or not self.years:
            raise ValueError("a world needs two countries, a product and a year")
        if not 0 < self.density < 1:
            raise ValueError(f"density {self.density}: a share between 0 and 1")
