"""Countries and groups by the words that people write for them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

# Seeds that list a publisher's partners, by rank of their names: the columns with the partner's
# code and name, and with the publisher's own code where a code of the form census:0015 names it.
PARTNER_LISTS: Mapping[str, tuple[str, str, str | None]] = {
    "census_partners": ("partner_code", "partner_name", "census_code"),
    "bea_areas": ("partner_code", "area_name", None),
    "comtrade_areas": ("code", "name", None),
    "korea_customs_partners": ("partner_code", "partner_name", None),
}
_CENSUS = "census:"
_SMALL_WORDS = frozenset({"of", "and", "the"})
_MOST_SUGGESTED = 4
_TYPING_ERROR = 0.8


@dataclass(frozen=True)
class Country:
    """A country by its ISO 3166 alpha-3 code, or a group by its publisher's code."""

    code: str
    name: str


def place_key(text: str) -> str:
    """A name or code without case, accents, points and surplus spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("&", " and ")
    letters = "".join(one for one in plain if not unicodedata.combining(one) and one != ".")
    return " ".join(letters.split()).removeprefix("the ")


def countries_by_word(rows: Iterable[Mapping[str, Any]]) -> dict[str, Country]:
    """The countries of `country_list` by code and name; alpha-3 codes take precedence."""
    return {
        place_key(str(key)): Country(row["iso3"], row["name"])
        for row in rows
        for key in (row["iso2"], row["name"], row["iso3"])
        if key
    }


def places_by_word(
    countries: Mapping[str, Country], lists: Mapping[str, Iterable[Mapping[str, Any]]]
) -> dict[str, Country]:
    """Countries and groups by code, by their names in any list, and by the forms of a name.

    The forms are a name without its bracketed part, and South Korea for "Korea, South". A form that
    fits two places names neither.
    """
    known = dict(countries)
    by_code = {one.code: one for one in countries.values()}
    for seed, rows in lists.items():
        code_column, name_column, publisher_code = PARTNER_LISTS[seed]
        for row in rows:
            code, name = row[code_column], row[name_column]
            place = by_code.setdefault(code, Country(code, name))
            words = [code, name]
            if publisher_code:
                words.append(f"{_CENSUS}{row[publisher_code]}")
            for word in words:
                known.setdefault(place_key(word), place)
    forms: dict[str, set[Country]] = defaultdict(set)
    for word, place in known.items():
        for form in _forms(word):
            forms[form].add(place)
    return known | {
        form: next(iter(places))
        for form, places in forms.items()
        if len(places) == 1 and form not in known
    }


def suggested_places(text: str, known: Mapping[str, Country]) -> str:
    """What may be meant: places by name, never another code; or how to write a place.

    A name is near if its initials or one of its words are the text, or with a typing error in it.
    """
    key = place_key(text)
    names = {word: place for word, place in known.items() if len(word) > 3 and ":" not in word}
    found = [
        place
        for word, place in names.items()
        if key and key in (_initials(word), *(one for one in _words(word) if len(one) > 3))
    ]
    if not found and len(key) > 3:
        of_length = [word for word in names if len(_words(word)) == len(_words(key))]
        near = get_close_matches(key, of_length, n=2, cutoff=_TYPING_ERROR)
        found = [names[word] for word in near]
    meant = list(dict.fromkeys(found))
    if not 0 < len(meant) <= _MOST_SUGGESTED:
        return (
            "write the code or name of one, for example USA; `from marts.countries` lists countries"
            " and groups"
        )
    return "perhaps " + " or ".join(f"{place.code} ({place.name})" for place in meant)


def _forms(word: str) -> Iterable[str]:
    without = re.sub(r"\s*\(.*\)$", "", word)
    if without != word:
        yield without
    last, comma, first = without.partition(", ")
    if comma and "," not in first:
        yield f"{first} {last}"


def _initials(name: str) -> str:
    initials = [word[0] for word in _words(name) if word not in _SMALL_WORDS]
    return "".join(initials) if len(initials) > 1 else ""


def _words(name: str) -> list[str]:
    """The words of a name without its bracketed part."""
    return re.findall(r"\w+", re.sub(r"\s*\(.*\)$", "", name))
