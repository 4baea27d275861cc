"""The vocabulary of the reader: the tables in the folder `grammar`, which users may extend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from dagster_project.reading.phrases import Phrases, Slot
from dagster_project.reading.tokens import Token
from dagster_project.reading.word_lists import rows
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.parsing import read_seed
from dagster_project.sources.periods import FISCAL_YEAR_COLUMNS, FiscalYear, fiscal_years

_SEEDS = PROJECT_ROOT / "dbt" / "seeds"

TABLES = (
    *("flows", "kinds", "changes", "hedges", "periods", "event_phrases", "places", "products"),
    *("sources", "unasserted", "not_trade", "currencies", "ranks", "runs"),
)


@dataclass(frozen=True)
class Event:
    """An event from which trade is measured, with the countries that it concerns.

    "The agreement" and "it" have no id: they mean the agreement that the text names.
    """

    event: str
    month: str
    kind: str
    places: tuple[str, ...]


@dataclass(frozen=True)
class Office:
    """What a country's statistical office usually means where a text does not say.

    `months` is how many months back it compares a month, `dollar` the currency of a bare $, and
    `headline` the kind of trade of its monthly figure of trade with the world. `is_annual` says
    that its "year to June" is the twelve months to June, `has_year_pairs` that 2016-17 is a fiscal
    year and not two years.
    """

    months: int = 12
    dollar: str = ""
    headline: str = "goods"
    is_annual: bool = False
    has_year_pairs: bool = False


ANY_OFFICE = Office()


@dataclass(frozen=True)
class Grammar:
    """The tables of words, and the numbers written as words."""

    phrases: Mapping[str, Phrases]
    numbers: Mapping[str, Mapping[str, Decimal | str]]
    events: Sequence[Event]
    names: Phrases
    homes: Mapping[str, str]
    offices: Mapping[str, Office]
    fiscal_years: Mapping[str, FiscalYear]

    def home_of(self, unit: str) -> str:
        """The country whose currency a unit is in; empty if there is none."""
        return self.homes.get(unit.partition(" ")[0], "")

    def office(self, place: str) -> Office:
        """What the office of a place means; of a place without an entry, the usual."""
        return self.offices.get(place, ANY_OFFICE)

    def number(self, token: Token, kind: str) -> Decimal | None:
        """The value of a word as a cardinal, ordinal, month or multiple."""
        table = self.numbers[kind]
        value = table.get(token.plain) or table.get(token.word)
        return value if isinstance(value, Decimal) else None

    def scale(self, token: Token) -> str | None:
        """The scale that a word names: bn for billion."""
        value = self.numbers["scale"].get(token.word)
        return value if isinstance(value, str) else None


@cache
def grammar() -> Grammar:
    """The shipped grammar.

    Raises:
        GrammarError: a table has a phrase that cannot be read.
    """
    numbers: dict[str, dict[str, Decimal | str]] = {}
    for row in rows("numbers"):
        value = row["value"] if row["kind"] == "scale" else Decimal(row["value"])
        numbers.setdefault(row["kind"], {})[row["word"]] = value
    event_rows = [{**row, "row": str(place)} for place, row in enumerate(rows("events"))]
    slots = _slots(numbers)
    starts = frozenset(word.casefold() for table in numbers.values() for word in table)
    named = [*rows("places"), *_other_countries()]
    places = Phrases(named, slots)

    def place_name(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        matched = places.at(found, place)
        return (matched.end, 0) if matched else None

    slots["place"] = place_name
    names = Phrases(event_rows, slots)

    def event(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        matched = names.at(found, place)
        return (matched.end, int(matched.value["row"])) if matched else None

    return Grammar(
        phrases={
            name: Phrases(
                named if name == "places" else rows(name), {**slots, "event": event}, starts
            )
            for name in TABLES
        },
        numbers=numbers,
        events=[
            Event(row["event"], row["month"], row["kind"], tuple(row["places"].split()))
            for row in event_rows
        ],
        names=names,
        offices={
            row["place"]: Office(
                int(row["months"]),
                row["dollar"],
                row["headline"],
                is_annual=bool(row["year_to"]),
                has_year_pairs=bool(row["year_pairs"]),
            )
            for row in rows("offices")
        },
        homes={row["currency"]: row["place"] for row in rows("currencies")},
        fiscal_years=fiscal_years(read_seed(_SEEDS, "fiscal_years.csv", *FISCAL_YEAR_COLUMNS)),
    )


def _other_countries() -> list[Mapping[str, str]]:
    """The countries that the table of places does not name, by their names in the seed."""
    known = {row["place"] for row in rows("places")}
    return [
        {"words": row["name"], "place": row["iso3"]}
        for row in read_seed(_SEEDS, "country_list.csv")
        if row["iso3"] not in known and all(word.isalpha() for word in row["name"].split())
    ]


def _slots(numbers: Mapping[str, Mapping[str, Decimal | str]]) -> dict[str, Slot]:
    months, cardinals, ordinals = numbers["month"], numbers["cardinal"], numbers["ordinal"]

    def of(table: Mapping[str, Decimal | str], token: Token) -> int | None:
        value = table.get(token.plain) or table.get(token.word)
        return int(value) if value is not None else None

    def year(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        token = found[place]
        if not token.is_number or len(token.text) != 4 or not "1900" <= token.text <= "2100":
            return None
        if not token.text.isdigit() or (place and found[place - 1].word in "$€£¥"):
            return None
        after = found[place + 1] if place + 1 < len(found) else None
        if after and (
            (after.word in numbers["scale"] and len(after.word) > 1) or after.word == "%"
        ):
            return None
        return place + 1, int(token.text)

    def month(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        value = of(months, found[place])
        if value is None:
            return None
        end = place + 1
        if end < len(found) and found[end].word == "." and found[end].glued:
            end += 1
        return end, value

    def digits(found: Sequence[Token], place: int, most: int) -> tuple[int, int] | None:
        token = found[place]
        if token.is_number and token.text.isdigit() and len(token.text) <= most:
            return place + 1, int(token.text)
        return None

    def day(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        value = digits(found, place, 2)
        if value is None or not 1 <= value[1] <= 31:
            return None
        end = value[0]
        if end < len(found) and found[end].word in ("st", "nd", "rd", "th") and found[end].glued:
            end += 1
        return end, value[1]

    def count(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        value = of(cardinals, found[place])
        if value is None:
            return digits(found, place, 3)
        if value >= 20 and place + 2 < len(found) and found[place + 1].word == "-":
            unit = of(cardinals, found[place + 2])
            if unit is not None and 0 < unit < 10:
                return place + 3, value + unit
        return place + 1, value

    def ordinal(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        value = of(ordinals, found[place])
        if value is not None:
            return place + 1, value
        if value := of(cardinals, found[place]):
            after = found[place + 2] if place + 2 < len(found) else None
            unit = of(ordinals, after) if after and value >= 20 else None
            return (place + 3, value + unit) if unit and found[place + 1].word == "-" else None
        plain = digits(found, place, 3)
        ending = found[plain[0]] if plain and plain[0] < len(found) else None
        if plain and ending and ending.glued and ending.word in ("st", "nd", "rd", "th"):
            return plain[0] + 1, plain[1]
        return None

    def number(found: Sequence[Token], place: int) -> tuple[int, int] | None:
        return digits(found, place, 2)

    return {
        "year": year,
        "month": month,
        "day": day,
        "count": count,
        "ordinal": ordinal,
        "number": number,
    }
