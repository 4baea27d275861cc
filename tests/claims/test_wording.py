"""Verdicts in words: every reason has a sentence, and no number in it is made up."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.claims.phrases import Names
from dagster_project.claims.wording import REASON_CODES, timing, verdict_in_words
from dagster_project.settings import PROJECT_ROOT

_NAMES = Names(
    countries={"USA": "United States", "KOR": "South Korea", "WLD": "World (all countries)"},
    publishers={"us_census": "US Census Bureau", "kita": "KITA"},
    products={"autos": "Motor vehicles", "autos.hs87": "HS chapter 87"},
)
_SERIES = "USA.export.total.fas.census.nsa + USA.import.general.customs.census.nsa"
_ROW: dict[str, Any] = {
    "claim_id": "c1",
    "trade_kind": "goods",
    "measure": "deficit",
    "quantity": "balance",
    "transform": "level",
    "direction": -1,
    "reporter_iso3": "USA",
    "partner_code": "KOR",
    "sector": "total",
    "period": "2016",
    "base_period": None,
    "base_event_on": None,
    "base_event": None,
    "compared_with": None,
    "base_figures": [],
    "reported_value": Decimal("27.6"),
    "unit": "USD bn",
    "rounding": Decimal("0.1"),
    "hedge": "exact",
    "hedge_words": None,
    "is_one_sided": False,
    "attributed_to": None,
    "published_on": date(2017, 7, 12),
    "basis_id": "census",
    "basis_key": _SERIES,
    "product_group": "total:total",
    "hypothesis": "as_stated",
    "release_key": "us_census 2026-09",
    "known_at_publication": "later",
    "value": Decimal("27.624600"),
    "distance": Decimal(0),
    "revision": Decimal("0.091"),
    "fitting_bases": [{"basis": "census", "value": Decimal("27.6246")}],
    "nearest_value": None,
    "nearest_basis_id": None,
    "nearest_basis_key": None,
    "nearest_product_group": None,
    "nearest_release_key": None,
    "latest_value": None,
    "latest_release_key": None,
    "bases_tried": 3,
    "releases_tried": 4,
    "mix_up": None,
    "part_claim_id": None,
    "missing_rows": [],
    "claims_explained": 1,
    "bases_fitting": 1,
}
_NEAREST: dict[str, Any] = {
    "value": None,
    "nearest_value": Decimal("20.805"),
    "nearest_basis_id": "total_consumption",
    "nearest_basis_key": _SERIES,
    "nearest_product_group": "total:total",
    "nearest_release_key": "us_census 2020-10 + us_census 2021-06",
    "distance": Decimal("6.745"),
}
_RIVALS = [
    {"basis": "census", "value": Decimal("27.6246")},
    {"basis": "cif", "value": Decimal("27.5801")},
]
# The verdict, who published it, whose trade with whom, flow and sign, amounts, days, releases.
_FACT = re.compile(
    r"^Wrong \w+|^\w+"
    r"|US Census Bureau|KITA|USTR|United States|South Korea|motor vehicles|tariff rate|\bworld\b"
    r"|HS chapter 87|NAICS 336|End-use 300|EUR|USD"
    r"|\b(?:census|CIF|mirror|total consumption)(?= basis\b)"
    r"|\b(?:deficit|surplus|exports|imports|two-way|rank|rise|fall|above|below|before|twelve|sign)\b"
    r"|\b(?:January|June|July|November|average|sum)\b|\bc0\b"
    r"|\b(?:\w+-)?(?:highest|lowest)\b"
    r"|\$?\d[\d.,]*(?:-\d+)*(?<![.,])(?: billion| times| %)?"
)

# What the row of each reason adds, and the facts that are read of it, in their order.
_CASES: list[tuple[str, dict[str, Any], str]] = [
    (
        "one_basis_fits",
        {},
        "Confirmed | US Census Bureau | United States | deficit | South Korea | "
        "$27.625 billion | 2016 | census | 2026-09",
    ),
    (
        "basis_of_the_source",
        {"claims_explained": 3, "attributed_to": "USTR", "fitting_bases": _RIVALS},
        "Confirmed | US Census Bureau | United States | deficit | South Korea | "
        "$27.625 billion | 2016 | census | 2026-09 | 3 | USTR | census | $27.625 billion | "
        "CIF | $27.580 billion",
    ),
    (
        "several_bases_fit",
        {
            "transform": "ratio",
            "base_period": "2011",
            "unit": "ratio",
            "reported_value": Decimal(2),
            "hedge": "doubled",
            "value": Decimal("2.0928"),
            "fitting_bases": [
                {"basis": "census", "value": Decimal("2.09094")},
                {"basis": "census", "value": Decimal("2.0928")},
                {"basis": "mirror", "value": Decimal("2.01182")},
            ],
        },
        "Confirmed | US Census Bureau | United States | deficit | South Korea | 2016 | "
        "2.093 times | 2011 | census | 2026-09 | census | 2.091 times | 2.093 times | "
        "mirror | 2.012 times",
    ),
    (
        "part_of_the_period",
        {
            "transform": "rank",
            "unit": "rank",
            "reported_value": Decimal(6),
            "value": Decimal(6),
            "hypothesis": "as_stated, of 2016-01/2016-11",
        },
        "Confirmed | US Census Bureau | South Korea | rank | 6 | United States | deficit | "
        "January | November | 2016 | census | 2026-09 | 2016",
    ),
    (
        "rests_on_another_claim",
        {
            "transform": "share",
            "sector": "autos",
            "unit": "pct",
            "reported_value": Decimal(80),
            "value": Decimal("80.512"),
            "part_claim_id": "c0",
            "product_group": "as quoted: c0",
        },
        "Confirmed | US Census Bureau | motor vehicles | 80.512 % | United States | "
        "deficit | South Korea | 2016 | census | 2026-09 | c0",
    ),
    (
        "one_basis_fits",
        {
            "transform": "ratio",
            "base_period": "korus",
            "base_event_on": date(2012, 3, 15),
            "base_event": "the US–Korea free trade agreement took effect",  # noqa: RUF001
            "unit": "ratio",
            "reported_value": Decimal(2),
            "hedge": "doubled",
            "value": Decimal("2.0928"),
            "hypothesis": "as_stated, from 2011",
            "base_figures": [
                {"base_period": "2011", "value": Decimal("2.0928"), "fits": True},
                {"base_period": "2011-03/2012-02", "value": Decimal("1.98"), "fits": True},
                {"base_period": "2012", "value": Decimal("1.66"), "fits": False},
            ],
        },
        "Confirmed | US Census Bureau | United States | deficit | South Korea | 2016 | "
        "2.093 times | 2011 | census | 2026-09 | 2012-03-15 | before | 2011 | 2.093 times | "
        "twelve | before | 1.98 times | 2012 | 1.66 times",
    ),
    (
        "no_figure_fits",
        {
            "transform": "change",
            "base_period": "korus",
            "base_event_on": date(2012, 3, 15),
            "base_event": "the US–Korea free trade agreement took effect",  # noqa: RUF001
            "unit": "sign",
            "reported_value": Decimal(-1),
            "value": Decimal(1),
            "hypothesis": "as_stated, from 2011",
            "base_figures": [
                {"base_period": "2011", "value": Decimal(1), "fits": False},
                {"base_period": "2012", "value": Decimal(1), "fits": False},
            ],
        },
        "Contradicted | US Census Bureau | rise | United States | deficit | South Korea | 2011 | "
        "2016 | census | 2026-09 | fall | 3 | 4 | 2012-03-15 | before | 2011 | rise | 2012 | rise",
    ),
    (
        "one_basis_fits",
        {
            "transform": "record",
            "unit": "rank",
            "reported_value": Decimal(1),
            "value": Decimal(1),
            "hypothesis": "as_stated, since 1985",
        },
        "Confirmed | US Census Bureau | United States | deficit | South Korea | 2016 | highest | "
        "1985 | 2016 | census | 2026-09",
    ),
    (
        "no_figure_fits",
        {
            "transform": "lowest",
            "quantity": "exports",
            "direction": 1,
            "unit": "rank",
            "reported_value": Decimal(1),
            "value": Decimal(22),
            "period": "2016-07",
            "hypothesis": "as_stated, since 1985",
        },
        "Contradicted | US Census Bureau | United States | exports | South Korea | 2016-07 | "
        "22nd-lowest | 1985 | 2016 | census | 2026-09 | lowest | 3 | 4",
    ),
    (
        "no_figure_fits",
        {
            "transform": "lowest",
            "unit": "rank",
            "reported_value": Decimal(1),
            "value": Decimal(34),
            "hypothesis": "as_stated, with the opposite sign",
        },
        "Contradicted | US Census Bureau | United States | surplus | South Korea | 2016 | census | "
        "2026-09 | lowest | 3 | 4",
    ),
    (
        "within_revisions",
        {
            "transform": "record",
            "unit": "rank",
            "reported_value": Decimal(1),
            "value": Decimal(2),
            "revision": Decimal(1),
            "distance": Decimal(1),
            "hypothesis": "as_stated, since 1985",
        },
        "Likely | US Census Bureau | United States | deficit | South Korea | 2016 | "
        "second-highest | 1985 | 2016 | census | 2026-09 | 1 | census | 2017-07-12",
    ),
    (
        "rows_missing",
        {
            **_NEAREST,
            "transform": "record",
            "unit": "rank",
            "reported_value": Decimal(1),
            "nearest_value": Decimal(1),
            "hypothesis": None,
            "missing_rows": ["deficits of more years"],
        },
        "Undetermined | highest | total consumption | 2020-10 | 2021-06",
    ),
    (
        "one_basis_fits",
        {"transform": "average", "period": "2012-01/2016-12"},
        "Confirmed | US Census Bureau | United States | deficit | South Korea | average | "
        "$27.625 billion | 2012 | 2016 | census | 2026-09",
    ),
    (
        "another_measure",
        {"transform": "average", "period": "2012-01/2016-12", "mix_up": "another measure: sum"},
        "Wrong measure | $27.6 billion | sum | United States | deficit | South Korea | 2012 | "
        "2016 | $27.625 billion | US Census Bureau | census | 2026-09",
    ),
    (
        "one_basis_fits",
        {
            "transform": "times_partner",
            "compared_with": "WLD",
            "unit": "ratio",
            "reported_value": Decimal(5),
            "rounding": Decimal(1),
            "value": Decimal("5.04"),
        },
        "Confirmed | US Census Bureau | United States | deficit | South Korea | 2016 | "
        "5.04 times | world | census | 2026-09",
    ),
    (
        "not_the_basis_of_the_source",
        {"basis_id": "cif", "attributed_to": "USTR"},
        "True | US Census Bureau | United States | deficit | South Korea | $27.625 billion | "
        "2016 | CIF | 2026-09 | USTR",
    ),
    (
        "not_the_basis_of_the_source",
        {
            "basis_id": "mirror",
            "basis_key": "KOR.export.total.fob.census.nsa + KOR.import.general.cif.census.nsa",
            "release_key": "kita 2018",
            "value": Decimal("23.3"),
        },
        "True | South Korea | KITA | United States | deficit | South Korea | $23.3 billion | "
        "2016 | mirror | 2018",
    ),
    (
        "source_has_no_one_basis",
        {"fitting_bases": _RIVALS, "bases_fitting": 2},
        "Ambiguous | 2 | $27.6 billion | census | $27.625 billion | CIF | $27.580 billion | "
        "US Census Bureau | United States | deficit | South Korea | $27.625 billion | 2016 | "
        "census | 2026-09",
    ),
    (
        "within_revisions",
        {"value": Decimal("27.53"), "distance": Decimal("0.02")},
        "Likely | US Census Bureau | United States | deficit | South Korea | "
        "$27.53 billion | 2016 | census | 2026-09 | $0.02 billion | below | $0.091 billion | "
        "census | 2017-07-12",
    ),
    (
        "another_measure",
        {**_NEAREST, "value": Decimal("27.6246"), "mix_up": "another measure: imports"},
        "Wrong measure | $27.6 billion | United States | imports | South Korea | 2016 | "
        "$27.625 billion | US Census Bureau | census | 2026-09 | US Census Bureau | "
        "United States | deficit | South Korea | $20.805 billion | 2016",
    ),
    (
        "another_period",
        {"mix_up": "another period: the year before"},
        "Wrong year | $27.6 billion | United States | deficit | South Korea | before | "
        "2016 | $27.625 billion | US Census Bureau | census | 2026-09",
    ),
    (
        "another_period",
        {"mix_up": "another period: twelve months", "period": "2016-01/2016-06"},
        "Wrong period | $27.6 billion | United States | deficit | South Korea | twelve | "
        "January | June | 2016 | $27.625 billion | US Census Bureau | census | 2026-09",
    ),
    (
        "another_sector",
        {"mix_up": "another sector: total", "sector": "autos"},
        "Wrong product | $27.6 billion | United States | deficit | South Korea | 2016 | "
        "$27.625 billion | US Census Bureau | census | 2026-09",
    ),
    (
        "another_sign",
        {**_NEAREST, "value": Decimal("27.6246"), "mix_up": "another sign: the opposite balance"},
        "Wrong sign | $27.6 billion | United States | surplus | South Korea | 2016 | "
        "$27.625 billion | US Census Bureau | census | 2026-09 | US Census Bureau | "
        "United States | deficit | South Korea | $20.805 billion | 2016",
    ),
    (
        "another_kind",
        {"trade_kind": "services", "mix_up": "another kind: goods"},
        "Wrong kind | $27.6 billion | United States | deficit | South Korea | 2016 | "
        "$27.625 billion | US Census Bureau | census | 2026-09",
    ),
    (
        "another_partner",
        {"partner_code": "WLD", "mix_up": "another partner: KOR"},
        "Wrong partner | $27.6 billion | United States | deficit | South Korea | 2016 | "
        "$27.625 billion | US Census Bureau | census | 2026-09",
    ),
    (
        "another_unit",
        {"unit": "USD mn", "mix_up": "another unit: USD bn"},
        "Wrong unit | $27.6 | United States | deficit | South Korea | 2016 | "
        "$27.625 billion | US Census Bureau | census | 2026-09",
    ),
    (
        "another_span",
        {
            "transform": "growth",
            "unit": "pct",
            "base_period": "2011",
            "reported_value": Decimal(114),
            "value": Decimal("114.5"),
            "mix_up": "another span: to the year before",
        },
        "Wrong span | 114 % | United States | deficit | South Korea | 2011 | 2015 | 114.5 % | "
        "US Census Bureau | census | 2026-09",
    ),
    (
        "counted_by_the_partner",
        {
            **_NEAREST,
            "basis_id": "mirror",
            "release_key": "kita 2018",
            "value": Decimal("23.3"),
            "nearest_release_key": "us_census 2026-09",
        },
        "True | South Korea | KITA | United States | deficit | South Korea | $23.3 billion | "
        "2016 | mirror | 2018 | US Census Bureau | United States | deficit | South Korea | "
        "$20.805 billion | 2016",
    ),
    (
        "one_basis_fits",
        {
            "hedge": "more_than",
            "hedge_words": "more than",
            "is_one_sided": True,
            "reported_value": Decimal(20),
            "latest_value": Decimal("27.3"),
            "latest_release_key": "us_census 2027-09",
        },
        "Confirmed | US Census Bureau | United States | deficit | South Korea | "
        "$27.625 billion | 2016 | census | 2026-09 | $27.3 billion | 2027-09 | 28 %",
    ),
    (
        "no_figure_fits",
        {
            "measure": "exports",
            "quantity": "exports",
            "direction": 1,
            "value": Decimal("43.4616"),
            "reported_value": Decimal("3.5"),
            "distance": Decimal("39.9116"),
        },
        "Contradicted | US Census Bureau | United States | exports | South Korea | "
        "$43.462 billion | 2016 | census | 2026-09 | $3.5 billion | $39.912 billion | above | "
        "3 | 4",
    ),
    (
        "no_figure_fits",
        {
            "value": Decimal("-23.4"),
            "distance": Decimal("50.95"),
            "hedge": "about",
            "hedge_words": "about",
        },
        "Contradicted | US Census Bureau | United States | surplus | South Korea | "
        "$23.4 billion | 2016 | census | 2026-09 | deficit | $27.6 billion | "
        "$50.95 billion | below | 3 | 4",
    ),
    (
        "no_figure_fits",
        {
            "transform": "change",
            "unit": "sign",
            "base_period": "2011",
            "value": Decimal(-1),
            "reported_value": Decimal(1),
            "distance": Decimal(1),
        },
        "Contradicted | US Census Bureau | fall | United States | deficit | South Korea | "
        "2011 | 2016 | census | 2026-09 | rise | 3 | 4",
    ),
    (
        "one_basis_fits",
        {
            "transform": "share",
            "measure": "share_pct_deficit",
            "unit": "pct",
            "reported_value": Decimal(49),
            "rounding": Decimal(1),
            "value": Decimal("49.241"),
        },
        "Confirmed | US Census Bureau | South Korea | 49.24 % | United States | deficit | world | "
        "2016 | census | 2026-09",
    ),
    (
        "rows_missing",
        {
            **_NEAREST,
            "sector": "autos",
            "nearest_product_group": "autos.hs87",
            "missing_rows": ["NAICS 336, 2016", "End-use 300, 2016"],
        },
        "Undetermined | $20.805 billion | total consumption | HS chapter 87 | 2020-10 | "
        "2021-06 | $6.745 billion | below | NAICS 336 | 2016 | End-use 300 | 2016",
    ),
    (
        "rows_missing",
        {"value": None, "missing_rows": ["exchange rate of EUR to USD, 2016"]},
        "Undetermined | EUR | USD | 2016",
    ),
    (
        "rows_missing",
        {**_NEAREST, "mix_up": "another measure: two_way", "missing_rows": ["goods, 2016"]},
        "Undetermined | $27.6 billion | United States | two-way | South Korea | 2016 | 2016",
    ),
    (
        "basis_missing",
        {**_NEAREST, "missing_rows": ["cif basis: goods, 2016"]},
        "Undetermined | $20.805 billion | total consumption | 2020-10 | 2021-06 | "
        "$6.745 billion | below | 2016",
    ),
    (
        "release_missing",
        {**_NEAREST, "missing_rows": ["release of us_census known on 2016-02-05"]},
        "Undetermined | $20.805 billion | total consumption | 2020-10 | 2021-06 | "
        "$6.745 billion | below | 2016-02-05",
    ),
    (
        "figure_too_coarse",
        {**_NEAREST, "distance": Decimal(0)},
        "Undetermined | $20.805 billion | total consumption | 2020-10 | 2021-06 | 2020-10 | "
        "2021-06",
    ),
    (
        "rests_on_an_open_claim",
        {**_NEAREST, "part_claim_id": "c0", "missing_rows": ["NAICS 336, 2016"]},
        "Undetermined | $20.805 billion | total consumption | 2020-10 | 2021-06 | c0 | c0 | "
        "NAICS 336 | 2016",
    ),
    (
        "sign_changes",
        {"value": None},
        "Undetermined | sign | sign",
    ),
    (
        "not_a_trade_statistic",
        {"measure": "tariff_rate", "quantity": None, "transform": "none", "value": None},
        "Out | tariff rate",
    ),
]


@pytest.mark.parametrize(("reason_code", "changed", "facts"), _CASES)
def test_a_verdict_has_its_facts_in_their_order(
    reason_code: str, changed: dict[str, Any], facts: str
) -> None:
    text = verdict_in_words({**_ROW, "reason_code": reason_code, **changed}, _NAMES).text
    assert " | ".join(_FACT.findall(text)) == facts
    assert re.search(r"^[A-Z].*\.$", text)
    assert not re.search(r"\bNone\b|[{}]|  ", text)


def test_every_reason_code_has_a_sentence_and_an_example_here() -> None:
    seed = PROJECT_ROOT / "dbt" / "seeds" / "coded_values.csv"
    with seed.open(newline="") as file:
        codes = {row["code"] for row in csv.DictReader(file) if row["column_name"] == "reason_code"}
    assert codes == REASON_CODES == {code for code, *_ in _CASES}


def test_an_unknown_reason_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        verdict_in_words({**_ROW, "reason_code": "plausible"}, _NAMES)


_AMOUNTS = st.decimals(-500, 500, allow_nan=False, places=4)


@given(
    case=st.sampled_from(_CASES),
    amounts=st.tuples(*[_AMOUNTS] * 4),
    revision=st.decimals(0, 10, allow_nan=False, places=4),
    counts=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    rounding=st.sampled_from([Decimal("0.01"), Decimal("0.1"), Decimal(1)]),
)
def test_every_number_is_one_of_the_row(
    case: tuple[str, dict[str, Any], str],
    amounts: tuple[Decimal, ...],
    revision: Decimal,
    counts: tuple[int, int],
    rounding: Decimal,
) -> None:
    reason_code, changed, _ = case
    row = {**_ROW, **changed, "reason_code": reason_code}
    # A share of the figure is computed, and a place has words; they are read in examples above.
    if row["unit"] in ("sign", "rank") or row["hedge"] == "more_than":
        return
    value, nearest, fitting, distance = amounts
    row |= {
        "value": None if row["value"] is None else value,
        "nearest_value": None if row["nearest_value"] is None else nearest,
        "fitting_bases": [{"basis": "cif", "value": fitting}],
        "distance": abs(distance),
        "revision": revision,
        "claims_explained": counts[0],
        "bases_fitting": counts[1],
        "rounding": rounding,
    }
    held = list(_numbers_of(row))
    for told in _numbers_in(verdict_in_words(row, _NAMES).text, row):
        unit = Decimal(1).scaleb(int(told.as_tuple().exponent))
        assert any(abs(abs(one) - told) <= unit / 2 for one in held), (told, held)


def _numbers_of(row: Mapping[str, Any]) -> Iterator[Decimal]:
    for name in ("reported_value", "value", "nearest_value", "distance", "revision"):
        if row[name] is not None:
            yield row[name]
    yield from (one["value"] for one in (*row["fitting_bases"], *row["base_figures"]))
    counts = ("claims_explained", "bases_fitting", "bases_tried", "releases_tried")
    yield from (Decimal(row[name]) for name in counts)


def _numbers_in(text: str, row: Mapping[str, Any]) -> Iterator[Decimal]:
    """The numbers of a text without those that are names: periods, releases, claims, products."""
    names = [row["period"], str(row["published_on"]), *row["missing_rows"], "HS chapter 87"]
    names += ["less than $0.0001", "less than $0.001", "less than $0.01"]
    names += [row["base_period"] or "", row["part_claim_id"] or "", "2011", "2016", "c0"]
    # The year beside the one of the claim.
    names.append("2015")
    # The base periods of a comparison with an agreement, and the years of a sum.
    names += ["2012-03-15", "2012"]
    for key in (
        row["release_key"],
        row["nearest_release_key"] or "",
        row["latest_release_key"] or "",
    ):
        names += [key, *(one.partition(" ")[2] for one in key.split(" + "))]
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " ")
    for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text):
        yield Decimal(found.replace(",", ""))


def test_a_verdict_says_whether_its_figures_were_out() -> None:
    said = {
        known: timing({**_ROW, "known_at_publication": known})
        for known in ("known", "later", "possible", "unknown")
    }
    assert len(set(said.values())) == 4
    days = {known: re.findall(r"\d[\d-]*", text) for known, text in said.items()}
    assert days.pop("unknown") == []
    assert list(days.values()) == [["2017-07-12"]] * 3
    assert [known for known, text in said.items() if " after " in text] == ["later"]
    assert [known for known, text in said.items() if " may " in text] == ["possible"]


def test_where_nothing_is_asserted_no_day_matters() -> None:
    assert timing({**_ROW, "value": None}) == ""


def test_a_year_is_one_year_and_a_name_has_its_article() -> None:
    row = {**_ROW, "reason_code": "one_basis_fits", "partner_code": "WLD"}
    row |= {"transform": "streak", "unit": "years", "value": Decimal(1), "reported_value": 1}
    text = verdict_in_words(row, _NAMES).text
    assert re.search(r" deficit \w+ the world\b.* 1 (?:\w+ )?year\b.* 2016\b", text)


def test_the_words_need_no_engine() -> None:
    script = (
        "import sys; import dagster_project.claims.wording;"
        "print(sorted({'dagster', 'dbt', 'polars', 'duckdb'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
