"""Compares the rules against the truth in synthetic worlds.

    python -m bench.rules --seeds 20 --first 1

The score is the root mean square of ln(V / truth) over the cells that both sides report, paired by
seed. `true sigma` is the default rule with the planted sigmas (with a bias: the root of sigma
squared plus bias squared, since that is what a weight should know); its CIF rate is the
estimated one, as that of all others. Of the totals over the true total the median of the seeds is
shown: with heavy tails they have no mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from bench.reference import (
    DEFAULT_RULE,
    PAIR,
    at_border,
    cif_fits,
    estimated,
    mirrored_cells,
    reconciled,
)
from dagster_project.world.rules import RULES, inverse_variance, sensitivity
from tests.world_generator import (
    Errors,
    World,
    country_biased,
    heavy_tailed,
    log_normal,
    one_sided_re_export,
    reporters,
    reports,
    truth,
)
from tests.world_generator.truth import found

ERRORS: Mapping[str, Callable[[], Errors]] = {
    "log-normal": log_normal,
    "log-normal, mean one": lambda: log_normal(centre="mean_one"),
    "heavy-tailed": heavy_tailed,
    "country-biased": country_biased,
    "one-sided re-exports": one_sided_re_export,
}
TRUE_SIGMA = "true sigma"


def score(world: World) -> dict[str, float]:
    """RMSE and total over truth by rule, coverage of the band, rank correlations of sigma."""
    geography = found(world).geography
    cells = mirrored_cells(*reports(world), geography.pairs, geography.countries)
    cells = at_border(cells, cif_fits(cells))
    estimates = estimated(cells)
    known = truth(world)
    held = reconciled(cells, estimates.weights).join(
        known, on=["exporter_iso3", "importer_iso3", "product_code", "year"]
    )
    fob = held["value_usd"].to_numpy()
    planted = _planted(reporters(world))
    scores: dict[str, float] = {"cells": held.height, "between_pairs": estimates.fit.between_pairs}
    for rule in RULES:
        value = held[f"value_{rule.name}"].to_numpy()
        error = np.log(value / fob)
        scores |= {
            f"rmse {rule.name}": _root_mean_square(error),
            f"total {rule.name}": value.sum() / fob.sum(),
            f"coverage {rule.name}": float(
                np.mean(np.abs(error) <= 1.96 * held[f"band_{rule.name}"].to_numpy())
            ),
        }
    sides = (
        held.select(PAIR)
        .join(
            planted.select(exporter_iso3="iso3", exporter="exporter"),
            on="exporter_iso3",
            maintain_order="left",
        )
        .join(
            planted.select(importer_iso3="iso3", importer="importer"),
            on="importer_iso3",
            maintain_order="left",
        )
    )
    true = sides["exporter"].to_numpy(), sides["importer"].to_numpy()
    weight = inverse_variance(*true)
    error = weight * np.log(held["x"].to_numpy() / fob)
    error += (1 - weight) * np.log(held["mf"].to_numpy() / fob)
    scores[f"rmse {TRUE_SIGMA}"] = _root_mean_square(error)
    scores[f"coverage {TRUE_SIGMA}"] = float(
        np.mean(np.abs(error) <= 1.96 * sensitivity(weight, *true))
    )
    both = estimates.reporters.join(planted, on="iso3")
    for measure in ("sigma", "sigma_ls_means"):
        for side in ("exporter", "importer"):
            scores[f"rank {measure} {side}"] = both.select(
                pl.corr(f"{measure}_{side}", side, method="spearman")
            ).item()
    return scores


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--countries", type=int, default=30)
    parser.add_argument("--products", type=int, default=200)
    given = parser.parse_args(None if arguments is None else list(arguments))
    console = Console(width=100)
    for name, errors in ERRORS.items():
        world = World(countries=given.countries, products=given.products, errors=errors())
        scores = pl.DataFrame(
            [
                score(replace(world, seed=seed))
                for seed in range(given.first, given.first + given.seeds)
            ]
        )
        console.print(_table(name, scores))
        console.print(_facts(scores))


def _planted(offices: pl.DataFrame) -> pl.DataFrame:
    """Of each reporter the root mean square error, over the years, of a report of each side."""
    return offices.group_by("iso3").agg(
        (pl.col(f"sigma_{side}") ** 2 + pl.col(f"bias_{side}") ** 2).mean().sqrt().alias(side)
        for side in ("exporter", "importer")
    )


def _root_mean_square(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _table(name: str, scores: pl.DataFrame) -> Table:
    """One row per rule: RMSE, how it compares to the default seed by seed, total, coverage."""
    table = Table(title=f"{name}, {scores.height} seeds", title_justify="left")
    for heading in ("rule", "RMSE", "less default", "s.e.", "default better", "total", "coverage"):
        table.add_column(heading, justify="left" if heading == "rule" else "right", no_wrap=True)
    default = scores[f"rmse {DEFAULT_RULE}"]
    for rule in (TRUE_SIGMA, *(rule.name for rule in RULES)):
        rmse = scores[f"rmse {rule}"]
        over = rmse - default
        table.add_row(
            rule,
            f"{rmse.mean():.4f}",
            f"{over.mean():+.4f}",
            f"{np.std(over.to_numpy(), ddof=1) / np.sqrt(scores.height):.4f}",
            f"{(over > 0).sum()} of {scores.height}",
            f"{scores[f'total {rule}'].median():.3f}" if rule != TRUE_SIGMA else "",
            f"{scores[f'coverage {rule}'].mean():.3f}",
        )
    return table


def _facts(scores: pl.DataFrame) -> str:
    ranks = ", ".join(
        f"{name.removeprefix('rank ')} {scores[name].mean():.3f} (least {scores[name].min():.3f})"
        for name in scores.columns
        if name.startswith("rank ")
    )
    return f"Rank correlation with the planted: {ranks}. Cells: {scores['cells'].mean():,.0f}.\n"


if __name__ == "__main__":
    main()
