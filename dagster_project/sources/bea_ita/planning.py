"""Divides a selection into requests to BEA."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from dagster_project.sources.bea_ita.dataset import (
    ALL,
    FIRST_YEAR,
    LAYOUT,
    QUARTERS,
    SOURCE_ID,
    TABLE,
)
from dagster_project.sources.bea_ita.seeds import Area
from dagster_project.sources.connector import Chunk, Request, Selection, SelectionError
from dagster_project.sources.parsing import closest
from dagster_project.sources.snapshot import Covers

_ADDRESS = "https://apps.bea.gov/api/data"


def check_selection(selection: Selection) -> None:
    if set(selection.reporters) - {"USA"}:
        raise SelectionError(
            f"{SOURCE_ID} reports only the trade of the United States, not of"
            f" {', '.join(selection.reporters)}."
        )
    if selection.level != "total" or selection.products:
        raise SelectionError(
            f"{SOURCE_ID} has only total goods and services: select the level total, without"
            " products."
        )
    if unknown := set(selection.flows) - {"export", "import"}:
        raise SelectionError(f"{SOURCE_ID} has no flow {', '.join(sorted(unknown))}.")
    if selection.first.year < FIRST_YEAR:
        raise SelectionError(f"{SOURCE_ID} begins in {FIRST_YEAR}: select later years.")


def asked_areas(partners: Sequence[str], areas: Mapping[str, Area]) -> tuple[str, ...]:
    """The publisher's codes of the partners; all areas where none is named."""
    by_partner = {area.partner_code: area.code for area in areas.values() if area.is_current}
    for partner in partners:
        if partner not in by_partner:
            raise SelectionError(
                f"{SOURCE_ID} does not publish {partner!r} separately:"
                f" {closest(partner, by_partner)}."
            )
    return tuple(dict.fromkeys(by_partner[partner] for partner in partners)) or (ALL,)


def chunk_of(selection: Selection, indicators: Sequence[str], areas: Sequence[str]) -> Chunk:
    first, last = selection.first, selection.last
    years = range(first.year, last.year + 1)
    frequencies = ("A",) if selection.frequency == "A" else QUARTERS
    named = tuple(areas)
    if len(areas) > 4:
        digest = hashlib.sha256(" ".join(areas).encode()).hexdigest()[:8]
        named = (f"{areas[0]}-to-{areas[-1]}-{len(areas)}-areas-{digest}",)
    shown = (*indicators, *named, *frequencies, f"{first.year}-{last.year}")
    equal = {"indicator": tuple(indicators), "frequency": frequencies}
    if ALL not in areas:
        equal["area_or_country"] = tuple(areas)
    return Chunk(
        name=f"{'_'.join(shown)}.json",
        table=TABLE,
        layout=LAYOUT,
        request=Request(
            address=_ADDRESS,
            parameters=(
                ("method", "GetData"),
                ("datasetname", "ITA"),
                ("Indicator", ",".join(indicators)),
                ("AreaOrCountry", ",".join(areas)),
                ("Frequency", ",".join(frequencies)),
                ("Year", ",".join(str(year) for year in years)),
                ("ResultFormat", "JSON"),
            ),
            accept=("application/json",),
        ),
        covers=Covers(equal, f"{first.year}-01", f"{last.year}-12"),
        expected_rows=len(indicators)
        * (100 if ALL in areas else len(areas))
        * len(years)
        * (1 if selection.frequency == "A" else 8),
    )
