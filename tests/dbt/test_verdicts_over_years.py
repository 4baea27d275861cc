"""Claims that compare years, agreements and partners, over figures that a test makes up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from compiled_models import CompiledModels
from dbt.composed import Figure, Release, Series
from dbt.judged_claims import verdicts_of

pytestmark = pytest.mark.slow

FIRST = Release("us_census", date(2017, 2, 7), 0, "2017-02")
LAST = Release("us_census", date(2019, 3, 6), 0, "2019-03")
BILLION = 10**9
Rows = Mapping[tuple[str, str], Mapping[str, float]]


def figures(rows: Rows, release: Release = LAST, first_row: int = 1) -> list[Figure]:
    """US goods trade in billions of dollars, by partner and flow, then by year or month."""

    def composed() -> Iterator[tuple[Series, tuple[date, date], float]]:
        for (partner, flow), amounts in rows.items():
            concept, valuation = ("total", "fas") if flow == "export" else ("general", "customs")
            for period, amount in amounts.items():
                yield (
                    Series("USA", partner, flow, concept, valuation),
                    _days(period),
                    amount,
                )

    return [
        Figure(
            *(row, release, "us_census__country_file", series, ("total", "total"), period),
            value=int(round(amount * 1000) * 10**6),
            half=50_000,
            unit="USD",
        )
        for row, (series, period, amount) in enumerate(composed(), start=first_row)
    ]


def _days(period: str) -> tuple[date, date]:
    if len(period) == 4:
        return date(int(period), 1, 1), date(int(period), 12, 31)
    year, month = map(int, period.split("-"))
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1) - timedelta(1)


def by_year(first: int, *amounts: float) -> dict[str, float]:
    return {str(first + n): amount for n, amount in enumerate(amounts)}


def statuses(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {claim_id: row["status"] for claim_id, row in found.items()}


COLOMBIA: Rows = {
    ("COL", "export"): {"2011": 14, "2012": 16, "2016": 28},
    ("COL", "import"): {"2011": 23, "2012": 25, "2016": 24},
}


def since(base: str, measure: str, value: float, **claim: Any) -> dict[str, Any]:
    return {
        "partner_code": "COL",
        "measure": measure,
        "base_period": base,
        "reported_value": value,
        "unit": "ratio",
        "rounding": 0.01,
    } | claim


def test_since_an_agreement_is_since_the_year_before_or_the_year_it_took_effect(
    compiled_models: CompiledModels,
) -> None:
    found = verdicts_of(
        compiled_models,
        figures(COLOMBIA),
        {
            "doubled": since("us_colombia", "ratio_exports", 2, hedge="doubled"),
            "from the year of": since("us_colombia", "ratio_exports", 1.75),
            "rose": since("us_colombia", "change_imports", 1, unit="sign", rounding=1),
            "fell": since("us_colombia", "change_imports", -1, unit="sign", rounding=1),
            "tripled": since("us_colombia", "ratio_exports", 3, hedge="tripled"),
            "grew": since("us_colombia", "growth_pct_exports", 100, unit="pct", rounding=1),
            "surplus": since("us_colombia", "change_balance", 13, unit="USD bn", rounding=1),
            "signed": since("us_colombia signed", "ratio_exports", 2, hedge="doubled"),
            # The same agreement, told by the other country.
            "not of Korea": since("us_colombia", "ratio_exports", 2, partner_code="KOR"),
        },
    )
    assert statuses(found) == {
        "doubled": "confirmed",
        "from the year of": "confirmed",
        "rose": "confirmed",
        "fell": "confirmed",
        "tripled": "contradicted",
        "grew": "confirmed",
        "surplus": "confirmed",
        "signed": "undetermined",
        "not of Korea": "undetermined",
    }
    assert {name: row["hypothesis"] for name, row in found.items() if row["hypothesis"]} == {
        "doubled": "as_stated, from 2011",
        "from the year of": "as_stated, from 2012",
        "rose": "as_stated, from 2011",
        "fell": "as_stated, from 2012",
        "tripled": "as_stated, from 2011",
        "grew": "as_stated, from 2011",
        "surplus": "as_stated, from 2011",
    }
    assert [tuple(one.values()) for one in found["doubled"]["base_figures"]] == [
        ("2011", 2, True),
        ("2012", 1.75, False),
    ]
    # The years around the signature are not available.
    assert [row.rpartition(", ")[2] for row in found["signed"]["missing_rows"]] == ["2005", "2006"]


def test_since_an_agreement_may_be_since_the_twelve_months_before_the_day(
    compiled_models: CompiledModels,
) -> None:
    months = {f"{2011 + n // 12}-{n % 12 + 1:02}": 1.0 for n in range(4, 16)}
    rows = {**COLOMBIA, ("COL", "export"): {**COLOMBIA["COL", "export"], **months}}
    found = verdicts_of(
        compiled_models,
        figures(rows),
        {"ratio": since("us_colombia", "ratio_exports", 2.33)},
    )["ratio"]
    assert (found["status"], found["hypothesis"]) == (
        "confirmed",
        "as_stated, from 2011-05/2012-04",
    )
    # The year that it divides, and the twelve months.
    assert len(found["evidence"]) == 13


VIETNAM: Rows = {
    ("VNM", "export"): by_year(2005, *range(30, 16, -1)),
    ("VNM", "import"): by_year(2005, *range(40, 53), 51),
    ("WLD", "export"): by_year(2005, *range(100, 114)),
    ("WLD", "import"): by_year(2005, *range(200, 228, 2)),
    ("PHL", "export"): by_year(2014, 1, 2, 3, 4, 5),
    ("PHL", "import"): by_year(2014, 1, 2, 3, 4, 5),
}


def place(measure: str, value: int, base: str | None = None, **claim: Any) -> dict[str, Any]:
    return {
        "partner_code": "VNM",
        "measure": measure,
        "period": "2018",
        "base_period": base,
        "reported_value": value,
        "unit": "rank",
        "rounding": 1,
    } | claim


def test_a_record_is_the_place_of_a_year_among_the_years_up_to_it(
    compiled_models: CompiledModels,
) -> None:
    found = verdicts_of(
        compiled_models,
        figures(VIETNAM),
        {
            "imports, second": place("record_imports", 2),
            "imports, first": place("record_imports", 1),
            "exports, lowest": place("lowest_exports", 1),
            "exports, highest": place("record_exports", 1),
            "deficit": place("record_deficit", 1, period="2017"),
            # As large as that of 2017.
            "deficit, again": place("record_deficit", 1),
            "since 2010": place("record_imports", 2, "2010"),
            "since 2017": place("record_imports", 1, "2017"),
            "since 2003": place("record_two_way_trade", 1, "2003", period="2016"),
            "since 2003, no": place("record_imports", 1, "2003"),
            "world": place("record_deficit", 1, partner_code="WLD"),
            "world, no": place("lowest_imports", 1, partner_code="WLD"),
            "lowest surplus": place("lowest_surplus", 1, "2010"),
            "record surplus": place("record_surplus", 14),
            "five years": place("record_exports", 1, partner_code="PHL"),
            "five years, no": place("lowest_exports", 1, partner_code="PHL"),
            "since its third": place("record_exports", 1, "2015", partner_code="PHL"),
        },
    )
    assert statuses(found) == {
        "imports, second": "confirmed",
        "imports, first": "contradicted",
        "exports, lowest": "confirmed",
        "exports, highest": "contradicted",
        "deficit": "confirmed",
        "deficit, again": "confirmed",
        "since 2010": "confirmed",
        "since 2017": "confirmed",
        # Years that decide are missing; those available already contradict the other.
        "since 2003": "undetermined",
        "since 2003, no": "contradicted",
        "world": "confirmed",
        "world, no": "contradicted",
        # Vietnam's are deficits.
        "lowest surplus": "contradicted",
        "record surplus": "contradicted",
        "five years": "undetermined",
        "five years, no": "contradicted",
        "since its third": "confirmed",
    }
    assert found["deficit"]["hypothesis"] == "as_stated, since 2005"
    # Both flows of thirteen years.
    assert len(found["deficit"]["evidence"]) == 26
    assert found["since 2010"]["hypothesis"] == "as_stated, since 2011"
    assert found["imports, first"]["value"] == 2
    (missing,) = found["since 2003"]["missing_rows"]
    assert {"2003", "2016", "USA–VNM"} <= set(missing.replace(",", "").split())  # noqa: RUF001


def test_a_record_of_a_month_is_one_among_the_same_months(
    compiled_models: CompiledModels,
) -> None:
    months = {f"{year}-07": float(year) for year in range(2005, 2019)} | {"2018-06": 9999.0}
    found = verdicts_of(
        compiled_models,
        figures({("VNM", "export"): months}),
        {
            "July": place("record_exports", 1, period="2018-07"),
            "July, no": place("record_exports", 2, period="2018-07"),
        },
    )
    assert statuses(found) == {"July": "confirmed", "July, no": "contradicted"}


def test_a_record_that_a_revision_took_away_is_likely_revised(
    compiled_models: CompiledModels,
) -> None:
    """First figures of imports moved by half a per cent: more than two years are apart."""
    rows = {
        ("VNM", "import"): by_year(2005, *range(40, 51), 50.1),
        ("KOR", "import"): {"2016": 70.35},
    }
    earlier = figures({("KOR", "import"): {"2016": 70.0}}, FIRST)
    rows["VNM", "import"]["2015"] = 50.2
    found = verdicts_of(
        compiled_models,
        [*earlier, *figures(rows, first_row=100)],
        {
            "first": place("record_imports", 1, period="2016"),
            "third": place("record_imports", 4, period="2016"),
        },
        date(2017, 1, 20),
    )
    assert statuses(found) == {"first": "revised", "third": "contradicted"}
    assert (found["first"]["value"], found["first"]["revision"]) == (2, 1)


MEXICO: Rows = {
    ("MEX", "export"): by_year(2012, 10, 11, 12, 13, 14),
    ("MEX", "import"): by_year(2012, 20, 22, 24, 26, 84),
    ("CHN", "export"): {"2016": 110},
    ("CHN", "import"): {"2016": 460},
    ("PER", "export"): {f"{y}-{m:02}": 0.5 for y in (2015, 2016) for m in range(1, 13)},
}


def over(period: str, measure: str, value: float, **claim: Any) -> dict[str, Any]:
    return {
        "partner_code": "MEX",
        "measure": measure,
        "period": period,
        "reported_value": value,
    } | claim


def test_several_years_are_the_sum_of_their_figures_and_an_average_is_a_part_of_it(
    compiled_models: CompiledModels,
) -> None:
    found = verdicts_of(
        compiled_models,
        figures(MEXICO),
        {
            "sum": over("2012-01/2016-12", "exports", 60.0),
            "sum, no": over("2012-01/2016-12", "exports", 61.0),
            "average": over("2012-01/2016-12", "average_exports", 12.0),
            "average of the deficit": over("2012-01/2015-12", "average_deficit", 11.5),
            "average, no": over("2012-01/2016-12", "average_exports", 12.5),
            "the sum as average": over("2012-01/2016-12", "average_exports", 60.0),
            "the average as sum": over("2012-01/2016-12", "exports", 12.0),
            "imports as exports": over("2012-01/2015-12", "average_exports", 23.0),
            "the years before": over("2013-01/2016-12", "exports", 46.0),
            "a year without figures": over("2011-01/2016-12", "exports", 70.0),
            "of months": over("2015-01/2016-12", "exports", 12.0, partner_code="PER"),
            "average of months": over(
                "2015-01/2016-12", "average_exports", 6.00, rounding=0.01, partner_code="PER"
            ),
        },
    )
    assert {name: (row["status"], row["mix_up"]) for name, row in found.items()} == {
        "sum": ("confirmed", None),
        "sum, no": ("contradicted", None),
        "average": ("confirmed", None),
        "average of the deficit": ("confirmed", None),
        "average, no": ("contradicted", None),
        "the sum as average": ("mislabelled", "another measure: sum"),
        "the average as sum": ("mislabelled", "another measure: average"),
        "imports as exports": ("mislabelled", "another measure: imports"),
        "the years before": ("mislabelled", "another period: 2012-01/2015-12"),
        "a year without figures": ("undetermined", None),
        "of months": ("confirmed", None),
        "average of months": ("confirmed", None),
    }
    assert len(found["average"]["evidence"]) == 5
    assert len(found["of months"]["evidence"]) == 24
    assert found["the sum as average"]["value"] == 60


def test_a_figure_is_compared_with_that_of_another_partner(
    compiled_models: CompiledModels,
) -> None:
    def times(measure: str, value: float, **claim: Any) -> dict[str, Any]:
        return {
            "partner_code": "CHN",
            "compared_with": "MEX",
            "measure": f"times_partner_{measure}",
            "reported_value": value,
            "unit": "ratio",
            "rounding": 1,
        } | claim

    found = verdicts_of(
        compiled_models,
        figures(MEXICO),
        {
            "deficit": times("deficit", 5),
            "deficit, no": times("deficit", 7),
            "exports": times("exports", 7.86, rounding=0.01),
            "imports": times("imports", 5, hedge="more_than"),
            "two-way": times("two_way_trade", 5.816, rounding=0.001),
            "without figures": times("exports", 5, compared_with="BRA"),
        },
    )
    assert statuses(found) == {
        "deficit": "confirmed",
        "deficit, no": "contradicted",
        "exports": "confirmed",
        "imports": "confirmed",
        "two-way": "confirmed",
        "without figures": "undetermined",
    }
    assert len(found["deficit"]["evidence"]) == 4
    (missing,) = found["without figures"]["missing_rows"]
    assert "USA–BRA" in missing  # noqa: RUF001


@pytest.mark.parametrize("measure", ["deficit", "average_deficit"])
def test_a_year_is_the_same_alone_and_as_an_average(
    compiled_models: CompiledModels, measure: str
) -> None:
    found = verdicts_of(compiled_models, figures(MEXICO), {"one": over("2016", measure, 70.0)})
    assert found["one"]["status"] == "confirmed"
