"""Replies and downloads of UN Comtrade: every layout, one raw shape."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sources.source_files import comtrade_bytes, comtrade_row, reject_rows, snapshot_file

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.parsing import Parsed, read_seed
from dagster_project.sources.snapshot import SnapshotError
from dagster_project.sources.un_comtrade.downloads import LAYOUTS, parse_download
from dagster_project.sources.un_comtrade.replies import parse_metadata
from dagster_project.sources.un_comtrade.trade import (
    AREA_SEED,
    FLOW_SEED,
    PRIMARY_KEY,
    SCHEMA,
    parse_reply,
    read_areas,
)

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
AREAS = read_areas(SEEDS)
FILE = snapshot_file("comtrade_v1", "data.json")
DROPPED = date(2026, 1, 31)


def parse(*rows: object) -> Parsed:
    return parse_reply(comtrade_bytes(*rows), FILE, AREAS)


def download(layout: str, content: bytes, known_from: date = DROPPED) -> Parsed:
    return parse_download(content, snapshot_file(layout, "data.csv", known_from), AREAS)


def test_a_row_keeps_the_publishers_codes_and_exact_values() -> None:
    parsed = parse(comtrade_row())
    assert dict(parsed.frame.schema) == SCHEMA
    assert parsed.frame.rows(named=True) == [
        {
            "row_number": 1,
            "column_name": "primaryValue",
            "fob_column_name": None,
            "type_code": "C",
            "freq_code": "A",
            "period": "2016",
            "ref_year": 2016,
            "ref_month": 52,
            "reporter_code": "842",
            "reporter_iso": "USA",
            "flow_code": "M",
            "partner_code": "410",
            "partner_iso": "KOR",
            "partner2_code": "0",
            "classification_code": "H4",
            "cmd_code": "TOTAL",
            "aggr_level": 0,
            "customs_code": "C00",
            "mos_code": "0",
            "mot_code": "0",
            "qty_unit_code": None,
            "qty": None,
            "net_weight_kg": None,
            "cif_value": Decimal("71887.5"),
            "fob_value": None,
            "primary_value": Decimal("71887.5"),
            "estimation_flag": None,
            "is_reported": True,
            "is_aggregate": False,
        }
    ]
    assert parsed.rejects.is_empty()


def test_the_world_and_older_codes_of_a_country_are_understood() -> None:
    parsed = parse(
        comtrade_row(reporterCode=840, partnerCode=0, partnerISO="W00"),
        comtrade_row(partnerCode=4, partnerISO=None, isReported=None, motCode="0 "),
    )
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("reporter_iso", "partner_code", "partner_iso").rows() == [
        ("USA", "0", "W00"),
        ("USA", "4", "AFG"),
    ]
    assert parsed.frame["is_reported"].to_list() == [True, None]
    assert parsed.frame["mot_code"].to_list() == ["0", "0"]


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"partnerCode": 999}, "partnerCode", "unknown area code: if it is a country, add it to"),
        ({"partnerCode": 899, "partnerISO": "KOR"}, "partnerISO", "code 899 is no country, not"),
        ({"partnerISO": "AFG"}, "partnerISO", "code 410 is KOR, not this"),
        ({"primaryValue": None}, "primaryValue", "the value is missing"),
        ({"primaryValue": "12"}, "primaryValue", "not a number"),
        ({"primaryValue": -1}, "primaryValue", "a trade value cannot be negative"),
        ({"cifvalue": 0.0001}, "cifvalue", "more digits than a value in dollars can have"),
        ({"cifvalue": 10**17}, "cifvalue", "more digits than a value in dollars can have"),
        ({"refYear": "2016"}, "refYear", "not a whole number"),
        ({"period": "2015"}, "period", "does not lie in refYear"),
        ({"refYear": 2019, "period": "2019"}, "refYear", "a release known from 2017-01-31 cannot"),
        (
            {"freqCode": "M", "refMonth": 2, "refYear": 2017, "period": "201702"},
            "refYear",
            "a release known from 2017-01-31 cannot",
        ),
        ({"freqCode": "M", "refMonth": 3, "period": "201602"}, "period", "not the year (YYYY) or"),
        ({"freqCode": "M", "refMonth": 13, "period": "201613"}, "period", "not the year (YYYY) or"),
        ({"freqCode": "Q"}, "freqCode", "neither a year (A) nor a month (M)"),
        ({"qty": "many"}, "qty", "not a number"),
        ({"flowCode": None}, "flowCode", "the field is empty"),
        ({"isAggregate": "no"}, "isAggregate", "neither true nor false"),
    ],
)
def test_a_bad_row_is_rejected_and_its_neighbour_kept(
    changes: dict[str, object], column: str, reason: str
) -> None:
    parsed = parse(comtrade_row(), comtrade_row(**changes))
    assert parsed.frame["row_number"].to_list() == [1]
    assert [row[:2] for row in reject_rows(parsed.rejects)] == [(2, column)]
    assert parsed.rejects["reason"].item().startswith(reason)


def test_a_row_that_lost_a_field_is_rejected() -> None:
    short = comtrade_row()
    del short["cmdCode"]
    parsed = parse(comtrade_row(), short, "text")
    assert reject_rows(parsed.rejects) == [
        (2, "cmdCode", None, "the field is missing"),
        (3, None, "text", "not an object"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (comtrade_bytes(error="Parameter period is invalid"), "Parameter period is invalid"),
        (b'{"statusCode": 401, "message": "Access denied"}', "Access denied"),
        (comtrade_bytes(), "data.json"),
        (comtrade_bytes(comtrade_row(), count=2), "2 rows.* 1"),
        (b'{"count": 0}', "field data"),
        (b"[]", "data.json"),
        (comtrade_bytes({"yr": 2016}), "row 1.*typeCode, freqCode"),
        (comtrade_bytes(comtrade_row())[:-30], "line 1, column"),
        (b"<html></html>", "<html>"),
        (b"", "data.json"),
    ],
)
def test_a_reply_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse_reply(content, FILE, AREAS)


def test_every_code_of_the_country_list_means_one_country() -> None:
    assert {AREAS.iso3_of[code] for code in ("842", "840", "841")} == {"USA"}
    assert AREAS.iso3_of["410"] == "KOR"
    assert AREAS.iso3_of["251"] == AREAS.iso3_of["250"] == "FRA"
    assert AREAS.codes_of["USA"][0] == "842"


def test_a_code_of_old_downloads_is_understood_and_never_asked_for() -> None:
    assert AREAS.iso3_of["381"] == "ITA"
    assert "381" not in AREAS.codes_of["ITA"]
    assert "381" not in AREAS.partner_codes


def test_what_is_no_country_is_loaded_without_a_countrys_code() -> None:
    parsed = parse(
        comtrade_row(partnerCode=899, partnerISO="_X "),
        comtrade_row(partnerCode=837, partnerISO="X1 "),
        comtrade_row(reporterCode=97, reporterISO="EUR", partnerCode=0, partnerISO="W00"),
    )
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("reporter_iso", "partner_code", "partner_iso").rows() == [
        ("USA", "899", None),
        ("USA", "837", None),
        (None, "0", "W00"),
    ]


def test_the_m49_code_of_monaco_is_an_area_of_several_countries() -> None:
    parsed = parse(comtrade_row(partnerCode=492, partnerISO="MCO"))
    assert parsed.rejects.is_empty()
    assert parsed.frame.select("partner_code", "partner_iso").rows() == [("492", None)]
    assert AREAS.others["492"] == "area_nes"
    # A list without codes would ask for every partner.
    assert "MCO" not in AREAS.codes_of


def test_a_recorded_reply_is_read_whole(real_data: Path) -> None:
    paths = sorted((real_data / "fixtures" / "comtradr" / "data").glob("*.json"))
    assert paths
    for path in paths:
        parsed = parse_reply(path.read_bytes(), snapshot_file("comtrade_v1", "x", DROPPED), AREAS)
        assert parsed.rejects.is_empty()
        assert parsed.frame.height == 4


def test_every_area_of_the_publishers_lists_is_understood(real_data: Path) -> None:
    seen = 0
    for name in ("partner_country.csv", "reporter.csv"):
        text = (real_data / "comtrade_reference" / name).read_text(encoding="cp1252")
        for row in csv.reader(io.StringIO(text)):
            if row[0] != "id":
                seen += 1
                assert row[0] in AREAS.printed_iso, row
    assert seen > 500


def test_the_code_of_an_area_without_an_iso_code_is_made_of_its_own() -> None:
    # Staging writes these codes without looking them up.
    for row in read_seed(SEEDS, AREA_SEED):
        is_elsewhere = row["code"] == "WLD" or row["code"] in AREAS.iso3
        assert is_elsewhere or row["code"] == f"comtrade:{row['area_code']}", row


def test_every_flow_of_the_publishers_list_is_explained(real_data: Path) -> None:
    text = (real_data / "comtrade_reference" / "trade_flow.csv").read_text(encoding="utf-8")
    listed = {row[0] for row in csv.reader(io.StringIO(text))} - {"id"}
    assert {row["flow_code"] for row in read_seed(SEEDS, FLOW_SEED)} == listed
    assert len(listed) == 10


@pytest.mark.parametrize(
    ("name", "layout", "rows", "dollars"),
    [
        ("eu_imports_world.csv", "comtrade_csv_47", 5004, "969725754789.195"),
        ("example_1.csv", "comtrade_csv_47", 20, "3527072794479"),
        ("example_2.csv", "comtrade_csv_47", 33, "6547095922839"),
        ("example_3.csv", "comtrade_csv_47", 1586, "14883120991"),
        ("hs0.csv", "comtrade_csv_47", 2, "139543012"),
        ("hs5.csv", "comtrade_csv_47", 4, "1819988088"),
        ("bulk_hs0_all.csv", "comtrade_bulk_34", 100, "42852905147"),
        ("legacy_v0_35col_sample.csv", "comtrade_legacy_35", 1999, "49427868640"),
    ],
)
def test_a_real_download_is_read_to_the_row_and_the_dollar(
    real_data: Path, name: str, layout: str, rows: int, dollars: str
) -> None:
    content = (real_data / "comtrade_api_samples" / name).read_bytes()
    parsed = download(layout, content)
    assert parsed.rejects.is_empty()
    assert dict(parsed.frame.schema) == SCHEMA
    assert (parsed.frame.height, parsed.frame["primary_value"].sum()) == (rows, Decimal(dollars))
    assert not parsed.frame.select(pl.struct(PRIMARY_KEY).is_duplicated().any()).item()
    assert parsed.frame["row_number"].to_list() == list(range(2, rows + 2))


@pytest.mark.slow
def test_both_reporters_of_fuels_are_read_to_the_row_and_the_dollar(real_data: Path) -> None:
    paths = sorted((real_data / "comtrade_both_reporters" / "hs27").glob("*.csv.gz"))
    parsed = [download("comtrade_legacy_22", path.read_bytes()) for path in paths]
    assert len(parsed) == 13
    assert all(one.rejects.is_empty() for one in parsed)
    frame = pl.concat([one.frame for one in parsed])
    assert frame.height == 221_802
    flows = dict(frame.group_by("flow_code").len().rows())
    assert flows == {"X": 106_376, "M": 104_625, "RX": 10_140, "RM": 661}
    # Independent of the parser: the last cell but one of each line, added up as integers.
    lines = [
        row
        for path in paths
        for row in csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
    ]
    assert frame["primary_value"].sum() == sum(int(row[20]) for row in lines if row[20].isdigit())
    nowhere = (
        frame.filter(pl.col("partner_iso").is_null())["partner_code"].unique().sort().to_list()
    )
    assert nowhere == ["473", "527", "568", "577", "637", "837", "838", "839", "899"]


def test_leading_zeros_survive(real_data: Path) -> None:
    content = (real_data / "comtrade_api_samples" / "legacy_v0_35col_sample.csv").read_bytes()
    codes = download("comtrade_legacy_35", content).frame["cmd_code"]
    assert codes[0] == "010129"
    assert codes.str.len_chars().unique().to_list() == [6]


# One composed table, printed in each of the layouts.
FACTS = st.fixed_dictionaries(
    {
        "freq": st.sampled_from("AM"),
        "year": st.integers(1990, 2024),
        "month": st.integers(1, 12),
        "reporter": st.sampled_from([("842", "USA"), ("410", "KOR"), ("4", "AFG")]),
        "partner": st.sampled_from(
            [("0", "WLD"), ("410", "KOR"), ("899", ""), ("837", ""), ("490", ""), ("8", "ALB")]
        ),
        "flow": st.sampled_from(["M", "X", "RX", "RM"]),
        "goods": st.sampled_from(["TOTAL", "01", "0101", "010129", "270900"]),
        "edition": st.sampled_from(["H0", "H4", "H6"]),
        "value": st.integers(0, 10**13),
        "weight": st.one_of(st.none(), st.integers(0, 10**9)),
        "flag": st.sampled_from("046"),
    }
)
LEGACY_FLOWS = {"M": "1", "X": "2", "RX": "3", "RM": "4"}


def printed(fact: Mapping[str, object], layout: str) -> dict[str, str]:
    """The cells of one fact, by column of the layout; the rest stays empty."""
    freq, year, month = fact["freq"], fact["year"], fact["month"]
    (reporter, reporter_iso), (partner, partner_iso) = fact["reporter"], fact["partner"]  # ty: ignore
    period = f"{year}" if freq == "A" else f"{year}{month:02d}"
    weight = "" if fact["weight"] is None else str(fact["weight"])
    common = {
        "reporter": reporter,
        "partner": partner,
        "goods": str(fact["goods"]),
        "value": str(fact["value"]),
    }
    if layout.startswith("comtrade_legacy"):
        return {
            "Classification": str(fact["edition"]),
            "Year": str(year),
            "Period": period,
            "Trade Flow Code": LEGACY_FLOWS[str(fact["flow"])],
            "Reporter Code": reporter,
            "Reporter ISO": reporter_iso,
            "Partner Code": partner,
            "Partner": "Two words, a comma\nand a line",
            "Partner ISO": partner_iso,
            "Commodity Code": common["goods"],
            "Qty Unit Code": "1",
            "Netweight (kg)": weight,
            "Trade Value (US$)": common["value"],
            "Flag": str(fact["flag"]),
        }
    return {
        "type_code": "C",
        "freq_code": str(freq),
        "ref_year": str(year),
        "ref_month": "52" if freq == "A" else str(month),
        "period": period,
        "reporter_code": reporter,
        "reporter_iso": reporter_iso,
        "flow_code": str(fact["flow"]),
        "partner_code": partner,
        "partner_iso": "W00" if partner == "0" else partner_iso,
        "partner_desc": 'Two words, "quotes" and a comma',
        "partner2code": "0",
        "classification_code": str(fact["edition"]),
        "cmd_code": common["goods"],
        "customs_code": "C00",
        "mos_code": "0 ",
        "mot_code": "0",
        "qty_unit_code": "-1",
        "net_wgt": weight,
        "primary_value": f"{common['value']}.0",
        "legacy_estimation_flag": str(fact["flag"]),
        "is_reported": "True",
        "is_aggregate": "False",
    }


def written(facts: Sequence[Mapping[str, object]], layout: str) -> bytes:
    out = io.StringIO(newline="")
    columns = LAYOUTS[layout].columns
    writer = csv.DictWriter(
        out, columns, restval="", extrasaction="ignore", delimiter="\t" if "bulk" in layout else ","
    )
    writer.writeheader()
    writer.writerows(printed(fact, layout) for fact in facts)
    content = out.getvalue().encode()
    return gzip.compress(content, mtime=0) if "bulk" in layout else content


@pytest.mark.slow
@settings(max_examples=40)
@given(facts=st.lists(FACTS, min_size=1, max_size=8))
def test_every_layout_of_one_table_gives_one_frame(facts: list[Mapping[str, object]]) -> None:
    # What the shorter layouts do not have stays unknown in them; the place is the file's own.
    lost = ["row_number", "column_name", "is_reported", "is_aggregate"]
    frames = []
    for layout in LAYOUTS:
        parsed = download(layout, written(facts, layout))
        assert parsed.rejects.is_empty(), (layout, parsed.rejects)
        frames.append(parsed.frame.drop(lost))
    assert len(frames) == 4
    for frame in frames[1:]:
        assert_frame_equal(frame, frames[0])


FACT = {
    "freq": "A",
    "year": 2016,
    "month": 1,
    "reporter": ("842", "USA"),
    "partner": ("410", "KOR"),
    "flow": "M",
    "goods": "010129",
    "edition": "H4",
    "value": 5,
    "weight": None,
    "flag": "0",
}


def test_a_reject_of_a_download_names_line_and_column() -> None:
    facts = [
        FACT,
        {**FACT, "partner": ("999", "")},
        {**FACT, "value": "1,5"},
        {**FACT, "flow": "X"},
    ]
    parsed = download("comtrade_legacy_22", written(facts, "comtrade_legacy_22"))
    # Each record takes two lines: the name of the partner has a line's end in it.
    assert parsed.frame["row_number"].to_list() == [2, 8]
    assert [row[:3] for row in reject_rows(parsed.rejects)] == [
        (4, "Partner Code", "999"),
        (6, "Trade Value (US$)", "1,5"),
    ]


def test_lines_with_too_few_or_too_many_cells_are_rejected_with_their_neighbours_kept() -> None:
    lines = written([{**FACT, "flow": flow} for flow in ("M", "X", "RX")], "comtrade_csv_47")
    head, first, second, third = lines.decode().splitlines()
    content = "\n".join([head, first, second.rsplit(",", 3)[0], f"{third},more", first, ""])
    parsed = download("comtrade_csv_47", content.encode())
    assert parsed.frame["row_number"].to_list() == [2, 5]
    assert [(row[0], row[3]) for row in reject_rows(parsed.rejects)] == [
        (3, "fewer cells than the 47 of the header"),
        (4, "more cells than the 47 of the header"),
    ]


def test_spelling_order_and_a_trailing_separator_of_todays_columns_do_not_matter() -> None:
    content = written([FACT], "comtrade_csv_47").decode()
    head, row = content.splitlines()
    camel = ",".join(part[0] + part.title().replace("_", "")[1:] for part in head.split(","))
    other = download("comtrade_csv_47", f"{camel},\n{row},\n".encode())
    assert other.rejects.is_empty()
    assert_frame_equal(
        other.frame.drop("column_name"),
        download("comtrade_csv_47", content.encode()).frame.drop("column_name"),
    )
    assert other.frame["column_name"].item() == "primaryValue"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) - 20], "line 3"),
        (lambda text: text.split("\n")[0], "data.csv"),
        (lambda text: text.replace("cmd_code", "hs_code"), "line 1.*cmd_code"),
        (lambda text: text.replace("cmd_code,", "cmd_code,new,"), "line 1.*new"),
        (lambda text: text.replace("A,", '"A,', 1), "data.csv"),
        (lambda text: "<html></html>", "<html>"),
        (lambda text: "", "data.csv"),
    ],
)
def test_a_download_that_cannot_be_used_says_why(change, message: str) -> None:
    text = written([FACT, {**FACT, "flow": "X"}], "comtrade_csv_47").decode().replace("\r", "")
    with pytest.raises(SnapshotError, match=message):
        download("comtrade_csv_47", change(text).encode())


def test_a_damaged_gzip_file_says_so() -> None:
    whole = written([FACT] * 50, "comtrade_bulk_34")
    for damaged in (whole[:-9], whole[:20]):
        with pytest.raises(SnapshotError, match=r"data.csv"):
            download("comtrade_bulk_34", damaged)


def dataset(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "typeCode": "C",
        "freqCode": "A",
        "period": 2016,
        "reporterCode": 276,
        "tradeSystem": "Special",
        "importValuation": "CIF",
        "exportValuation": "FOB",
    }
    return {**row, **changes}


def metadata(*rows: object) -> Parsed:
    return parse_metadata(comtrade_bytes(*rows), FILE, AREAS)


def test_metadata_say_trade_system_and_valuation() -> None:
    parsed = metadata(
        dataset(),
        dataset(freqCode="M", period="201604", tradeSystem="General Trade System"),
        dataset(reporterCode=36, importValuation="FOB", exportValuation=None),
    )
    assert parsed.rejects.is_empty()
    columns = ["reporter_iso", "period", "trade_system", "import_valuation", "export_valuation"]
    assert parsed.frame.select(columns).rows() == [
        ("DEU", "2016", "special", "cif", "fob"),
        ("DEU", "201604", "general", "cif", "fob"),
        ("AUS", "2016", "special", "fob", None),
    ]


def test_of_several_publications_the_last_one_holds() -> None:
    notes = [
        {"publicationDate": "2018-05-01T00:00:00", "tradeSystem": "Special"},
        {"publicationDate": "2019-02-01T00:00:00", "tradeSystem": "General"},
        {"publicationDate": "2017-09-01T00:00:00", "tradeSystem": "Special"},
    ]
    whole = [{"importValuation": "CIF", "exportValuation": "FOB", **note} for note in notes]
    outside = {key: dataset()[key] for key in ("typeCode", "freqCode", "period", "reporterCode")}
    frame = metadata({**outside, "notes": whole}).frame
    assert frame.select("trade_system", "published_on").rows() == [("general", date(2019, 2, 1))]


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"tradeSystem": "Mixed"}, "tradeSystem", "not known: general, special or empty"),
        ({"importValuation": "C.I.F."}, "importValuation", "not known: cif, fob, fas or empty"),
        ({"reporterCode": 999}, "reporterCode", "unknown area code"),
        ({"period": "201613"}, "period", "not a year (YYYY) or a month (YYYYMM)"),
        ({"freqCode": "Q"}, "freqCode", "neither a year (A) nor a month (M)"),
        ({"publicationDate": "soon"}, "publicationDate", "not a day"),
    ],
)
def test_words_that_are_not_known_are_refused(
    changes: dict[str, object], column: str, reason: str
) -> None:
    changes = {"freqCode": "M" if len(str(changes.get("period", ""))) == 6 else "A"} | changes
    parsed = metadata(dataset(reporterCode=410), dataset(**changes))
    assert parsed.frame["row_number"].to_list() == [1]
    assert [(row[1], row[3]) for row in reject_rows(parsed.rejects)] == [(column, reason)]


def test_metadata_of_another_form_are_no_metadata() -> None:
    with pytest.raises(SnapshotError, match=r"row 1.*tradeSystem, importValuation"):
        metadata(json.loads(comtrade_bytes(comtrade_row()))["data"][0])
