"""Places of countries: synthetic for statistics, or real for files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.sources.parsing import read_seed
from tests.world_generator.dice import dice

COUNTRY_SEED = "country_list.csv"
PLACE_SEED = "country_geography.csv"
BORDER_SEED = "country_borders.csv"
YEAR_SEED = "comtrade_code_years.csv"

_EARTH_RADIUS_KM = 6371.0
_CONTINENTS = 6
# Main cities lie at least this far apart, as real ones do.
_NEAREST_KM = 60.0
_LANDLOCKED = 0.19
_BORDER_KM = 900.0
_NEIGHBOURS = 4


@dataclass(frozen=True, eq=False)
class Geography:
    """Countries and what lies between them.

    `countries`: iso3, area_code, is_landlocked, one row per country.
    `pairs`: exporter_iso3, importer_iso3, distance_km, is_contiguous, both ways of each pair.
    """

    countries: pl.DataFrame
    pairs: pl.DataFrame

    @property
    def iso3(self) -> list[str]:
        return self.countries["iso3"].to_list()

    @cached_property
    def landlocked(self) -> npt.NDArray[np.bool_]:
        return self.countries["is_landlocked"].to_numpy()

    @cached_property
    def distance(self) -> npt.NDArray[np.float64]:
        """Exporter by importer in kilometres; a country's own place holds 1."""
        return self._matrix("distance_km", 1.0)

    @cached_property
    def contiguous(self) -> npt.NDArray[np.float64]:
        return self._matrix("is_contiguous", 0.0)

    def _matrix(self, column: str, diagonal: float) -> npt.NDArray[np.float64]:
        place = {iso3: n for n, iso3 in enumerate(self.iso3)}
        matrix = np.full((len(place), len(place)), np.nan)
        np.fill_diagonal(matrix, diagonal)
        row, col = (
            self.pairs[side].replace_strict(place, default=None, return_dtype=pl.Int64)
            for side in ("exporter_iso3", "importer_iso3")
        )
        known = (row.is_not_null() & col.is_not_null()).to_numpy()
        values = self.pairs[column].cast(pl.Float64).to_numpy()
        matrix[row.to_numpy()[known].astype(int), col.to_numpy()[known].astype(int)] = values[known]
        if np.isnan(matrix).any():
            raise ValueError(f"pairs lack {column} of some of the {len(place)} countries")
        return matrix


def made_up_geography(countries: int, seed: int, seeds: Path) -> Geography:
    """Countries strewn over continents; the codes are real, the places are not."""
    codes = _some_codes(countries, seed, seeds)
    die = dice(seed, "geography")
    centres = die.standard_normal((_CONTINENTS, 3))
    points = centres[die.integers(_CONTINENTS, size=countries)] * 2
    points += die.standard_normal((countries, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    distance = _EARTH_RADIUS_KM * np.arccos(np.clip(points @ points.T, -1, 1))
    distance = np.maximum(distance, _NEAREST_KM)
    np.fill_diagonal(distance, np.inf)
    is_near = distance <= np.sort(distance, axis=1)[:, [min(_NEIGHBOURS, countries - 1) - 1]]
    contiguous = (is_near | is_near.T) & (distance < _BORDER_KM)
    return _geography(codes, die.random(countries) < _LANDLOCKED, distance, contiguous)


def real_geography(countries: int, seed: int, seeds: Path) -> Geography:
    """Real places of the reference data; which countries take part is drawn."""
    codes = _some_codes(countries, seed, seeds)
    iso3 = codes["iso3"].to_list()
    places = {row["iso3"]: row for row in read_seed(seeds, PLACE_SEED)}
    radians = np.radians(
        [(float(places[one]["latitude"]), float(places[one]["longitude"])) for one in iso3]
    )
    latitude, longitude = radians.T
    half = (
        np.sin((latitude[:, None] - latitude) / 2) ** 2
        + np.cos(latitude[:, None])
        * np.cos(latitude)
        * np.sin((longitude[:, None] - longitude) / 2) ** 2
    )
    distance = 2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1)))
    borders = {(row["iso3"], row["neighbour_iso3"]) for row in read_seed(seeds, BORDER_SEED)}
    contiguous = np.array([[(a, b) in borders or (b, a) in borders for b in iso3] for a in iso3])
    landlocked = np.array([places[one]["is_landlocked"] == "true" for one in iso3])
    return _geography(codes, landlocked, distance, contiguous)


def _some_codes(countries: int, seed: int, seeds: Path) -> pl.DataFrame:
    """Real countries of today with their area codes, in the order of their ISO codes.

    Those without coordinates take part in neither kind of world, so that the same seed draws
    the same countries in both.
    """
    placed = {row["iso3"] for row in read_seed(seeds, PLACE_SEED) if row["latitude"]}
    former = {row["area_code"] for row in read_seed(seeds, YEAR_SEED) if row["last_year"]}
    known = [
        (row["iso3"], codes[0])
        for row in read_seed(seeds, COUNTRY_SEED)
        if (codes := row["comtrade_codes"].split())
        and row["iso3"] in placed
        and codes[0] not in former
    ]
    if countries > len(known):
        raise ValueError(f"{countries} countries: the reference data have {len(known)}")
    chosen = dice(seed, "countries").choice(len(known), size=countries, replace=False)
    return pl.DataFrame(
        [known[n] for n in sorted(chosen)], schema=["iso3", "area_code"], orient="row"
    )


def _geography(
    codes: pl.DataFrame,
    landlocked: npt.NDArray[np.bool_],
    distance: npt.NDArray[np.float64],
    contiguous: npt.NDArray[np.bool_],
) -> Geography:
    iso3 = codes["iso3"].to_numpy()
    row, col = np.nonzero(~np.eye(iso3.size, dtype=bool))
    pairs = pl.DataFrame(
        {
            "exporter_iso3": iso3[row],
            "importer_iso3": iso3[col],
            "distance_km": distance[row, col],
            "is_contiguous": contiguous[row, col],
        },
        schema_overrides={"exporter_iso3": pl.String, "importer_iso3": pl.String},
    )
    return Geography(codes.with_columns(is_landlocked=pl.Series(landlocked)), pairs)
