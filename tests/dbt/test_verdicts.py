"""One claim at a time through all models of a verdict, over figures that a test makes up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from compiled_models import CompiledModels
from dbt.composed import (
    EXPORTS,
    IMPORTS,
    PARTNER_EXPORTS,
    PARTNER_IMPORTS,
    YEAR,
    Figure,
    Release,
    Series,
)
from dbt.judged_claims import tables_of_claims, verdict_of

RELEASE = Release("us_census", date(2017, 2, 7), 0, "2017-02")
REVISED = Release("us_census", date(2018, 6, 6), 0, "2018-06")
REPORTED = Release("un_comtrade", date(2017, 6, 1), 0, "2017-06")
BILLION = 10**9
TABLES = {"us_census": "us_census__country_file", "un_comtrade": "un_comtrade__trade"}
WORLD_EXPORTS, WORLD_IMPORTS = (replace(one, partner="WLD") for one in (EXPORTS, IMPORTS))
ADJUSTED_EXPORTS, ADJUSTED_IMPORTS = (
    replace(one, seasonal_adjustment="sa") for one in (WORLD_EXPORTS, WORLD_IMPORTS)
)
# US goods trade with the world in 2016: a deficit of 140 billion dollars.
WORLD = (
    (REVISED, WORLD_EXPORTS, 100.0),
    (REVISED, WORLD_IMPORTS, 240.0),
    (REVISED, ADJUSTED_EXPORTS, 100.0),
    (REVISED, ADJUSTED_IMPORTS, 240.0),
)
def figures(
    others: Iterable[tuple[Release, Series, float]] = (),
) -> list[Figure]:
    """US goods trade with Korea in 2016: a deficit of 27.5, after revision of 28 billion dollars."""
    of_year = [
        (RELEASE, EXPORTS, 42.0),
        (RELEASE, IMPORTS, 69.5),
        (REVISED, EXPORTS, 42.0),
        (REVISED, IMPORTS, 70.0),
        *others,
    ]
    return [
        Figure(
            *(row_number, release, TABLES[release.source], series, ("total", "total"), YEAR),
            value=int(value * BILLION),
            half=50_000,
            unit="USD",
        )
        for row_number, (release, series, value) in enumerate(of_year, start=1)
    ]


def verdict(
    models: CompiledModels,
    others: Iterable[tuple[Release, Series, float]] = (),
    published_on: date | None = date(2018, 7, 1),
    **claim: Any,
) -> dict[str, Any]:
    return verdict_of(models, figures(others), published_on, **claim)


@pytest.mark.parametrize(
    "name", ["claim_verdicts", "int_claims__conceivable", "int_claims__evidence"]
)
def test_no_claim_is_compared_with_all_rows_of_the_others(
    compiled_models: CompiledModels, name: str
) -> None:
    """A condition on one side of a left join makes the engine compare every row with every row."""
    (code,) = (str(model.code) for model in compiled_models.models if model.name == name)
    given = tables_of_claims(figures(), {"c1": {"reported_value": 28.0}})
    with compiled_models.run(given, "claim_verdicts") as connection:
        ((_, plan),) = connection.execute(f"explain (format json) {code}").fetchall()
    joins = set(re.findall(r'"name": "(\w*(?:JOIN|PRODUCT))\s*"', plan))
    assert joins <= {"HASH_JOIN", "LEFT_DELIM_JOIN", "RIGHT_DELIM_JOIN"}
    assert "HASH_JOIN" in joins


@pytest.mark.parametrize(
    ("claim", "status", "release"),
    [
        ({"reported_value": 28.0}, "confirmed", REVISED),
        ({"reported_value": 27.5}, "confirmed", RELEASE),
        ({"reported_value": 27.8, "published_on": date(2017, 5, 1)}, "revised", REVISED),
        # The figures of a year and a half later are revised by less.
        ({"reported_value": 27.8}, "undetermined", None),
        # Named as what they are: a surplus, millions, exports, the figure with a partner's sign.
        ({"reported_value": 28.0, "measure": "surplus"}, "mislabelled", REVISED),
        ({"reported_value": 28.0, "unit": "USD mn"}, "mislabelled", REVISED),
        # Literally true, however far away.
        ({"reported_value": 20.0, "hedge": "more_than"}, "confirmed", REVISED),
        ({"reported_value": 40.0, "hedge": "at_most"}, "confirmed", REVISED),
        ({"reported_value": 28.0, "hedge": "nearly"}, "confirmed", REVISED),
        ({"reported_value": 30.0, "hedge": "nearly"}, "contradicted", REVISED),
        ({"reported_value": 70.0, "measure": "imports"}, "confirmed", REVISED),
        ({"reported_value": 42.0}, "mislabelled", REVISED),
        ({"reported_value": 99.0}, "contradicted", REVISED),
        ({"reported_value": 28.0, "period": "2015"}, "undetermined", None),
    ],
)
def test_a_claim_has_the_verdict_of_the_figures(
    compiled_models: CompiledModels, claim: dict[str, Any], status: str, release: Release | None
) -> None:
    found = verdict(compiled_models, **claim)
    key = release and f"us_census {release.release_id}"
    assert (found["status"], found["release_key"]) == (status, key)
    assert (found["evidence"] == []) == (release is None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "share", "status"),
    [
        ("share_pct_deficit", 20, "confirmed"),
        ("share_pct_exports", 42, "confirmed"),
        ("share_pct_two_way_trade", 33, "confirmed"),
        ("share_pct_imports", 30, "contradicted"),
        ("share_pct_deficit", 100, "contradicted"),
        ("share_of_world_deficit", 20, "confirmed"),
        ("share_of_world_exports", 42, "confirmed"),
        ("share_of_world_imports", 30, "contradicted"),
    ],
)
def test_a_share_of_all_products_is_the_share_of_a_partner_in_the_trade_with_the_world(
    compiled_models: CompiledModels, measure: str, share: float, status: str
) -> None:
    found = verdict(
        compiled_models, WORLD, measure=measure, reported_value=share, unit="pct", rounding=1
    )
    assert found["status"] == status
    assert len(found["evidence"]) == (2 if "ports" in measure else 4)


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["rank_exports", "rank_imports", "rank_deficit"])
@pytest.mark.parametrize(("rank", "status"), [(1, "confirmed"), (2, "contradicted")])
def test_a_rank_is_one_among_all_partners_by_the_measure(
    compiled_models: CompiledModels, measure: str, rank: int, status: str
) -> None:
    # Korea is the only partner, and all of the world's trade.
    whole = [(REVISED, WORLD_EXPORTS, 42.0), (REVISED, WORLD_IMPORTS, 70.0)]
    found = verdict(
        compiled_models, whole, measure=measure, reported_value=rank, unit="rank", rounding=1
    )
    assert found["status"] == status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attributed_to", "status", "reason"),
    [
        ("USTR", "other_basis", "counted_by_the_partner"),
        (None, "other_basis", "counted_by_the_partner"),
        ("Korea Customs Service", "confirmed", "one_basis_fits"),
        ("the government of South Korea", "confirmed", "one_basis_fits"),
    ],
)
def test_the_partners_figure_confirms_only_what_the_partner_says(
    compiled_models: CompiledModels, attributed_to: str | None, status: str, reason: str
) -> None:
    korea = [(REPORTED, PARTNER_EXPORTS, 66.0), (REPORTED, PARTNER_IMPORTS, 45.0)]
    found = verdict(compiled_models, korea, reported_value=21.0, attributed_to=attributed_to)
    assert (found["status"], found["reason_code"]) == (status, reason)
    if status == "other_basis":
        # What the reporter's own office says is beside it.
        assert found["nearest_value"] == 28


@pytest.mark.slow
def test_a_confirmed_figure_of_an_earlier_release_comes_with_todays(
    compiled_models: CompiledModels,
) -> None:
    found = verdict(compiled_models, reported_value=27.5)
    assert (found["status"], found["latest_value"]) == ("confirmed", 28)
    assert found["latest_release_key"] == "us_census 2018-06"
    assert verdict(compiled_models, reported_value=28.0)["latest_value"] is None


@pytest.mark.slow
def test_a_share_without_a_world_total_names_the_missing_row(
    compiled_models: CompiledModels,
) -> None:
    found = verdict(
        compiled_models, measure="share_pct_deficit", reported_value=20, unit="pct", rounding=1
    )
    assert (found["status"], found["reason_code"]) == ("undetermined", "rows_missing")
    (missing,) = found["missing_rows"]
    assert {"USA–WLD", "2016"} <= set(missing.split(", "))  # noqa: RUF001


@pytest.mark.slow
def test_a_year_is_no_less_sure_for_being_seasonally_adjusted_too(
    compiled_models: CompiledModels,
) -> None:
    found = verdict(compiled_models, WORLD, partner_code="WLD", reported_value=140)
    assert (found["status"], found["basis_id"]) == ("confirmed", "census")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "published_on", "reason"),
    [
        # 0.55 below the nearest figure, which revisions of measured size do not explain.
        (26.9, date(2017, 2, 6), "release_missing"),
        (26.9, date(2017, 2, 7), "basis_missing"),
        # Farther away than revisions move a year.
        (99.0, date(2017, 2, 6), "no_figure_fits"),
        # Near enough for a revision of measured size.
        (27.8, date(2017, 2, 6), "within_revisions"),
    ],
)
def test_a_figure_near_those_of_later_releases_needs_the_release_of_its_day(
    compiled_models: CompiledModels, value: float, published_on: date, reason: str
) -> None:
    found = verdict(compiled_models, published_on=published_on, reported_value=value)
    assert found["reason_code"] == reason
    if reason == "release_missing":
        (missing,) = found["missing_rows"]
        assert re.findall(r"us_census|[0-9-]{10}", missing) == [
            "us_census",
            "2017-02-06",
            "2017-02-07",
        ]
