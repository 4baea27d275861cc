"""What the seeds say of products: editions of the Harmonized System and how one becomes another."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.parsing import read_seed

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
NOT_SPECIFIED = "999999"
WORKBOOKS = {
    ("H5", "H4"): "HS2017toHS2012ConversionAndCorrelationTables.xlsx",
    ("H6", "H5"): "HS2022toHS2017ConversionAndCorrelationTables.xlsx",
}
# Goods that the later edition moved to another chapter: monopods, products of nicotine without
# tobacco, reagents, and drones, which were cameras before they were aircraft.
MOVED_CHAPTER = {
    "H5": {"962000": "852990"},
    "H6": {
        **{"240412": "382499", "240491": "210690", "240492": "382499", "240499": "382499"},
        **{"382211": "300211", "382212": "300215", "382213": "300620"},
        **{f"8806{rest}": "852580" for rest in (21, 22, 23, 24, 91, 92, 93, 94)},
    },
}
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def seed(name: str) -> list[dict[str, str]]:
    return read_seed(SEEDS, f"{name}.csv")


def conversion(from_edition: str) -> dict[str, str]:
    rows = [row for row in seed("hs_conversions") if row["from_edition"] == from_edition]
    found = {row["from_code"]: row["to_code"] for row in rows}
    assert len(found) == len(rows) > 5000
    return found


def sheet_rows(path: Path, sheet: int) -> Iterator[list[str]]:
    """The filled cells of each row of a workbook's sheet: text is shared, numbers are not."""
    with zipfile.ZipFile(path) as book:
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        rows = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    texts = ["".join(part.text or "" for part in item.iter(f"{_SHEET}t")) for item in shared]
    for row in rows.iter(f"{_SHEET}row"):
        yield [
            texts[int(value)] if cell.get("t") == "s" else value
            for cell in row.iter(f"{_SHEET}c")
            if (value := cell.findtext(f"{_SHEET}v"))
        ]


def subheadings(path: Path) -> set[str]:
    lines = path.read_text(encoding="latin-1").splitlines()
    return {found[1] for line in lines if (found := re.match(r'"(\d{6})",', line))}


def test_each_edition_converts_to_the_one_before() -> None:
    years = {row["edition"]: int(row["in_force_from"]) for row in seed("hs_editions")}
    editions = [row["edition"] for row in seed("hs_editions")]
    assert sorted(years, key=years.__getitem__) == editions
    steps = {(row["from_edition"], row["to_edition"]) for row in seed("hs_conversions")}
    assert steps == WORKBOOKS.keys()
    assert steps <= set(zip(editions[1:], editions, strict=False))


@pytest.mark.parametrize("edition", ["H5", "H6"])
def test_every_chapter_has_subheadings_of_six_digits(edition: str) -> None:
    codes = conversion(edition)
    for code in [*codes, *codes.values()]:
        assert re.fullmatch(r"[0-9]{6}", code), code
    # Chapter 77 is reserved; 98 is each country's own; 99 holds what was not specified.
    every = {f"{chapter:02}" for chapter in range(1, 98)} - {"77"}
    assert {code[:2] for code in codes} == every | {"99"}
    assert codes[NOT_SPECIFIED] == NOT_SPECIFIED
    assert [code for code in codes if code[:2] == "99"] == [NOT_SPECIFIED]


@pytest.mark.parametrize("edition", ["H5", "H6"])
def test_goods_change_chapter_only_where_the_edition_says_so(edition: str) -> None:
    moved = {code: target for code, target in conversion(edition).items() if code[:2] != target[:2]}
    assert moved == MOVED_CHAPTER[edition]


def test_one_conversion_leads_to_the_next() -> None:
    assert set(conversion("H6").values()) <= conversion("H5").keys()


@pytest.mark.parametrize("edition", ["H5", "H6"])
def test_a_subheading_that_stayed_converts_to_itself(edition: str) -> None:
    codes = conversion(edition)
    targets = set(codes.values())
    elsewhere = {code: codes[code] for code in codes if code in targets and codes[code] != code}
    # Number reused: slivers and the like of glass fibre until 2021, mats of it since.
    assert elsewhere == ({"701919": "701931"} if edition == "H6" else {})
    assert sum(code == target for code, target in codes.items()) > 0.93 * len(codes)


@pytest.mark.parametrize("editions", sorted(WORKBOOKS))
def test_conversions_are_the_publishers_and_among_its_correlations(
    real_data: Path, editions: tuple[str, str]
) -> None:
    path = real_data / "concordances" / WORKBOOKS[editions]
    published = {(row[0], row[1]) for row in list(sheet_rows(path, 1))[1:]}
    assert set(conversion(editions[0]).items()) == published
    correlated = {
        pair
        for row in sheet_rows(path, 2)
        if len(pair := tuple(cell for cell in row if re.fullmatch("[0-9]{6}", cell))) == 2
    }
    assert published < correlated


def test_codes_are_those_of_their_edition(real_data: Path) -> None:
    reference = real_data / "comtrade_reference"
    hs2012 = subheadings(reference / "product_hs_2012.csv")
    hs2017 = subheadings(reference / "product_hs_2017.csv")
    assert conversion("H5").keys() == hs2017
    assert hs2012 - set(conversion("H5").values()) == {
        *("370510", "401162", "401163", "401169", "401192", "401193"),
        *("690710", "690810", "690890", "846900", "847310", "900610"),
    }
    assert set(conversion("H5").values()) <= hs2012
    with (real_data / "hs_codes" / "harmonized-system.csv").open(encoding="utf-8") as file:
        hs2022 = {row["hscode"] for row in csv.DictReader(file) if row["level"] == "6"}
    assert conversion("H6").keys() == hs2022


def test_the_concordance_is_of_codes_of_its_edition_that_define_sectors() -> None:
    defining = {(row["product_system"], row["product_code"]) for row in seed("sector_codes")}
    rows = seed("hs_concordance")
    assert {row["edition"] for row in rows} == {"H5"}
    assert {row["hs6_code"] for row in rows} <= conversion("H5").keys()
    listed = {(row["product_system"], row["product_code"]) for row in rows}
    # Chapters are read off a subheading's first two digits.
    by_other_means = {"total", "hs2", "otexa"}
    # Schedule B is of exports, which have no category of their own for bodies of trucks.
    of_imports = {("end_use5", "30110")}
    assert listed == {pair for pair in defining - of_imports if pair[0] not in by_other_means}


def test_passenger_cars_are_passenger_cars() -> None:
    cars = {row["hs6_code"]: row for row in seed("hs_concordance") if row["product_code"] == "300"}
    # Heading 8703 without what runs on snow and golf courses, and without its ambulances.
    heading = {code for code in conversion("H5") if code[:4] == "8703"}
    assert cars.keys() == heading - {"870310"}
    assert (cars["870323"]["lines_inside"], cars["870323"]["lines"]) == ("4", "5")


def test_the_concordance_counts_the_lines_of_schedule_b(real_data: Path) -> None:
    path = real_data / "concordances" / "census_schedule_b_2019_concordance_parsed.csv"
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    column = {"end_use": "enduse5", "end_use5": "enduse5", "naics3": "naics6"}
    every = Counter(line["hs10"][:6] for line in lines)
    rows = seed("hs_concordance")
    for system, code in {(row["product_system"], row["product_code"]) for row in rows}:
        inside = Counter(
            line["hs10"][:6] for line in lines if line[column[system]].startswith(code)
        )
        found = {
            row["hs6_code"]: (int(row["lines_inside"]), int(row["lines"]))
            for row in rows
            if (row["product_system"], row["product_code"]) == (system, code)
        }
        # One code is the country's own: civil aircraft with their parts.
        wanted = {hs6: (inside[hs6], every[hs6]) for hs6 in inside if hs6 != "880000"}
        assert found == wanted
