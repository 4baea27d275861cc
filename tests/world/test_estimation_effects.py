"""Tests that effects from cross sums equal the least squares over cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.world.effects import CrossSums, Effects, EffectsError, solve_effects

FACTORS = ("exporter", "importer", "year", "product")


def made_up_cells(seed: int, cells: int = 300) -> pl.DataFrame:
    """Unbalanced on purpose: the first levels of each factor have most cells."""
    dice = np.random.default_rng(seed)

    def some(levels: int) -> np.ndarray:
        return np.minimum(dice.geometric(2 / levels, cells) - 1, levels - 1)

    return pl.DataFrame(
        {
            "exporter": [f"E{n:02}" for n in some(8)],
            "importer": [f"I{n:02}" for n in some(7)],
            "product": [f"{n:06}" for n in some(30)],
            "year": pl.Series(2010 + some(4), dtype=pl.Int32),
            "weight": dice.uniform(3, 20, cells),
            "distance": dice.gamma(1, 0.5, cells),
        }
    )


def cross_sums(cells: pl.DataFrame) -> CrossSums:
    named = cells.with_columns(
        cells=pl.lit(1, pl.Int64), weighted_distance=pl.col("weight") * pl.col("distance")
    )

    def by(*keys: str) -> pl.DataFrame:
        return named.group_by(keys).agg(pl.col("cells", "weight", "weighted_distance").sum())

    return CrossSums(
        by("exporter", "importer"),
        by("exporter", "year"),
        by("exporter", "product"),
        by("importer", "year"),
        by("importer", "product"),
        by("year", "product"),
    )


def by_least_squares(cells: pl.DataFrame) -> tuple[float, dict[str, np.ndarray]]:
    """Grand mean and effects of a connected table, by dummies over the cells themselves."""
    dummies = {factor: cells[factor].cast(pl.String).to_dummies() for factor in FACTORS}
    design = np.hstack(
        [dummies[factor].select(sorted(dummies[factor].columns)).to_numpy() for factor in FACTORS]
    ).astype(float)
    root = np.sqrt(cells["weight"].to_numpy())
    solved = np.linalg.lstsq(
        design * root[:, None], cells["distance"].to_numpy() * root, rcond=None
    )[0]
    parts = np.split(solved, np.cumsum([dummies[factor].width for factor in FACTORS])[:-1])
    grand = sum(part.mean() for part in parts)
    return float(grand), {
        factor: part - part.mean() for factor, part in zip(FACTORS, parts, strict=True)
    }


def effects_of(effects: Effects, factor: str) -> np.ndarray:
    return effects.of(factor)["effect"].to_numpy()


@pytest.mark.slow
@settings(max_examples=30)
@given(st.integers(0, 100_000))
def test_effects_are_those_of_the_cells(seed: int) -> None:
    cells = made_up_cells(seed)
    effects = solve_effects(cross_sums(cells))
    if effects.levels["effect"].null_count():
        return
    grand, expected = by_least_squares(cells)
    assert effects.grand_mean == pytest.approx(grand, abs=1e-9)
    for factor in FACTORS:
        assert effects_of(effects, factor) == pytest.approx(expected[factor], abs=1e-9), factor
        assert abs(effects_of(effects, factor).sum()) < 1e-9
        level = effects.of(factor)
        assert (level["ls_mean"] - level["effect"]).to_numpy() == pytest.approx(grand, abs=1e-9)


def test_most_made_up_tables_are_connected() -> None:
    """Guards the property above against passing over everything."""
    whole = [
        solve_effects(cross_sums(made_up_cells(seed))).levels["effect"].null_count() == 0
        for seed in range(20)
    ]
    assert sum(whole) >= 15


def test_a_group_that_trades_apart_is_not_compared_and_changes_nothing() -> None:
    cells = made_up_cells(1)
    apart = pl.DataFrame(
        {
            "exporter": ["X1", "X1", "X2"],
            "importer": ["Y1", "Y2", "Y2"],
            "product": ["999901", "999902", "999902"],
            "year": pl.Series([2010, 2011, 2010], dtype=pl.Int32),
            "weight": [5.0, 6.0, 7.0],
            "distance": [3.0, 1.0, 2.0],
        }
    )
    alone = solve_effects(cross_sums(cells))
    with_them = solve_effects(cross_sums(pl.concat([cells, apart])))
    lost = with_them.levels.filter(pl.col("effect").is_null())["level"].to_list()
    assert lost == ["X1", "X2", "Y1", "Y2", "999901", "999902"]
    in_a_year_apart = apart.with_columns(year=pl.lit(1999, pl.Int32))
    with_them = solve_effects(cross_sums(pl.concat([cells, in_a_year_apart])))
    for factor in FACTORS:
        kept = with_them.of(factor).drop_nulls("effect")
        assert kept["effect"].to_numpy() == pytest.approx(effects_of(alone, factor), abs=1e-9)
    assert with_them.grand_mean == pytest.approx(alone.grand_mean, abs=1e-9)


def test_a_level_with_one_cell_is_met_exactly_and_marked() -> None:
    cells = made_up_cells(2)
    once = cells.head(1).with_columns(exporter=pl.lit("ONE"), distance=pl.lit(2.5))
    effects = solve_effects(cross_sums(pl.concat([cells, once])))
    level = effects.of("exporter").filter(pl.col("level") == "ONE")
    assert level["cells"].item() == 1
    at = {
        factor: effects.of(factor)
        .filter(pl.col("level") == str(once[factor].item()))["effect"]
        .item()
        for factor in FACTORS
    }
    assert effects.grand_mean + sum(at.values()) == pytest.approx(2.5, abs=1e-9)


def test_an_exporter_alone_with_its_only_product_cannot_be_separated_from_it() -> None:
    cells = made_up_cells(3)
    alone = cells.head(2).with_columns(exporter=pl.lit("ONE"), product=pl.lit("000000x"))
    effects = solve_effects(cross_sums(pl.concat([cells, alone])))
    lost = effects.levels.filter(pl.col("effect").is_null())["level"].to_list()
    assert lost == ["ONE", "000000x"]


def test_the_order_of_rows_does_not_matter() -> None:
    cells = made_up_cells(4)
    first = solve_effects(cross_sums(cells)).levels
    second = solve_effects(cross_sums(cells.sample(fraction=1, shuffle=True, seed=1))).levels
    assert first["level"].equals(second["level"])
    assert first["effect"].to_numpy() == pytest.approx(second["effect"].to_numpy(), abs=1e-10)


def test_sums_of_other_cells_are_refused() -> None:
    cells = made_up_cells(5)
    sums = cross_sums(cells)
    short = cross_sums(cells.head(299))
    with pytest.raises(EffectsError, match="year_product"):
        solve_effects(replace(sums, year_product=short.year_product))
    with pytest.raises(EffectsError, match="importer_year"):
        solve_effects(replace(sums, importer_year=sums.importer_year.clear()))
    with pytest.raises(EffectsError):
        solve_effects(cross_sums(cells.with_columns(weight=pl.lit(0.0))))
