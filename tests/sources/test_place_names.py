"""Countries and groups by the words that people write."""

from __future__ import annotations

import re

import pytest

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.claim_vocabulary import vocabulary_from_seeds
from dagster_project.sources.place_names import place_key, suggested_places

PLACES = vocabulary_from_seeds(PROJECT_ROOT / "dbt" / "seeds").places


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("USA", "USA"),
        ("us", "USA"),
        ("U.S.", "USA"),
        ("the United States", "USA"),
        ("CHINA", "CHN"),
        ("Korea, South", "KOR"),
        ("south  korea", "KOR"),
        ("Cote d'Ivoire", "CIV"),
        ("World", "WLD"),
        ("wld", "WLD"),
        ("census:0015", "WLD"),
        ("Census:0003", "census:0003"),
        ("asean", "census:0027"),
        # One of several codes with the same name: the present country.
        ("Sudan", "SDN"),
    ],
)
def test_a_place_is_found_by_any_of_its_names(text: str, code: str) -> None:
    assert PLACES[place_key(text)].code == code


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Germny", {"DEU"}),
        ("Japn", {"JPN"}),
        ("Austrai", {"AUS", "AUT"}),
        ("Korea", {"KOR", "PRK"}),
        ("Congo", {"COD", "COG"}),
        ("UK", {"GBR"}),
        ("EU", {"census:0003", "korea_customs:EU"}),
    ],
)
def test_a_name_with_an_error_in_it_is_suggested(text: str, codes: set[str]) -> None:
    assert place_key(text) not in PLACES
    assert set(re.findall(r"(\S+) \(", suggested_places(text, PLACES))) >= codes


@pytest.mark.parametrize(
    "text",
    [
        "West Germany",
        "East Germany",
        "Narnia",
        "BLX",
        "XXX",
        "all",
        "WLX",
        "",
    ],
)
def test_no_other_place_is_suggested_for_an_unknown_one(text: str) -> None:
    assert place_key(text) not in PLACES
    assert not re.search(r"perhaps|LUX|DEU|ARM|WLD", suggested_places(text, PLACES))


def test_a_former_area_is_itself_and_not_a_successor() -> None:
    assert PLACES[place_key("Belgium-Luxembourg")].code == "comtrade:58"
