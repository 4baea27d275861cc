"""The parameters of a DataWeb query, as a sheet of its export lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dagster_project.sources.snapshot import SnapshotError

_DOWNLOADED = "Download Date"
_FLOW, _TIME = "Trade Flow and Classification System", "Data and Years"
_COUNTRIES, _COMMODITIES = "Countries", "Commodities"
_STEP = re.compile(r"Step [0-9]+: (.+)")
_ALL = "Use All"
# The column of codes of each classification, by the first word of its name.
_CODE_LABELS = {"HTS": "HTS Number", "SITC": "SITC Number", "NAIC": "NAIC Number"}


@dataclass(frozen=True)
class Query:
    """What a query asked for: values by step and name. Empty where a file does not say it."""

    stated: Mapping[tuple[str, str], str]

    @property
    def downloaded(self) -> date | None:
        """The day of the export."""
        text = self.stated.get(("", _DOWNLOADED), "")
        if found := re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(found[0])
        if found := re.match(r"[A-Z][a-z]+ [0-9]{1,2}, [0-9]{4}", text):
            return datetime.strptime(found[0], "%B %d, %Y").date()
        return None

    @property
    def flow(self) -> str | None:
        return self.stated.get((_FLOW, "Trade Flow"))

    @property
    def only_year(self) -> int | None:
        """The year of the query, if it is one."""
        years = self.stated.get((_TIME, "Years"), "")
        return int(years) if re.fullmatch(r"(19|20)[0-9]{2}", years) else None

    def part_of(self, year: int) -> str | None:
        """The months of a year that the query covers; None if it covers all of them."""
        first, last = (self.stated.get((_TIME, f"{at} Month"), "") for at in ("Start", "End"))
        if first and last and (int(first), int(last)) != (1, 12):
            return f"months {int(first)} to {int(last)} of {year}"
        first, last = (self.stated.get((_TIME, f"{at} Date"), "") for at in ("Start", "End"))
        if first and last and (_month(first) > f"{year}-01" or _month(last) < f"{year}-12"):
            return f"what lies of {year} between {first} and {last}"
        return None

    def check(self, name: str) -> None:
        """Refuse a query restricted by what no figure of the warehouse has as a dimension.

        Raises:
            SnapshotError: only some districts, programs or provisions, or another scale.
        """
        scale = self.stated.get((_TIME, "Data Format"), "1")
        if scale.replace(",", "") != "1":
            raise SnapshotError(
                f"{name}: the query's values are in units of {scale}. Export it in single dollars."
            )
        for (step, key), value in self.stated.items():
            is_read = step in (_TIME, _COUNTRIES, _COMMODITIES)
            if key == "Select Type" and not is_read and not value.startswith(_ALL):
                raise SnapshotError(
                    f"{name}: the query covers only selected {step.lower()} ({value}), so its"
                    f" figures are a part of the trade. Export it for all {step.lower()}."
                )

    def country(self, where: str) -> str | None:
        """The country of a sheet without a column of countries; None for all countries together.

        Raises:
            SnapshotError: several selected countries together, or nothing says which.
        """
        if self._selects_all(_COUNTRIES):
            return None
        listed = self.stated.get((_COUNTRIES, "Country List"), "")
        if listed and "," not in listed:
            return listed
        raise SnapshotError(
            f"{where}: no column Country, and "
            + (
                f"the query adds up several countries ({listed[:100]}). Break the countries out."
                if self.stated
                else "nothing says whether it covers all countries or some. Import the workbook as"
                " it was exported, with the sheet Query Parameters."
            )
        )

    def commodity(self, where: str) -> tuple[str, str | None]:
        """The column and code of a sheet without a column of codes; None for all commodities.

        Raises:
            SnapshotError: several selected commodities together.
        """
        system = self.stated.get((_FLOW, "Classification System"), "HTS")
        label = next((one for word, one in _CODE_LABELS.items() if system.startswith(word)), None)
        if not self.stated or self._selects_all(_COMMODITIES):
            return label or _CODE_LABELS["HTS"], None
        listed = self.stated.get((_COMMODITIES, "Commodity List"), "")
        if label and re.fullmatch("[0-9]+", listed):
            return label, listed
        raise SnapshotError(
            f"{where}: no column of codes, and the query adds up selected commodities"
            f" ({listed[:100]}). Break the commodities out."
        )

    def _selects_all(self, step: str) -> bool:
        return self.stated.get((step, "Select Type"), "").startswith(_ALL)


def is_parameters(firsts: Sequence[str]) -> bool:
    """Whether the first cells of a sheet are those of a query's parameters."""
    return any(_STEP.match(cell) for cell in firsts[:5])


def read_query(rows: Iterable[Sequence[str]]) -> Query:
    """The parameters listed in two columns, name and value, under the query's steps."""
    step, stated = "", {}
    for row in rows:
        if found := _STEP.match(row[0]):
            step = found[1].strip()
        elif row[0]:
            stated[step, row[0]] = row[1] if len(row) > 1 else ""
    return Query(stated)


def _month(text: str) -> str:
    """01/2011 as 2011-01."""
    month, _, year = text.partition("/")
    return f"{year}-{month}"
