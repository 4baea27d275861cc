"""Tests of the country and partner lists that parsers check codes against."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from dagster_project.sources.catalog import CONNECTORS
from dagster_project.sources.parsing import read_seed
from dagster_project.sources.us_census import census_codes

HISTORICAL_ISO2_TWICE = {"CS"}


def rows(project_root: Path, name: str) -> list[dict[str, str]]:
    path = project_root / "dbt" / "seeds" / name
    with path.open(encoding="utf-8", newline="") as seed:
        found = list(csv.DictReader(seed))
    assert len(found) > 200
    return found


def test_country_codes_have_their_form_and_mean_one_country_each(project_root: Path) -> None:
    countries = rows(project_root, "country_list.csv")
    forms = {"iso3": r"[A-Z]{3}", "m49_code": r"[0-9]{3}", "iso2": r"[A-Z]{2}"}
    for column, form in forms.items():
        values = [row[column] for row in countries]
        assert all(re.fullmatch(form, value) for value in values), column
        repeated = {value for value in values if values.count(value) > 1}
        # Czechoslovakia and Serbia and Montenegro had the same two letters in turn.
        assert repeated == (HISTORICAL_ISO2_TWICE if column == "iso2" else set())
    assert len({row["name"] for row in countries}) == len(countries)
    comtrade = [code for row in countries for code in row["comtrade_codes"].split()]
    assert len(set(comtrade)) == len(comtrade)
    # Its trade is in that of France, and its M49 code is an area of several countries there.
    assert {row["iso3"] for row in countries if not row["comtrade_codes"]} == {"MCO"}


@pytest.mark.parametrize(
    ("iso3", "m49_code", "iso2"),
    [
        ("USA", "840", "US"),
        ("KOR", "410", "KR"),
        ("PRK", "408", "KP"),
        ("TWN", "158", "TW"),
        ("NAM", "516", "NA"),
        ("AFG", "004", "AF"),
        ("SUN", "810", "SU"),
        ("YUG", "890", "YU"),
    ],
)
def test_known_codes(project_root: Path, iso3: str, m49_code: str, iso2: str) -> None:
    found = {row["iso3"]: row for row in rows(project_root, "country_list.csv")}[iso3]
    assert (found["m49_code"], found["iso2"]) == (m49_code, iso2)


def test_partner_codes_are_unique_and_countries_exist(project_root: Path) -> None:
    partners = rows(project_root, "census_partners.csv")
    countries = {row["iso3"] for row in rows(project_root, "country_list.csv")}
    for publication in ("country file", "API", "end-use workbooks"):
        known = [row for row in partners if row["partner_list"] in ("all", publication)]
        codes = [row["census_code"] for row in known]
        assert len(set(codes)) == len(codes)
        # Seasonally adjusted or not, the world is one partner.
        own = [(row["partner_code"], row["seasonal_adjustment"]) for row in known]
        assert len(set(own)) == len(own)
    assert all(row["partner_code"] and row["partner_name"] for row in partners)
    for row in partners:
        assert row["census_code"] == "-" or len(row["census_code"]) == 4
        assert row["iso3"] == "" or row["iso3"] in countries
        own = row["partner_code"]
        code = row["census_code"]
        assert own in (row["iso3"], f"census:{code}", f"census_api:{code}", "WLD")
        assert not (row["is_aggregate"] == "true" and row["iso3"])


def test_groups_and_totals_are_flagged_and_countries_are_not(project_root: Path) -> None:
    partners = rows(project_root, "census_partners.csv")
    flagged = {row["census_code"] for row in partners if row["is_aggregate"] == "true"}
    numbered = {row["census_code"] for row in partners if row["census_code"] < "0100"}
    continents = {f"{number}XXX" for number in range(1, 8)}
    assert flagged == numbered | continents
    assert "-" in flagged


def test_every_code_of_the_publishers_own_file_is_known(
    real_data: Path, project_root: Path
) -> None:
    path = real_data / "census_country_file" / "us-trade_vintage_2017-01.csv"
    with path.open(encoding="utf-8", newline="") as file:
        printed = {row["CTY_CODE"] for row in csv.DictReader(file)}
    assert len(printed) > 260
    assert printed <= census_codes(project_root / "dbt" / "seeds").keys()


@pytest.mark.parametrize("source_id", sorted(CONNECTORS))
def test_a_source_has_the_same_terms_where_it_is_fetched_and_where_it_is_listed(
    source_id: str, project_root: Path
) -> None:
    """A release takes its terms from the one, an export from the other."""
    rows = read_seed(project_root / "dbt" / "seeds", "source_list.csv", "is_redistributable")
    (listed,) = (row for row in rows if row["source_id"] == source_id)
    is_redistributable = CONNECTORS[source_id].about.terms.is_redistributable
    assert listed["is_redistributable"] == str(is_redistributable).lower()
