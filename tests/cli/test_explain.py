"""A question about two figures is answered with the bridge between them, or with why not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from typer.testing import Result

from dagster_project.questions.explain import read_figure
from dagster_project.questions.words import InputError, read_period
from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published

PAIR = ("--reporter", "USA", "--partner", "KOR")
YEAR = (*PAIR, "--period", "2016")


def answered(run: Callable[..., Result], *arguments: str) -> dict:
    result = run("explain", *arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(
    ("a", "b", "year", "amount"),
    [
        ("27.6", "29.6", "2016", "+2,000.8"),
        ("13.2", "15.1", "2011", "+1,944.4"),
        ("29.6", "27.6", "2016", "-2,000.8"),
    ],
)
def test_two_quoted_deficits_differ_by_freight_and_insurance(
    bilateral: Callable[..., Result], a: str, b: str, year: str, amount: str
) -> None:
    answer = answered(bilateral, a, b, *PAIR, "--period", year)
    (step,) = answer["steps"]
    assert (step["cause_code"], f"{step['amount_usd'] / 10**6:+,.1f}") == ("CIF", amount)
    assert answer["closes"] is True
    result = bilateral("explain", a, b, *PAIR, "--period", year)
    assert result.exit_code == 0
    assert f"(CIF) {amount} million" in result.stdout
    assert f"{answer['residual_usd'] / 10**6:+,.1f} million" in result.stdout
    assert "general imports CIF" in result.stdout
    assert re.search(r"country\.csv, row \d+, [EI]YR\b", result.stdout)
    assert result.stderr == ""


def test_the_gap_is_the_sum_of_its_steps_and_the_residual(bilateral: Callable[..., Result]) -> None:
    answer = answered(bilateral, "27.6", "29.6", *YEAR)
    assert set(answer) >= {"a", "b", "gap_usd", "steps", "residual_usd", "allowance_usd", "closes"}
    amounts = sum(step["amount_usd"] for step in answer["steps"])
    assert answer["gap_usd"] == amounts + answer["residual_usd"]
    assert answer["closes"] is True
    assert abs(answer["residual_usd"]) <= answer["allowance_usd"]
    for side in ("a", "b"):
        end = answer[side]
        assert end["printed"] in {"27.6", "29.6"}
        by_direction = {one["direction"]: one["value_usd"] for one in end["series"]}
        assert end["value_usd"] == by_direction["imports"] - by_direction["exports"]
        assert end["release"]
        assert end["evidence"]
    cited = {row["reference_id"] for row in answer["rows"]}
    assert {one for step in answer["steps"] for one in step["evidence"]} <= cited


def test_a_signed_figure_is_a_balance_and_an_unsigned_one_a_size(
    bilateral: Callable[..., Result],
) -> None:
    signed = answered(bilateral, "-27.6", "-29.6", *YEAR)
    unsigned = answered(bilateral, "27.6", "29.6", *YEAR)
    assert (signed["display_measure"], unsigned["display_measure"]) == ("balance", "deficit")
    assert signed["gap_usd"] == -unsigned["gap_usd"]


def test_a_sign_on_only_one_figure_is_refused(bilateral: Callable[..., Result]) -> None:
    result = bilateral("explain", "-27.6", "29.6", *YEAR)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: A and B: -27.6 and 29.6: ")


def test_a_figure_and_a_basis_are_compared_in_either_order(
    bilateral: Callable[..., Result],
) -> None:
    there = answered(bilateral, "27.6", "mirror", *YEAR)
    back = answered(bilateral, "mirror", "27.6", *YEAR)
    assert there["gap_usd"] == -back["gap_usd"]
    assert [step["cause_code"] for step in there["steps"]] == ["PARTNER_IMPORTS", "PARTNER_EXPORTS"]


def test_a_basis_as_of_a_release_is_the_basis_as_of_its_day(
    bilateral: Callable[..., Result],
) -> None:
    by_release = answered(bilateral, "census@2017-01", "census", *PAIR, "--period", "2015")
    by_day = answered(bilateral, "census@2017-07-12", "census", *PAIR, "--period", "2015")
    assert by_release["a"]["release"] == "us_census 2017-01"
    assert [step["cause_code"] for step in by_release["steps"]] == ["RELEASE"]
    assert by_day == by_release


def test_two_years_and_two_product_groups_can_be_bridged(bilateral: Callable[..., Result]) -> None:
    years = answered(bilateral, "census", "cif", *PAIR, "--period", "2011", "--to-period", "2016")
    assert [step["cause_code"] for step in years["steps"]] == ["PERIOD_DEFINITION", "CIF"]
    for step in years["steps"]:
        assert step["min"] <= step["amount_usd"] <= step["max"]
    sectors = answered(
        bilateral,
        *("total_consumption", "total_consumption", *YEAR, "--measure", "imports"),
        *("--sector", "autos.hs87", "--to-sector", "autos.naics336"),
    )
    assert [step["cause_code"] for step in sectors["steps"]] == ["SECTOR_DEFINITION"]


def test_a_figure_equals_itself(bilateral: Callable[..., Result]) -> None:
    answer = answered(bilateral, "census", "census", *YEAR)
    assert answer["a"] == answer["b"]
    assert (answer["gap_usd"], answer["residual_usd"], answer["closes"]) == (0, 0, True)
    assert not any(step["amount_usd"] for step in answer["steps"])
    result = bilateral("explain", "census", "census", *YEAR)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].startswith("+0.0 million US dollars: ")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("27.6", "45.1", *YEAR), r"\$45\.1 billion \(2016\): Contradicted\b.*\$27\.625 billion"),
        (("27.6", "30.1", *YEAR), r"30\.1 .*: Undetermined\b.*\bdomestic\b.*USA–KOR, 2016"),  # noqa: RUF001
        (("27.6", "domestic", *YEAR), r"\bdomestic .*\b2016, total:total\b.*\bcensus, cif, "),
        (("24", "18.8", *YEAR, "--sector", "autos"), r"\$24 billion \(2016\): Undetermined\b"),
        (("27.6", "sif", *YEAR), r": B: 'sif'.*\bcif\b"),
        (("27.6", "29.6xx", *YEAR), r": B: .*'xx'.*\bbn, mn, th\b"),
        (("27.6", "29,6", *YEAR), r": B: '29,6'"),
        (("27.6", "29.6", *PAIR, "--period", "16"), r": --period: '16'.*\b2016-11\b"),
        (("27.6", "29.6", *PAIR, "--period", "2016-05/2016-01"), ": --period: '2016-05/2016-01'"),
        (("27.6", "29.6", *YEAR, "--to-period", "2016-13"), r": --to-period: '2016-13'"),
        (("27.6", "29.6", *YEAR, "--sector", "autoz"), r": --sector: .*'autoz'.*\bautos\b"),
        (("27.6", "29.6", *YEAR, "--sector", "hs2:00"), r": --sector: .*'hs2:00'.*\bhs2:01\b"),
        (("27.6", "29.6", *YEAR, "--measure", "gdp"), r": --measure: 'gdp'.*\bbalance, "),
        (("27.6", "29.6", *YEAR, "--kind", "good"), r": --kind: .*'good'.*\bgoods\b"),
        (("census@1999-13-01", "cif", *YEAR), r": A: '1999-13-01'"),
        (("census@2018-99", "cif", *YEAR), r": A: .*'2018-99'.*\b2018-09\b"),
        (
            ("27.6", "29.6", "--reporter", "USB", "--partner", "KOR", "--period", "2016"),
            r": --reporter: .*'USB'.*\bUSA\b",
        ),
        (
            ("27.6", "29.6", "--reporter", "WLD", "--partner", "KOR", "--period", "2016"),
            r": --reporter: .*'WLD'",
        ),
    ],
)
def test_an_unanswerable_query_ends_with_one_paragraph(
    bilateral: Callable[..., Result], arguments: tuple[str, ...], named: str
) -> None:
    result = bilateral("explain", *arguments)
    assert result.exit_code == 2
    (paragraph,) = result.stderr.splitlines()
    assert paragraph.startswith("Error: ")
    assert re.search(named, paragraph)
    assert result.stdout == ""


def test_a_figure_that_fits_several_bases_is_reported_as_ambiguous(
    bilateral: Callable[..., Result], built_warehouse: Settings
) -> None:
    with connect_published(built_warehouse) as connection:
        year, billions = connection.execute(
            "select year, round(abs(balance_usd) / 1e9)::integer as billions"
            " from marts.trade_by_year"
            " where reporter_iso3 = 'USA' and partner_code = 'KOR' and trade_kind = 'goods'"
            " and reported_by = 'reporter'"
            " and evidence_kind = 'statistic' group by all"
            # What the headline basis gives is not ambiguous.
            " having count(distinct basis_id) > 1 and not bool_or(basis_id = 'census')"
            " order by year desc, billions"
        ).fetchall()[0]
    question = (str(billions), "census", *PAIR, "--period", str(year))
    answer = answered(bilateral, *question)
    assert answer["a"]["status"] == "ambiguous"
    result = bilateral("explain", *question)
    assert result.exit_code == 0
    assert f"${billions} billion: Ambiguous." in result.stderr
    # The basis that the bridge uses.
    assert result.stderr.rstrip().endswith(f": {answer['a']['basis']}.")


def test_a_country_goes_by_code_and_by_name(bilateral: Callable[..., Result]) -> None:
    by_code = answered(bilateral, "27.6", "29.6", *YEAR)
    by_name = answered(
        bilateral,
        *("27.6", "29.6", "--reporter", "us", "--partner", "south korea"),
        *("--period", "2016"),
    )
    assert by_name == by_code


def test_a_wrong_option_is_a_usage_error(bilateral: Callable[..., Result]) -> None:
    result = bilateral("explain", "27.6", "29.6", *YEAR, "--sektor", "total")
    assert result.exit_code == 2
    assert "--sektor" in result.stderr


@pytest.mark.parametrize(
    ("text", "value", "unit", "rounding"),
    [
        ("27.6", "27.6", "USD bn", "0.1"),
        ("-27.60", "-27.60", "USD bn", "0.01"),
        ("426mn", "426", "USD mn", "1"),
        ("$27.6 billion", "27.6", "USD bn", "0.1"),
        ("27,600 million", "27600", "USD mn", "1"),
        ("\N{MINUS SIGN}1.2 tn", "-1.2", "USD tn", "0.1"),
        ("3 usd", "3", "USD", "1"),
    ],
)
def test_a_figure_is_read_as_it_is_quoted(text: str, value: str, unit: str, rounding: str) -> None:
    figure = read_figure(text, "A")
    assert figure is not None
    assert (figure.value, figure.unit, figure.rounding) == (
        Decimal(value),
        unit,
        Decimal(rounding),
    )


def test_a_word_is_no_figure() -> None:
    assert read_figure("census", "A") is None
    with pytest.raises(InputError):
        read_figure("27.6.1", "A")


def test_a_period_ends_on_its_last_day() -> None:
    assert str(read_period("2016-02", "x").end) == "2016-02-29"
    assert str(read_period("2016", "x").end) == "2016-12-31"
    assert str(read_period("2015-11/2016-11", "x").start) == "2015-11-01"
    assert read_period("2016-Q2", "x").text == "2016-04/2016-06"
    assert str(read_period("2012/2016", "x").end) == "2016-12-31"
