"""Tests of the country file and the International Trade API."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from fetch.publishers.us_census import workbook
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sources.source_files import (
    COUNTRY_HEADER,
    MONTHS,
    api_bytes,
    country_bytes,
    country_row,
    csv_bytes,
    reject_rows,
    snapshot_file,
)

from dagster_project.sources.blocks import unpacked
from dagster_project.sources.parsing import Parsed, reject_duplicates
from dagster_project.sources.snapshot import (
    SnapshotError,
    SnapshotFile,
    discover_releases,
    read_verified,
)
from dagster_project.sources.us_census import (
    API_LAYOUTS,
    COUNTRY_FILE_SCHEMA,
    PARTNER_SEED,
    TABLES,
    TRADE_API_SCHEMA,
    census_codes,
    parse_country_file,
    parse_trade_api,
)

CODES = {"0003": "CGP", "1220": "DET", "5800": "DET", "-": "DET"}
COUNTRY_FILE = snapshot_file("census_country_file", "country.csv")
KOREA_2015 = country_row("2015", "5800", "Korea, South", IJAN="10.5", IYR="10.5", EYR="7.0")


def country(*rows: dict[str, str]) -> Parsed:
    return parse_country_file(country_bytes(*rows), COUNTRY_FILE, CODES)


def cells(parsed: Parsed) -> dict[tuple[int, str], Decimal]:
    """(year, column) → value, of a file with one partner."""
    keys = parsed.frame.select("year", "column_name").rows()
    return dict(zip(keys, parsed.frame["value_musd"].to_list(), strict=True))


def test_wide_months_become_rows_with_their_line_and_column() -> None:
    parsed = country(
        country_row("2015", "0003", "European Union", IYR="20.0", EDEC="2.0", EYR="30.0"),
        country_row("2016", "5800", "Korea, South", IJAN="10.5", IDEC="4", EYR="7.0"),
    )
    assert dict(parsed.frame.schema) == COUNTRY_FILE_SCHEMA
    unit = Decimal("0.1")
    korea = ("5800", "Korea, South")
    union = ("0003", "European Union")
    assert parsed.frame.rows() == [
        (2, "IYR", 2015, None, 12, *union, "import", Decimal(20), unit),
        (2, "EDEC", 2015, 12, 12, *union, "export", Decimal(2), unit),
        (2, "EYR", 2015, None, 12, *union, "export", Decimal(30), unit),
        (3, "IJAN", 2016, 1, 1, *korea, "import", Decimal("10.5"), unit),
        (3, "IDEC", 2016, 12, 12, *korea, "import", Decimal(4), unit),
        (3, "EYR", 2016, None, 12, *korea, "export", Decimal(7), unit),
    ]
    assert parsed.rejects.is_empty()


def test_months_not_yet_published_are_absent_and_the_year_is_partial() -> None:
    zeros = {f"{flow}{month}": "0" for flow in "IE" for month in MONTHS[3:]}
    latest = {"IJAN": "1.0", "EMAR": "2.0", "EJAN": "0", "IYR": "1.0", "EYR": "2.0"}
    parsed = country(KOREA_2015, country_row("2016", "5800", "Korea", **zeros, **latest))
    found = cells(parsed)
    assert (2016, "IAPR") not in found
    assert (2016, "EDEC") not in found
    assert found[2016, "EJAN"] == 0, "a zero before the last month with trade is a figure"
    through = parsed.frame.filter(pl.col("month").is_null())
    assert through.select("year", "last_month").unique().sort("year").rows() == [
        (2015, 12),
        (2016, 3),
    ]


def test_one_partner_with_trade_shows_that_the_month_is_published() -> None:
    parsed = country(
        country_row("2016", "1220", "Canada", IOCT="5.0", IYR="5.0"),
        country_row("2016", "5800", "Korea, South", IJAN="1.0", IOCT="0", INOV="0", IYR="1.0"),
    )
    korea = parsed.frame.filter(pl.col("cty_code") == "5800")
    assert korea.select("column_name", "last_month").rows() == [
        ("IJAN", 1),
        ("IOCT", 10),
        ("IYR", 10),
    ]


def test_zeros_of_earlier_years_are_figures() -> None:
    parsed = country(
        country_row("2015", "5800", "Korea", INOV="1.0", IDEC="0"),
        country_row("2016", "5800", "Korea", IJAN="1.0"),
    )
    assert cells(parsed)[2015, "IDEC"] == 0


def test_a_year_without_any_published_month_is_absent() -> None:
    zeros = dict.fromkeys(COUNTRY_HEADER[3:], "0")
    parsed = country(KOREA_2015, country_row("2016", "5800", "Korea", **zeros))
    assert parsed.frame["year"].unique().to_list() == [2015]


def test_the_zeros_of_a_group_that_began_or_ended_are_no_figures() -> None:
    def zeros(months: tuple[str, ...]) -> dict[str, str]:
        return {f"{flow}{month}": "0.0" for flow in "IE" for month in months}

    ended = {**zeros(MONTHS), "IJAN": "5.0", "IFEB": "0.0", "IJUN": "7.0", "IYR": "12.0"}
    began = {**zeros(MONTHS), "IJUL": "3.0", "IDEC": "4.0", "IYR": "7.0", "EYR": "0.0"}
    parsed = parse_country_file(
        country_bytes(
            country_row("2014", "0005", "NAFTA with Mexico", **ended, EYR="0.0"),
            country_row("2015", "0005", "NAFTA with Mexico", **zeros(MONTHS), IYR="0", EYR="0"),
            country_row("2014", "0021", "USMCA with Mexico", **began),
            country_row("2014", "5800", "Korea", **zeros(MONTHS), IYR="0", EYR="0"),
            country_row("2016", "5800", "Korea", IJAN="1.0", IYR="1.0"),
        ),
        COUNTRY_FILE,
        {**CODES, "0005": "CGP", "0021": "CGP"},
    )
    groups = parsed.frame.filter(pl.col("cty_code") != "5800")
    assert groups.select("row_number", "column_name", "last_month").rows() == [
        *((2, f"I{month}", number) for number, month in enumerate(MONTHS[:6], start=1)),
        (2, "IYR", 6),
        *((4, f"I{month}", number) for number, month in enumerate(MONTHS[6:], start=7)),
        (4, "IYR", 12),
    ]
    assert (
        parsed.frame.filter((pl.col("cty_code") == "5800") & (pl.col("year") == 2014)).height == 26
    )


def test_an_annual_figure_that_nothing_dates_is_an_error() -> None:
    with pytest.raises(SnapshotError, match="2016 has annual figures but no month above zero"):
        country(KOREA_2015, country_row("2016", "5800", "Korea", IYR="5.0"))


def _years_of_months(printed: str, years: int) -> list[dict[str, str]]:
    months = {f"I{month}": "10" for month in MONTHS}
    return [
        country_row(str(2001 + n), "5800", "Korea, South", **months, IYR=printed)
        for n in range(years)
    ]


def test_a_file_whose_years_are_not_the_sums_of_their_months_is_refused() -> None:
    right, wrong = _years_of_months("120", 15), _years_of_months("120000", 15)
    with pytest.raises(SnapshotError, match=r"8 of 15 years.*Korea, South 2001, line 2: .*120000"):
        country(*wrong[:8], *right[8:])
    # One year that differs is published as printed.
    assert len(country(*wrong[:7], *right[7:]).frame) == 15 * 13
    # The other direction has too few years to say anything.
    assert len(country(*wrong[:9]).frame) == 9 * 13


def test_blank_cells_are_not_held_and_no_rejects() -> None:
    parsed = country(KOREA_2015)
    assert set(cells(parsed)) == {(2015, "IJAN")} | {(2015, "IYR"), (2015, "EYR")}
    assert parsed.rejects.is_empty()


def test_the_rounding_is_the_finest_unit_printed_in_the_file() -> None:
    row = {**KOREA_2015, "EYR": "7", "IYR": "10.123456"}
    assert country(row).frame["rounding_musd"].unique().to_list() == [Decimal("0.000001")]
    whole = {**KOREA_2015, "IJAN": "10", "IYR": "10", "EYR": "7"}
    assert country(whole).frame["rounding_musd"].unique().to_list() == [Decimal(1)]


def test_a_file_of_so_many_digits_a_number_prints_large_numbers_less_finely() -> None:
    row = {**KOREA_2015, "IJAN": "17735.23511", "IYR": "221594.6503", "EYR": "0.25"}
    frame = country(row).frame
    assert dict(frame.select("column_name", "rounding_musd").iter_rows()) == {
        "IJAN": Decimal("0.00001"),
        "IYR": Decimal("0.0001"),
        "EYR": Decimal("0.00001"),
    }


def test_bad_rows_and_cells_are_rejected_and_the_good_ones_kept() -> None:
    parsed = country(
        KOREA_2015,
        country_row("", "5800", "Korea", IYR="1"),
        country_row("15", "5800", "Korea", IYR="1"),
        country_row("2014", "9999", "Atlantis", IYR="1"),
        country_row("2014", "1220", "Canada", IJAN="n.a.", IFEB="-3", IMAR="1,234", IYR="8.0"),
    )
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [
        (3, "year", ""),
        (4, "year", "15"),
        (5, "CTY_CODE", "9999"),
        (6, "IJAN", "n.a."),
        (6, "IFEB", "-3"),
        (6, "IMAR", "1,234"),
    ]
    assert PARTNER_SEED in parsed.rejects["reason"][2]
    assert parsed.frame.select("row_number", "column_name").rows() == [
        (2, "IJAN"),
        (2, "IYR"),
        (2, "EYR"),
        (6, "IYR"),
    ]


def test_zeros_points_and_noise_of_a_saved_country_file_are_undone() -> None:
    parsed = country(
        country_row("2015.0", "3", "European Union", IJAN="11403.497575000001", EYR="0.3"),
        country_row(
            "2015", "5800.0", "Korea", IJAN="12.300000000000001", EYR="8.499999999999999e-05"
        ),
    )
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("year", "cty_code", "value_musd").rows() == [
        (2015, "0003", Decimal("11403.497575")),
        (2015, "0003", Decimal("0.3")),
        (2015, "5800", Decimal("12.3")),
        (2015, "5800", Decimal("0.000085")),
    ]


def test_a_month_that_was_not_over_is_rejected_and_spoils_no_other_year(
    project_root: Path,
) -> None:
    read = TABLES[0].file_parser(project_root / "dbt" / "seeds")
    latest = {"IJAN": "1.0", "INOV": "2.0", "IDEC": "0", "IYR": "3.0"}
    content = country_bytes(
        country_row("2016", "5800", "Korea", **latest),
        country_row("2061", "5800", "Korea", IFEB="4.0", IYR="4.0"),
    )
    parsed = read(content, COUNTRY_FILE)
    assert parsed.frame.select("column_name", "last_month").rows() == [
        ("IJAN", 1),
        ("INOV", 11),
        ("IYR", 11),
    ], "the zero of December is a month to come"
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [
        (3, "IFEB", "2061-02"),
        (3, "IYR", "2061-02"),
    ]
    assert "2017-01-31" in parsed.rejects["reason"][0]
    earlier = read(content, snapshot_file("census_country_file", known_from=date(2016, 11, 29)))
    assert earlier.frame["column_name"].to_list() == ["IJAN"], "November ends on the 30th"


@pytest.mark.parametrize(
    ("release", "known_from"),
    [
        ("2018-10", date(2018, 10, 5)),
        ("2023-03", date(2023, 3, 8)),
        ("2024-08", date(2024, 8, 6)),
        ("2025-04", date(2025, 4, 3)),
        ("2026-03", date(2026, 4, 14)),
    ],
)
def test_every_saved_country_file_is_read_with_its_day(
    real_data: Path, project_root: Path, release: str, known_from: date
) -> None:
    [path] = (real_data / "census_country_files").glob(f"country_{release}_*")
    file = snapshot_file("census_country_file", path.name, known_from)
    parsed = TABLES[0].file_parser(project_root / "dbt" / "seeds")(path.read_bytes(), file)
    assert parsed.frame.height > 180_000
    assert parsed.rejects.filter(pl.col("column_name") != "year").is_empty()


def test_a_country_file_without_a_column_names_it() -> None:
    header = [column for column in COUNTRY_HEADER if column != "IMAR"]
    content = csv_bytes(header, [{"year": "2015", "CTY_CODE": "5800", "CTYNAME": "Korea"}])
    with pytest.raises(SnapshotError, match=r"country.csv, line 1.*IMAR"):
        parse_country_file(content, COUNTRY_FILE, CODES)


AMOUNTS = st.integers(min_value=1, max_value=10**9).map(
    lambda tenths: f"{Decimal(tenths) / 10:.1f}"
)


@pytest.mark.slow
@given(
    st.dictionaries(
        st.tuples(st.integers(1985, 2016), st.sampled_from(sorted(CODES))),
        st.dictionaries(st.sampled_from(COUNTRY_HEADER[3:]), AMOUNTS, min_size=1),
        min_size=1,
        max_size=6,
    )
)
def test_every_printed_cell_comes_back_once_with_its_value(
    table: dict[tuple[int, str], dict[str, str]],
) -> None:
    last_year = max(year for year, _ in table)
    # Any month of the last year dates its annual figures.
    table = {
        key: values | ({"IDEC": "1.0"} if key[0] == last_year else {})
        for key, values in table.items()
    }
    rows = [country_row(str(year), code, "name", **cells) for (year, code), cells in table.items()]
    parsed = country(*rows)
    expected = {
        (number, year, code, column): Decimal(text)
        for number, ((year, code), values) in enumerate(table.items(), start=2)
        for column, text in values.items()
    }
    frame = parsed.frame
    found = dict(
        zip(
            frame.select("row_number", "year", "cty_code", "column_name").rows(),
            frame["value_musd"].to_list(),
            strict=True,
        )
    )
    assert found == expected
    flows = {"I": "import", "E": "export"}
    for column, flow, month in frame.select("column_name", "flow", "month").rows():
        assert flow == flows[column[0]]
        assert column[1:] == ("YR" if month is None else MONTHS[month - 1])


def test_the_publishers_own_country_file_is_read_whole(real_data: Path, project_root: Path) -> None:
    path = real_data / "census_country_file" / "us-trade_vintage_2017-01.csv"
    codes = census_codes(project_root / "dbt" / "seeds")
    parsed = parse_country_file(path.read_bytes(), COUNTRY_FILE, codes)
    assert [(row[1], row[2]) for row in reject_rows(parsed.rejects)] == [("year", "")]
    frame = parsed.frame
    assert frame.filter((pl.col("year") == 2016) & (pl.col("month") == 12)).is_empty()
    partial = frame.filter((pl.col("year") == 2016) & pl.col("month").is_null())
    through = dict(partial.select("cty_code", "last_month").iter_rows())
    # The publisher stopped compiling the newly industrialised countries.
    assert through.pop("0008") == 3
    assert set(through.values()) == {11}
    months = frame.filter(pl.col("month").is_not_null())
    sums = months.group_by("cty_code", "flow", "year").agg(
        pl.col("value_musd").sum().alias("sum"), pl.col("rounding_musd").sum().alias("rounding")
    )
    annual = frame.filter(pl.col("month").is_null()).join(sums, on=["cty_code", "flow", "year"])
    assert annual.height > 13_000
    # The file prints ten significant digits: that is a thousandth for the largest sums.
    assert frame["rounding_musd"].max() == Decimal("0.001")
    off = (pl.col("value_musd") - pl.col("sum")).abs()
    assert annual.filter(2 * off > pl.col("rounding_musd") + pl.col("rounding")).is_empty()


def shipped(project_root: Path, release_id: str) -> pl.DataFrame:
    seeds = project_root / "dbt" / "seeds"
    for release in discover_releases([project_root / "data" / "snapshots"]):
        for file in release.files_of("us_census__country_file"):
            if release.release_id == release_id:
                return parse_country_file(_plain(file), file, census_codes(seeds)).frame
    raise AssertionError(f"release {release_id} is not shipped")


def _plain(file: SnapshotFile) -> bytes:
    return unpacked(read_verified(file), file.snapshot_file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("release_id", "years"),
    [
        ("2017-01", 32),
        ("2018-10", 34),
        ("2023-03", 39),
        ("2024-08", 40),
        ("2025-04", 41),
        ("2026-03", 42),
        ("2026-09", 35),
    ],
)
def test_shipped_months_of_korea_sum_to_the_printed_year(
    project_root: Path, release_id: str, years: int
) -> None:
    frame = shipped(project_root, release_id).filter(pl.col("cty_code") == "5800")
    held = frame.filter(pl.col("month").is_not_null())
    sums = held.group_by("flow", "year").agg(
        pl.col("value_musd").sum().alias("sum"), pl.len().alias("months")
    )
    annual = frame.filter(pl.col("month").is_null()).join(sums, on=["flow", "year"])
    assert annual.height == 2 * years
    assert annual.filter(pl.col("months") != pl.col("last_month")).is_empty()
    # Half a printed unit for each month and for the year itself.
    allowed = Decimal("0.05") * 13
    assert annual.filter((pl.col("value_musd") - pl.col("sum")).abs() > allowed).is_empty()


@pytest.mark.slow
def test_shipped_partial_years_end_where_the_release_ends(project_root: Path) -> None:
    for release_id, year, last_month in (
        ("2017-01", 2016, 11),
        ("2026-03", 2026, 1),
        ("2026-09", 2026, 7),
    ):
        # A group may have ended within the year.
        frame = shipped(project_root, release_id).filter(
            (pl.col("year") == year) & ~pl.col("cty_code").str.starts_with("00")
        )
        assert frame["month"].max() == last_month
        annual = frame.filter(pl.col("month").is_null())
        assert annual["last_month"].unique().to_list() == [last_month]


HEADER = ["CON_VAL_MO", "CAL_DUT_MO", "I_COMMODITY", "time", "COMM_LVL", "CTY_CODE"]
IMPORTS = snapshot_file("census_api_imports_hs", "imports.json")


def imports(*rows: list[object], header: list[str] | None = None) -> Parsed:
    return parse_trade_api(api_bytes(header or HEADER, *rows), IMPORTS, CODES)


def test_a_reply_becomes_one_row_a_variable() -> None:
    parsed = imports(
        ["8100", "5", "01", "2013-01", "HS2", "5800"],
        ["99", None, "-", "2013-02", "-", "-"],
    )
    assert dict(parsed.frame.schema) == TRADE_API_SCHEMA
    where = ("imports/hs", "HS2", "01", None, "-", "5800", None, "DET", 2013, 1, 1)
    assert parsed.frame.rows() == [
        (2, "CON_VAL_MO", *where, "CON_VAL_MO", Decimal(8100)),
        (2, "CAL_DUT_MO", *where, "CAL_DUT_MO", Decimal(5)),
        (
            *(3, "CON_VAL_MO", "imports/hs", "-", "-", None, "-", "-", None, "DET", 2013, 2, 2),
            *("CON_VAL_MO", Decimal(99)),
        ),
    ]
    assert parsed.rejects.is_empty()


def test_accumulated_variables_have_no_month_but_say_how_far_they_run() -> None:
    header = ["CON_VAL_YR", "CON_VAL_MO", *HEADER[2:]]
    parsed = imports(["70", "8", "87", "2016-07", "HS2", "5800"], header=header)
    assert parsed.frame.select("variable", "year", "month", "last_month").rows() == [
        ("CON_VAL_YR", 2016, None, 7),
        ("CON_VAL_MO", 2016, 7, 7),
    ]


def test_names_and_the_naics_total_are_kept() -> None:
    header = ["CON_VAL_MO", "NAICS", "NAICS_SDESC", "CTY_NAME", "time", "COMM_LVL", "CTY_CODE"]
    content = api_bytes(
        header,
        ["9", "00", "ALL PRODUCTS", "KOREA, SOUTH", "2013-01", "NA3", "5800"],
        ["4", "336", "TRANSPORTATION EQUIPMENT", "KOREA, SOUTH", "2013-01", "NA3", "5800"],
    )
    frame = parse_trade_api(content, snapshot_file("census_api_imports_naics"), CODES).frame
    assert frame.select("endpoint", "commodity_code", "commodity_name", "cty_name").rows() == [
        ("imports/naics", "00", "ALL PRODUCTS", "KOREA, SOUTH"),
        ("imports/naics", "336", "TRANSPORTATION EQUIPMENT", "KOREA, SOUTH"),
    ]


def test_a_predicate_that_appears_twice_must_agree_with_itself() -> None:
    header = [*HEADER, "I_COMMODITY"]
    parsed = imports(
        ["1", "0", "87", "2013-01", "HS2", "5800", "87"],
        ["2", "0", "87", "2013-02", "HS2", "5800", "88"],
        header=header,
    )
    assert parsed.frame["row_number"].unique().to_list() == [2]
    assert [row[:2] for row in reject_rows(parsed.rejects)] == [(3, "I_COMMODITY")]


def test_bad_rows_of_a_reply_are_rejected_and_the_good_ones_kept() -> None:
    parsed = imports(
        ["1", "0", "87", "2013-01", "HS2", "5800"],
        ["1", "0", "87", "2013-13", "HS2", "5800"],
        ["1", "0", "87", "2017-02", "HS2", "5800"],
        ["1", "0", "87", "2013-01", "HS2", "9999"],
        ["1", "0", "87", "2013-01", "HS3", "5800"],
        ["1", "0", "1", "2013-01", "HS2", "5800"],
        ["1.5", "0", "88", "2013-01", "HS2", "5800"],
        ["1", "0", "87"],
        [True, "0", "87", "2013-01", "HS2", "5800"],
    )
    assert parsed.frame.select("row_number", "column_name").rows() == [
        (2, "CON_VAL_MO"),
        (2, "CAL_DUT_MO"),
        (8, "CAL_DUT_MO"),
    ]
    found = {row[0]: row[1:] for row in reject_rows(parsed.rejects)}
    assert {number: row[:2] for number, row in found.items() if number < 9} == {
        3: ("time", "2013-13"),
        4: ("time", "2017-02"),
        5: ("CTY_CODE", "9999"),
        6: ("COMM_LVL", "HS3"),
        7: ("I_COMMODITY", "1"),
        8: ("CON_VAL_MO", "1.5"),
    }
    assert "2017-01-31" in found[4][2]
    assert "HS2, HS4" in found[6][2]
    assert "level HS2 has 2" in found[7][2]
    assert (found[9][0], found[10][0]) == (None, "CON_VAL_MO")
    assert "3 cells" in found[9][2]
    assert len(found) == parsed.rejects.height == 8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (api_bytes(HEADER[:-1], ["1"]), "imports.json, row 1.*CTY_CODE"),
        (api_bytes([*HEADER, "DF"], ["1"]), "row 1.*DF.*imports/hs"),
        (api_bytes(HEADER[2:], ["1"]), "row 1.*CAL_DUT_MO"),
        (api_bytes(HEADER), "imports.json"),
        (b"[]", "imports.json"),
        (b'{"error": "over the limit"}', "over the limit"),
        (b'[["CON_VAL_MO","I_COMM', "line 1, column"),
        (b"<html><title>Invalid Key</title></html>", "Invalid Key"),
        (b"error: unknown variable 'XYZ'", "unknown variable 'XYZ'"),
        (b"", "imports.json"),
    ],
)
def test_a_reply_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse_trade_api(content, IMPORTS, CODES)


def test_a_reply_whose_every_row_is_bad_gives_rejects_only() -> None:
    parsed = imports(["1", "0", "87", "2013-01", "HS2", "9999"])
    assert parsed.frame.is_empty()
    assert parsed.rejects.height == 1


EXPORTS = snapshot_file("census_api_exports_hs", "exports.json")


def test_domestic_and_foreign_exports_are_rows_of_their_own() -> None:
    header = ["ALL_VAL_MO", "E_COMMODITY", "time", "COMM_LVL", "CTY_CODE", "DF", "DF", "DF"]
    rows = [
        [value, "87", "2013-01", "HS2", "5800", *(code for _ in range(3))]
        for value, code in (("12", "-"), ("9", "1"), ("3", "2"), ("1", "3"))
    ]
    parsed = parse_trade_api(api_bytes(header, *rows), EXPORTS, CODES)
    assert parsed.frame.select("domestic_foreign", "value_usd").rows() == [
        ("-", Decimal(12)),
        ("1", Decimal(9)),
        ("2", Decimal(3)),
    ]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(5, "DF", "3")]


def test_what_a_reply_leaves_out_is_counted_together() -> None:
    header = ["ALL_VAL_MO", "CTY_CODE", "time"]
    parsed = parse_trade_api(api_bytes(header, ["5", "-", "2013-01"]), EXPORTS, CODES)
    where = ("comm_lvl", "commodity_code", "domestic_foreign", "cty_code", "summary_lvl")
    assert parsed.frame.select(where).row(0) == ("-", "-", "-", "-", "DET")


def test_the_level_of_a_code_is_its_length_where_the_reply_does_not_say() -> None:
    header = ["GEN_VAL_MO", "I_ENDUSE", "CTY_CODE", "time"]
    rows = [["1", code, "5800", "2013-01"] for code in ("-", "3", "300", "30000", "3000")]
    file = snapshot_file("census_api_imports_enduse")
    parsed = parse_trade_api(api_bytes(header, *rows), file, CODES)
    assert parsed.frame.select("comm_lvl", "commodity_code").rows() == [
        ("-", "-"),
        ("EU1", "3"),
        ("EU3", "300"),
        ("EU5", "30000"),
    ]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(6, "COMM_LVL", None)]


def test_a_level_without_its_codes_is_no_total() -> None:
    header = ["CON_VAL_MO", "time", "COMM_LVL", "CTY_CODE"]
    with pytest.raises(SnapshotError, match="I_COMMODITY"):
        imports(["1", "2013-01", "HS2", "5800"], header=header)


def test_year_and_month_stand_for_the_time_and_must_not_contradict_it() -> None:
    header = ["CON_VAL_YR", "CTY_CODE", "YEAR", "MONTH"]
    parsed = imports(["7", "5800", "2015", "12"], ["7", "5800", "2015", "0"], header=header)
    assert parsed.frame.select("year", "month", "last_month").rows() == [(2015, None, 12)]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(3, "time", "2015-0")]
    both = imports(
        ["7", "5800", "2015", "12", "2015-12"],
        ["7", "5800", "2014", "12", "2015-12"],
        header=[*header, "time"],
    )
    assert both.frame["row_number"].to_list() == [2]
    assert [row[:2] for row in reject_rows(both.rejects)] == [(3, "time")]


def test_a_group_is_no_country_and_the_total_is_no_group() -> None:
    header = ["CON_VAL_MO", "CTY_CODE", "time", "SUMMARY_LVL"]
    rows = [
        ["1", code, "2013-01", level]
        for code, level in (("5800", "DET"), ("0003", "CGP"), ("-", "DET"), ("5800", "CGP"))
    ]
    parsed = imports(*rows, header=header)
    assert parsed.frame.select("cty_code", "summary_lvl").rows() == [
        ("5800", "DET"),
        ("0003", "CGP"),
        ("-", "DET"),
    ]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [(5, "SUMMARY_LVL", "CGP")]


def test_quantities_may_stand_in_a_reply_and_are_left_aside() -> None:
    header = [*HEADER, "GEN_QY1_MO", "GEN_QY1_MO_FLAG", "UNIT_QY1", "I_COMMODITY_LDESC"]
    parsed = imports(
        ["8", "1", "87", "2013-01", "HS2", "5800", "7", None, "NO", "Vehicles"], header=header
    )
    assert parsed.frame["variable"].to_list() == ["CON_VAL_MO", "CAL_DUT_MO"]
    assert parsed.frame["commodity_name"].unique().to_list() == ["Vehicles"]


@pytest.mark.slow
@given(st.permutations(range(6)), st.integers(0, 6))
def test_order_and_a_page_that_comes_twice_change_nothing(order: list[int], again: int) -> None:
    rows = [
        [str(number), "0", f"8{number}", "2013-01", "HS2", code]
        for number in range(3)
        for code in ("5800", "1220")
    ]
    key = next(table for table in TABLES if table.table == "us_census__trade_api").primary_key
    place = ("row_number", "column_name")
    plain = imports(*rows).frame.drop(place)
    shuffled = imports(*(rows[one] for one in order), *(rows[one] for one in order[:again]))
    kept, rejects = reject_duplicates(shuffled.frame, key, place)
    assert_frame_equal(plain, kept.drop(place), check_row_order=False)
    assert rejects.height == again


def test_the_workbook_is_read_as_the_same_rows_as_text_is() -> None:
    rows = [
        country_row("2015", "0003", "European Union", IYR="0.1", EDEC="4000000.1", EYR="0"),
        country_row("2016", "5800", "Korea, South", IJAN="7185.7", IFEB="0", EYR="123.456789"),
    ]
    filled = [{column: row.get(column, "0") for column in COUNTRY_HEADER} for row in rows]
    book = workbook([COUNTRY_HEADER, *(tuple(row.values()) for row in filled)])
    parsed = parse_country_file(book, COUNTRY_FILE, CODES)
    expected = country(*filled)
    assert_frame_equal(parsed.frame, expected.frame)
    assert parsed.rejects.is_empty()
    assert parsed.frame["cty_code"].unique().sort().to_list() == ["0003", "5800"]


def test_the_noise_of_binary_numbers_is_not_printed() -> None:
    cells = {**dict.fromkeys(COUNTRY_HEADER, "0"), "year": "2016", "CTY_CODE": "5800"}
    noisy = workbook(
        [COUNTRY_HEADER, tuple((cells | {"IJAN": "4000000.1000000015", "IYR": "0.3"}).values())]
    )
    frame = parse_country_file(noisy, COUNTRY_FILE, CODES).frame
    assert frame.filter(pl.col("column_name") == "IJAN")["value_musd"].item() == Decimal(
        "4000000.1"
    )
    assert frame["rounding_musd"].unique().to_list() == [Decimal("0.1")]


def test_a_workbook_that_cannot_be_used_says_why() -> None:
    whole = workbook([COUNTRY_HEADER, tuple("1" for _ in COUNTRY_HEADER)])
    with pytest.raises(SnapshotError, match="not a complete workbook"):
        parse_country_file(whole[:-100], COUNTRY_FILE, CODES)
    renamed = workbook([("Year", *COUNTRY_HEADER[1:]), tuple("1" for _ in COUNTRY_HEADER)])
    with pytest.raises(SnapshotError, match=r"year.*Year"):
        parse_country_file(renamed, COUNTRY_FILE, CODES)
    with pytest.raises(SnapshotError, match="a header but no usable row"):
        parse_country_file(workbook([COUNTRY_HEADER]), COUNTRY_FILE, CODES)


def test_a_row_of_the_api_without_any_value_is_rejected() -> None:
    content = api_bytes(
        ["CTY_CODE", "I_COMMODITY", "GEN_VAL_MO", "CON_VAL_MO", "time"],
        ["5800", "87", None, None, "2016-01"],
        ["5800", "87", "5", None, "2016-02"],
    )
    parsed = parse_trade_api(content, snapshot_file("census_api_imports_hs"), CODES)
    assert parsed.frame.select("row_number", "column_name").rows() == [(3, "GEN_VAL_MO")]
    rejected = parsed.rejects.select("row_number", "column_name", "reason").rows()
    assert rejected == [(2, "GEN_VAL_MO", "the value is missing")]


def own_chapter_files(real_data: Path) -> list[Path]:
    files = sorted((real_data / "census_api_hs2").glob("*/*.parquet"))
    assert len(files) == 12
    return files


@pytest.mark.slow
def test_the_publishers_own_chapter_rows_are_read_whole(
    real_data: Path, project_root: Path
) -> None:
    codes = census_codes(project_root / "dbt" / "seeds")
    for path in own_chapter_files(real_data):
        table = pl.read_parquet(path)
        if "CTY_CODE" not in table.columns:
            table = table.with_columns(pl.lit("-").alias("CTY_CODE"))
        direction = path.name.split("_")[0]
        file = snapshot_file(f"census_api_{direction}_hs", known_from=date(2021, 12, 31))
        parsed = parse_trade_api(api_bytes(table.columns, *map(list, table.rows())), file, codes)
        assert parsed.rejects.is_empty()
        for variable in {"ALL_VAL_MO", "CON_VAL_MO", "CAL_DUT_MO"} & set(table.columns):
            found = parsed.frame.filter(pl.col("variable") == variable)["value_usd"]
            assert found.len() == table.height
            assert found.sum() == sum(map(int, table[variable]))
        assert parsed.frame.filter(pl.col("commodity_code") == "03").height > 0


def test_the_publishers_own_tariff_lines_are_read_whole(
    real_data: Path, project_root: Path
) -> None:
    table = pl.read_parquet(real_data / "census_hs10_2024" / "2024-hs10-imports5800.parquet")
    table = table.with_columns(pl.col("time").dt.strftime("%Y-%m")).select(
        *("CON_VAL_YR", "CAL_DUT_YR", "I_COMMODITY", "I_COMMODITY_SDESC", "time"),
        *("COMM_LVL", "CTY_CODE", "CTY_NAME"),
    )
    file = snapshot_file("census_api_imports_hs", known_from=date(2025, 2, 28))
    codes = census_codes(project_root / "dbt" / "seeds")
    parsed = parse_trade_api(api_bytes(table.columns, *map(list, table.rows())), file, codes)
    assert parsed.rejects.is_empty()
    assert parsed.frame.height == 2 * 8327
    assert parsed.frame.select("year", "month", "last_month").unique().rows() == [(2024, None, 12)]
    total = parsed.frame.filter(pl.col("variable") == "CON_VAL_YR")["value_usd"].sum()
    assert total == sum(map(int, table["CON_VAL_YR"]))


def test_the_publishers_own_end_use_reply_is_all_goods(real_data: Path, project_root: Path) -> None:
    path = real_data / "fixtures" / "census" / "imports_enduse_2024-01.head.json"
    file = snapshot_file("census_api_imports_enduse", known_from=date(2024, 3, 31))
    codes = census_codes(project_root / "dbt" / "seeds")
    parsed = parse_trade_api(path.read_bytes(), file, codes)
    assert parsed.rejects.is_empty()
    assert parsed.frame.height == 12
    assert parsed.frame.select("comm_lvl", "commodity_code").unique().rows() == [("-", "-")]
    assert parsed.frame.filter((pl.col("cty_code") == "-") & (pl.col("variable") == "GEN_VAL_MO"))[
        "value_usd"
    ].item() == Decimal(253796657727)
    assert set(parsed.frame.filter(pl.col("cty_code") != "-")["summary_lvl"]) == {"CGP"}


ROW = ["12", "0", "87", "2013-01", "HS2", "0003"]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([HEADER, ROW], indent=2).encode(),
        json.dumps([HEADER, ROW], separators=(",", ":")).replace("],", "],\n").encode(),
        json.dumps([dict(zip(HEADER, ROW, strict=True))]).encode(),
        json.dumps(
            [{**dict(zip(HEADER, ROW, strict=True)), "CON_VAL_MO": 12.0, "CTY_CODE": 3}]
        ).encode(),
        csv_bytes(HEADER, [dict(zip(HEADER, ROW, strict=True))]),
        b"\xef\xbb\xbf,CON_VAL_MO,CAL_DUT_MO,I_COMMODITY,time,COMM_LVL,CTY_CODE\r\n"
        b"0,12,0,87,2013-01,HS2,3\r\n",
    ],
)
def test_a_reply_saved_by_a_script_gives_the_same_rows(content: bytes) -> None:
    layout = next(name for name, one in API_LAYOUTS.items() if one.is_shown(content, "file"))
    assert layout == "census_api_imports_hs"
    parsed = parse_trade_api(content, IMPORTS, CODES)
    assert parsed.rejects.is_empty()
    assert_frame_equal(parsed.frame, imports(ROW).frame)
