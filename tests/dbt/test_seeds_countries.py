"""What the seeds say of countries, held against each other, the globe and independent lists.

A code that exists may still mean another place: here names, codes, coordinates, coasts and
borders of one country have to fit together, row by row.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import acos, cos, degrees, radians, sin
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.parsing import read_seed

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
DISTANCES = PROJECT_ROOT / "dbt" / "models" / "world" / "intermediate" / "int_mirror__distances.sql"

# Without a town, and so without coordinates.
UNINHABITED = {"ATA", "BVT", "HMD", "NTZ", "UMI"}
SUCCESSORS = {
    "ANT": {"BES", "CUW", "SXM"},
    "CSK": {"CZE", "SVK"},
    "SCG": {"MNE", "SRB", "XKX"},
    "SUN": {
        *("ARM", "AZE", "BLR", "EST", "GEO", "KAZ", "KGZ", "LTU", "LVA", "MDA", "RUS"),
        *("TJK", "TKM", "UKR", "UZB"),
    },
    "YUG": {"BIH", "HRV", "MKD", "MNE", "SRB", "SVN", "XKX"},
}
# Codes of the GeoDist files that ISO 3166 has changed since; YUG is Serbia and Montenegro there.
GEODIST_CODES = {"PAL": "PSE", "ROM": "ROU", "TMP": "TLS", "ZAR": "COD", "YUG": "SCG"}
# GeoDist has these far from where they are: Samoa, for one, on the other side of the date line.
MISPLACED_BY_GEODIST = {"CCK", "COL", "GIN", "NZL", "WSM"}
# South, north, west and east end of where the main cities of each region of M49 lie; an east
# beyond 180 is past the date line.
REGIONS = {
    "Australia and New Zealand": (-48, -10, 96, 179),
    "Central Asia": (37, 52, 50, 80),
    "Eastern Asia": (20, 50, 95, 146),
    "Eastern Europe": (41, 60, 12, 41),
    "Latin America and the Caribbean": (-56, 33, -118, -34),
    "Melanesia": (-24, 0, 138, 180),
    "Micronesia": (-3, 21, 130, 178),
    "Polynesia": (-30, -5, 176, 235),
    "Northern Africa": (13, 38, -18, 36),
    "Northern America": (30, 68, -135, -50),
    "Northern Europe": (49, 79, -25, 30),
    "South-eastern Asia": (-11, 29, 92, 142),
    "Southern Asia": (-1, 39, 44, 98),
    "Southern Europe": (34, 47, -32, 31),
    "Sub-Saharan Africa": (-50, 22, -26, 73),
    "Western Asia": (12, 43, 25, 60),
    "Western Europe": (42, 56, -6, 18),
}
# A year of each cohort of members of the European Union, by its usual name.
COHORTS = {
    "EU12": 1986,
    "EU15": 1995,
    "EU25": 2004,
    "EU27_2007": 2007,
    "EU28": 2013,
    "EU27": 2021,
}


def seed(name: str) -> list[dict[str, str]]:
    return list(read_seed(SEEDS, f"{name}.csv"))


def csv_rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file, delimiter=delimiter))
    assert len(found) > 200
    return found


COUNTRIES = {row["iso3"]: row for row in seed("country_list")}
GEOGRAPHY = {row["iso3"]: row for row in seed("country_geography")}
BORDERS = {(row["iso3"], row["neighbour_iso3"]) for row in seed("country_borders")}
LANDLOCKED = {iso3 for iso3, row in GEOGRAPHY.items() if row["is_landlocked"] == "true"}
PLACES = {
    iso3: (float(row["latitude"]), float(row["longitude"]))
    for iso3, row in GEOGRAPHY.items()
    if row["main_city"]
}
MEMBERS: Mapping[str, dict[str, dict[str, str]]] = defaultdict(dict)
for _row in seed("country_groups"):
    MEMBERS[_row["group_code"]][_row["iso3"]] = _row


def neighbours(iso3: str) -> set[str]:
    return {other for pair in BORDERS if iso3 in pair for other in pair if other != iso3}


def arc_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    """The other formula, by the arc cosine, which is exact enough some way off."""
    (lat, lon), (lat2, lon2) = ((radians(x), radians(y)) for x, y in (here, there))
    cosine = sin(lat) * sin(lat2) + cos(lat) * cos(lat2) * cos(lon - lon2)
    return 111.19492664 * degrees(acos(max(-1.0, min(1.0, cosine))))


@pytest.fixture(scope="module")
def distances() -> dict[tuple[str, str], tuple[float, bool]]:
    """What the model gives, asked of the seeds alone."""
    with duckdb.connect() as connection:
        for name in ("country_geography", "country_borders"):
            connection.read_csv(str(SEEDS / f"{name}.csv"), na_values="").create(name)
        sql = re.sub(r'\{\{ ref\("(\w+)"\) \}\}', r"\1", DISTANCES.read_text(encoding="utf-8"))
        found = connection.sql(sql).fetchall()
    return {(row[0], row[1]): (row[2], row[3]) for row in found}


# Codes and names


@pytest.fixture(scope="session")
def name_patterns(real_data: Path) -> dict[str, re.Pattern[str]]:
    """An independent list's own way to tell which country a name means."""
    path = real_data / "country_codes" / "country_converter_1.3.2_country_data.tsv"
    return {row["ISO3"]: re.compile(row["regex"], re.I) for row in csv_rows(path, "\t")}


def meant(name: str, patterns: Mapping[str, re.Pattern[str]]) -> set[str]:
    return {iso3 for iso3, pattern in patterns.items() if pattern.search(name)}


def test_each_name_means_the_country_of_its_code(
    name_patterns: dict[str, re.Pattern[str]],
) -> None:
    former = COUNTRIES.keys() - name_patterns.keys()
    assert former == {"CSK", "DDR", "NTZ", "PCI", "SCG", "YMD", "YUG"}
    for iso3, row in COUNTRIES.items():
        if iso3 not in former:
            assert meant(row["name"], name_patterns) == {iso3}


def test_each_name_of_the_census_bureau_means_the_country_of_its_code(
    name_patterns: dict[str, re.Pattern[str]],
) -> None:
    # Places that are named by two countries, of which the code means one.
    of_two = {"4350", "5082", "5083", "5160", "7740"}
    partners = [row for row in seed("census_partners") if row["iso3"]]
    assert len(partners) > 230
    for row in partners:
        found = meant(row["partner_name"], name_patterns)
        if row["iso3"] in name_patterns and row["census_code"] not in of_two:
            assert found == {row["iso3"]}, row


def test_codes_agree_with_an_independent_list(real_data: Path) -> None:
    listed = csv_rows(real_data / "country_codes" / "country-codes.csv")
    assert COUNTRIES.keys() - {row["ISO3166-1-Alpha-3"] for row in listed} == {
        *("ANT", "CSK", "DDR", "NTZ", "PCI", "SCG", "SUN", "XKX", "YMD", "YUG")
    }
    for row in listed:
        ours = COUNTRIES[row["ISO3166-1-Alpha-3"]]
        assert (ours["iso2"], ours["m49_code"]) == (
            row["ISO3166-1-Alpha-2"],
            row["M49"].zfill(3),
        )


def test_census_codes_agree_with_the_bureaus_own_list(real_data: Path) -> None:
    path = real_data / "country_codes" / "census_country_iso.csv"
    iso2_of = {row["Code"].strip(): row["ISO Code"].strip() for row in csv_rows(path)}
    # The bureau's list has letters of its own for Kosovo, Gaza, the West Bank and Kinshasa.
    own_letters = {"4803", "5082", "5083", "7660"}
    compared = 0
    for row in seed("census_partners"):
        code = row["census_code"]
        if row["iso3"] and code in iso2_of and code not in own_letters:
            compared += 1
            assert COUNTRIES[row["iso3"]]["iso2"] == iso2_of[code], row
    assert compared > 220


def comtrade_lists(real_data: Path) -> Iterator[tuple[str, str, str | None, list[int]]]:
    """Code, name, ISO code and the years of validity; rows leave columns out as they please."""
    for name in ("reporter", "partner_country"):
        path = real_data / "comtrade_reference" / f"{name}.csv"
        for line in path.read_text(encoding="latin-1").splitlines()[1:]:
            opening = re.match(r'"(\d+)","([^"]*)"', line)
            if opening:
                letters = re.findall(r'"([A-Z]{3})"', line)
                years = [int(year) for year in re.findall(r'"(\d{4})-\d\d-\d\dT', line)]
                yield opening[1], opening[2].strip(), letters[0] if letters else None, years


def test_every_comtrade_code_is_known_and_means_what_the_publisher_says(
    real_data: Path, name_patterns: dict[str, re.Pattern[str]]
) -> None:
    of = {code: iso3 for iso3, row in COUNTRIES.items() for code in row["comtrade_codes"].split()}
    areas = {row["area_code"]: row for row in seed("comtrade_areas")}
    assert not of.keys() & areas.keys()
    # Named by an area or by the countries they were before, and coded as the country they became.
    named_otherwise = {
        *("200", "278", "490", "532", "536", "582", "588", "658", "720", "841", "890", "891")
    }
    overseas = {"175", "254", "312", "474", "638"}
    codes = set()
    for code, name, iso3, _ in comtrade_lists(real_data):
        codes.add(code)
        assert (code in of) != (code in areas), (code, name)
        if "nes" in name.split() and code != "490":
            assert areas[code]["area_kind"] == "area_nes", (code, name)
        elif code in of:
            assert of[code] == iso3 or code in {"412", "490"}, (code, name)
            found = meant(name, name_patterns) - ({"FRA"} if code in overseas else set())
            assert found == {of[code]} or code in named_otherwise, (code, name)
    assert len(codes) > 280
    assert (of.keys() | areas.keys()) - codes == {"381"}


def test_every_code_that_may_be_a_country_has_a_place() -> None:
    assert GEOGRAPHY.keys() == COUNTRIES.keys()
    assert GEOGRAPHY.keys() - PLACES.keys() == UNINHABITED
    for iso3, row in GEOGRAPHY.items():
        filled = {bool(row[name]) for name in ("main_city", "latitude", "coordinates_source")}
        assert filled == {iso3 in PLACES}, iso3


def test_years_of_codes_are_the_publishers(real_data: Path) -> None:
    ours = {
        row["area_code"]: (row["first_year"], row["last_year"])
        for row in seed("comtrade_code_years")
    }
    for code, name, _, years in comtrade_lists(real_data):
        first, last = (*years, None)[:2]
        # 1900 stands for a beginning that is not said.
        wanted = ("" if first in (None, 1900) else str(first), str(last or ""))
        assert ours.get(code, ("", "")) == wanted, name


def test_former_countries_end_before_what_became_of_them_begins() -> None:
    years = {row["area_code"]: row for row in seed("comtrade_code_years")}
    for former in ("CSK", "SCG", "SUN", "YUG"):
        (code,) = COUNTRIES[former]["comtrade_codes"].split()
        for successor in SUCCESSORS[former] - {"XKX"}:
            for after in COUNTRIES[successor]["comtrade_codes"].split():
                begins = years.get(after, {}).get("first_year") or "1992"
                assert int(years[code]["last_year"]) <= int(begins), (former, successor)


# Places


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_main_cities_lie_in_their_region(real_data: Path, region: str) -> None:
    south, north, west, east = REGIONS[region]
    listed = csv_rows(real_data / "country_codes" / "country-codes.csv")
    inside = [row["ISO3166-1-Alpha-3"] for row in listed if row["Sub-region Name"] == region]
    places = {iso3: PLACES[iso3] for iso3 in inside if iso3 in PLACES}
    assert len(places) >= 5
    for iso3, (latitude, longitude) in places.items():
        assert south < latitude < north, iso3
        assert 0 < (longitude - west) % 360 < east - west, iso3


def test_main_cities_are_where_geodist_has_them(real_data: Path) -> None:
    cities = pl.read_parquet(real_data / "gravity" / "geo_cepii.parquet").filter(
        (pl.col("maincity") == 1) & ~pl.col("city_en").is_in(["none", "N.A."])
    )
    compared = 0
    for row in cities.iter_rows(named=True):
        iso3 = GEODIST_CODES.get(row["iso3"], row["iso3"])
        # Dumont d'Urville lies in Antarctica, and 140 degrees east of Greenwich, not west.
        if iso3 in {"ATF", *MISPLACED_BY_GEODIST}:
            assert GEOGRAPHY[iso3]["coordinates_source"] == "geonames"
            continue
        compared += 1
        assert arc_km(PLACES[iso3], (row["lat"], row["lon"])) < 25, iso3
    assert compared > 210


def test_a_former_country_is_where_one_of_its_successors_is() -> None:
    for former, successors in SUCCESSORS.items():
        assert PLACES[former] in {PLACES[iso3] for iso3 in successors}
    assert PLACES["DDR"] != PLACES["DEU"]
    assert PLACES["YMD"] != PLACES["YEM"]


# Coasts and borders


def test_landlocked_countries_are_those_of_the_independent_lists(real_data: Path) -> None:
    developing = {
        row["ISO3166-1-Alpha-3"]
        for row in csv_rows(real_data / "country_codes" / "country-codes.csv")
        if row["Land Locked Developing Countries (LLDC)"] == "x"
    }
    cities = pl.read_parquet(real_data / "gravity" / "geo_cepii.parquet")
    geodist = set(cities.filter(pl.col("landlocked") == 1)["iso3"])
    # In Europe, where no list of developing countries looks; GeoDist leaves some out.
    others = {"AND", "BLR", "LIE", "SMR", "SRB", "VAT", "XKX"}
    assert developing | geodist | others | {"CSK", "NTZ"} == LANDLOCKED
    assert developing == set(MEMBERS["lldc"])


def test_landlocked_countries_have_neighbours_and_two_have_only_landlocked_ones() -> None:
    doubly = {iso3 for iso3 in LANDLOCKED - UNINHABITED if neighbours(iso3) <= LANDLOCKED}
    assert doubly == {"LIE", "UZB"}
    assert all(neighbours(iso3) for iso3 in LANDLOCKED - UNINHABITED)


def test_borders_are_those_of_geodist_but_for_what_has_changed(real_data: Path) -> None:
    pairs = pl.read_parquet(real_data / "gravity" / "dist_cepii.parquet")
    geodist = {
        tuple(sorted(GEODIST_CODES.get(iso3, iso3) for iso3 in pair))
        for pair in pairs.filter(pl.col("contig") == 1).select("iso_o", "iso_d").iter_rows()
    }
    assert len(geodist) == 308
    # A causeway, a border given up in 1974, and those of Sudan that are South Sudan's now.
    assert geodist - BORDERS == {
        *(("MYS", "SGP"), ("ARE", "QAT"), ("COD", "SDN"), ("KEN", "SDN"), ("SDN", "UGA"))
    }
    new = {"BES", "CSK", "CUW", "DDR", "LIE", "MCO", "MNE", "SRB", "SSD", "SUN", "SXM", "VAT"}
    new |= {"XKX", "YMD", "YUG"}
    # Cabinda, the Pyrenees, Ceuta and Melilla, and what it has of the Yugoslavia of before.
    assert {pair for pair in BORDERS - geodist if not new & {*pair}} == {
        *(("AGO", "COG"), ("AND", "ESP"), ("ESP", "MAR"), ("ANT", "MAF"))
    }


def test_former_countries_have_the_borders_of_what_became_of_them() -> None:
    former_countries = {*SUCCESSORS, "DDR"}
    dated = {row["area_code"] for row in seed("comtrade_code_years")}
    for former, successors in SUCCESSORS.items():
        inherited = {other for iso3 in successors for other in neighbours(iso3)} - successors
        assert neighbours(former) - former_countries <= inherited, former
        # Whose code has no beginning was there at the time; Kosovo's alone came after.
        there = {
            iso3
            for iso3 in inherited - former_countries - {"XKX"}
            if not dated & {*COUNTRIES[iso3]["comtrade_codes"].split()}
        }
        assert there <= neighbours(former), former


@pytest.mark.parametrize(
    ("iso3", "count"),
    [
        *(("CHN", 16), ("BRA", 10), ("DEU", 9), ("AUT", 8), ("USA", 2), ("KOR", 1), ("AUS", 0)),
        # Those that no list here has the borders of.
        *(("SRB", 8), ("SSD", 6), ("MNE", 5), ("XKX", 4), ("LIE", 2), ("MCO", 1), ("VAT", 1)),
        *(("SXM", 1), ("CUW", 0), ("BES", 0), ("DDR", 2), ("YMD", 3)),
    ],
)
def test_countries_have_their_known_number_of_neighbours(iso3: str, count: int) -> None:
    """The fourteen of China with Hong Kong and Macao, the nine of Brazil with French Guiana."""
    assert len(neighbours(iso3) - SUCCESSORS.keys() - {"DDR"}) == count


def test_islands_have_no_neighbours_but_those_they_share_an_island_with() -> None:
    shared = {"DOM", "HTI", "IDN", "IRL", "GBR", "MAF", "PNG", "SXM", "TLS", "BRN", "CUB"}
    islands = MEMBERS["sids"].keys() - {"BLZ", "GNB", "GUY", "SUR"}
    assert {iso3 for iso3 in islands if neighbours(iso3)} <= shared


# Distances


def test_distances_are_symmetrical_and_of_every_pair(
    distances: dict[tuple[str, str], tuple[float, bool]],
) -> None:
    # A former country and the one that kept its capital, either way.
    together = {("ANT", "CUW"), ("CSK", "CZE"), ("MNP", "PCI"), ("RUS", "SUN")}
    together |= {("SCG", "SRB"), ("SCG", "YUG"), ("SRB", "YUG")}
    wanted = {(x, m) for x in PLACES for m in PLACES if x != m}
    assert wanted - distances.keys() == together | {(m, x) for x, m in together}
    assert distances.keys() <= wanted
    for (x, m), (km, is_contiguous) in distances.items():
        assert distances[m, x] == (km, is_contiguous)
        assert is_contiguous == ((x, m) in BORDERS or (m, x) in BORDERS)


@pytest.mark.slow
@given(st.permutations(sorted(PLACES)).map(lambda order: order[:3]))
def test_a_detour_is_no_shorter(
    distances: dict[tuple[str, str], tuple[float, bool]], stops: list[str]
) -> None:
    def km(here: str, there: str) -> float:
        # Two codes of one city have no row.
        return distances.get((here, there), (0.0, False))[0]

    a, b, c = stops
    assert km(a, c) <= km(a, b) + km(b, c) + 1e-6
    assert km(a, b) == pytest.approx(arc_km(PLACES[a], PLACES[b]), rel=1e-5, abs=0.01)


def test_distances_are_geodists(
    real_data: Path, distances: dict[tuple[str, str], tuple[float, bool]]
) -> None:
    pairs = pl.read_parquet(real_data / "gravity" / "dist_cepii.parquet")
    ours = pl.DataFrame(
        [(x, m, km) for (x, m), (km, _) in distances.items()],
        schema={"iso_o": pl.String, "iso_d": pl.String, "km": pl.Float64},
        orient="row",
    )
    both = pairs.join(ours, on=["iso_o", "iso_d"]).filter(
        # Yugoslavia is Serbia and Montenegro there, in the same city.
        ~pl.col("iso_o").is_in(MISPLACED_BY_GEODIST) & ~pl.col("iso_d").is_in(MISPLACED_BY_GEODIST)
    )
    assert both.height > 45_000
    correlation = both.select(pl.corr("km", "dist", method="spearman")).item()
    ratio = both["km"] / both["dist"]
    assert correlation > 0.9999
    assert ratio.median() == pytest.approx(1, abs=0.002)
    assert both.filter(ratio.is_between(0.97, 1.03)).height > 0.998 * both.height


# Groups


@pytest.mark.parametrize(
    ("group", "column"), [("oecd", "OECD"), ("euro_area", "EURO"), ("apec", "APEC")]
)
def test_members_are_those_of_an_independent_list(real_data: Path, group: str, column: str) -> None:
    path = real_data / "country_codes" / "country_converter_1.3.2_country_data.tsv"
    listed = {row["ISO3"]: row[column] for row in csv_rows(path, "\t") if row[column]}
    # The list is of 2025.
    ours = {iso3: row for iso3, row in MEMBERS[group].items() if row["first_year"] <= "2025"}
    assert ours.keys() == listed.keys()
    for iso3, year in listed.items():
        assert year in (column, ours[iso3]["first_year"]), iso3


@pytest.mark.parametrize("cohort", sorted(COHORTS))
def test_the_union_had_the_members_of_each_cohort(real_data: Path, cohort: str) -> None:
    path = real_data / "country_codes" / "country_converter_1.3.2_country_data.tsv"
    listed = {row["ISO3"] for row in csv_rows(path, "\t") if row[cohort]}
    year = COHORTS[cohort]
    assert listed == {
        iso3
        for iso3, row in MEMBERS["eu"].items()
        if int(row["first_year"]) <= year and year <= int(row["last_year"] or 9999)
    }


@pytest.mark.parametrize(
    ("group", "column"),
    [
        ("ldc", "Least Developed Countries (LDC)"),
        ("sids", "Small Island Developing States (SIDS)"),
    ],
)
def test_members_are_those_the_united_nations_list(
    real_data: Path, group: str, column: str
) -> None:
    listed = csv_rows(real_data / "country_codes" / "country-codes.csv")
    assert set(MEMBERS[group]) == {row["ISO3166-1-Alpha-3"] for row in listed if row[column] == "x"}


def test_a_member_of_the_euro_area_was_in_the_union_first() -> None:
    for iso3, row in MEMBERS["euro_area"].items():
        assert int(MEMBERS["eu"][iso3]["first_year"]) <= int(row["first_year"]), iso3
