"""Tests of FRED: requested series, and the file that several share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources.source_files import reject_rows, snapshot_file

from dagster_project.sources.connector import (
    Chunk,
    Refused,
    Reply,
    ReplyError,
    ReplyResult,
    Selection,
    SelectionError,
    TryAgain,
)
from dagster_project.sources.fred import (
    CONNECTOR,
    SCHEMA,
    fred_series,
    is_series,
    parse_series,
)
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import Covers, SnapshotError

KNOWN = {
    name: {
        "series_id": name,
        "reporter_iso3": "USA",
        "partner_code": "KOR",
        "flow": flow,
        "first_period": "1985-01",
    }
    for name, flow in (("EXPKR", "export"), ("IMPKR", "import"))
}
FILE = snapshot_file("fred_graph_csv", "series.csv")


def csv_of(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def parse(*lines: str) -> Parsed:
    return parse_series(csv_of(*lines), FILE, KNOWN)


# Files


def test_each_figure_is_a_row_and_a_month_without_one_is_none() -> None:
    parsed = parse(
        "observation_date,EXPKR,IMPKR",
        "2016-01-01,2969.6,5902.1",
        "2016-02-01,.,5600.5",
        "2016-03-01,,5700",
    )
    assert dict(parsed.frame.schema) == SCHEMA
    tenth = Decimal("0.1")
    assert parsed.frame.rows() == [
        (2, "EXPKR", "EXPKR", 2016, 1, Decimal("2969.6"), tenth),
        (2, "IMPKR", "IMPKR", 2016, 1, Decimal("5902.1"), tenth),
        (3, "IMPKR", "IMPKR", 2016, 2, Decimal("5600.5"), tenth),
        (4, "IMPKR", "IMPKR", 2016, 3, Decimal(5700), tenth),
    ]
    assert parsed.rejects.is_empty()


def test_the_longest_figure_of_a_series_and_year_gives_its_rounding() -> None:
    parsed = parse(
        "observation_date,EXPKR,IMPKR",
        "2014-01-01,7,1.2",
        "2015-01-01,8.25,1.2",
        "2015-02-01,8.2,1.234567",
    )
    units = {
        (row["series_id"], row["year"], row["month"]): row["rounding_musd"]
        for row in parsed.frame.iter_rows(named=True)
    }
    assert units == {
        ("EXPKR", 2014, 1): Decimal(1),
        ("IMPKR", 2014, 1): Decimal("0.1"),
        ("EXPKR", 2015, 1): Decimal("0.01"),
        ("EXPKR", 2015, 2): Decimal("0.01"),
        ("IMPKR", 2015, 1): Decimal("0.000001"),
        ("IMPKR", 2015, 2): Decimal("0.000001"),
    }


def test_a_file_saved_with_the_old_header_is_read_and_its_noise_is_not() -> None:
    content = csv_of(
        "DATE,IMPKR", "2015-01-01,38190.1", "2015-02-01,.", "2015-03-01,11403.4975749999"
    )
    assert is_series(content, "IMPKR.csv")
    assert not is_series(csv_of("DATE,Trade (bn)", "2015-01-01,1.0"), "trade.csv")
    parsed = parse_series(content, FILE, KNOWN)
    assert parsed.frame["value_musd"].to_list() == [Decimal("38190.1"), Decimal("11403.497575")]
    assert parsed.rejects.is_empty()


@pytest.mark.slow
@given(
    st.lists(st.decimals(0, 99_999, places=1, allow_nan=False), min_size=1, max_size=12),
    st.booleans(),
)
def test_what_is_printed_is_what_is_read(values: list[Decimal], has_mark: bool) -> None:
    lines = [f"2016-{month:02d}-01,{value}" for month, value in enumerate(values, start=1)]
    content = csv_of("observation_date,IMPKR", *lines)
    parsed = parse_series((b"\xef\xbb\xbf" if has_mark else b"") + content, FILE, KNOWN)
    assert parsed.frame["value_musd"].to_list() == values
    assert parsed.frame["month"].to_list() == list(range(1, len(values) + 1))


def test_a_line_that_cannot_be_read_is_rejected_and_its_neighbours_kept() -> None:
    parsed = parse(
        "observation_date,EXPKR,IMPKR",
        "2016-01-15,1.0,2.0",
        "2017-02-01,1.0,2.0",
        "2016-03-01,-1.0,1e3",
        "2016-04-01,1.0",
        "2016-05-01,3.5,4.5",
    )
    assert parsed.frame.select("row_number", "series_id").rows() == [(6, "EXPKR"), (6, "IMPKR")]
    rejects = {row[:3]: row[3] for row in reject_rows(parsed.rejects)}
    assert set(rejects) == {
        (2, "observation_date", "2016-01-15"),
        (3, "observation_date", "2017-02-01"),
        (4, "EXPKR", "-1.0"),
        (4, "IMPKR", "1e3"),
        (5, None, "2016-04-01,1.0"),
    }
    assert "YYYY-MM-01" in rejects[2, "observation_date", "2016-01-15"]
    assert "2017-01-31" in rejects[3, "observation_date", "2017-02-01"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "series.csv"),
        (b"<html>busy</html>", "busy"),
        (csv_of("observation_date,IMPKX", "2016-01-01,1.0"), "line 1.*IMPKX.*IMPKR"),
        (csv_of("DAY,IMPKR", "2016-01-01,1.0"), "line 1.*observation_date"),
        (csv_of("observation_date,IMPKR"), "series.csv"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        parse_series(content, FILE, KNOWN)


# Plans


def plan(project_root: Path, **changes: object) -> list[Chunk]:
    asked = Selection(date(2016, 1, 1), date(2016, 12, 1))
    seeds = project_root / "dbt" / "seeds"
    made = CONNECTOR.plan(replace(asked, **changes), seeds, has_key=False)  # type: ignore[arg-type]
    assert len(made.chunks) == made.expected_requests == made.fewest
    return list(made.chunks)


def test_series_share_a_request_and_each_has_its_bounds(project_root: Path) -> None:
    [chunk] = plan(project_root, partners=("KOR",))
    assert chunk.name == "EXPKR-IMPKR_2016-01_2016-12.csv"
    assert chunk.request.stored_address == (
        "https://fred.stlouisfed.org/graph/fredgraph.csv?id=EXPKR,IMPKR"
        "&cosd=2016-01-01,2016-01-01&coed=2016-12-01,2016-12-01"
    )
    assert chunk.covers == Covers({"series_id": ("EXPKR", "IMPKR")}, "2016-01", "2016-12")
    assert chunk.expected_rows == 24


def test_every_series_is_asked_once_in_as_few_requests_as_can_be(project_root: Path) -> None:
    known = fred_series(project_root / "dbt" / "seeds")
    chunks = plan(project_root)
    asked = [one for chunk in chunks for one in dict(chunk.request.parameters)["id"].split(",")]
    assert sorted(asked) == sorted(known)
    assert len(chunks) == -(-len(known) // 10)
    assert len({chunk.name for chunk in chunks}) == len(chunks)


def test_flows_and_partners_narrow_the_series(project_root: Path) -> None:
    [chunk] = plan(project_root, partners=("DEU", "GBR"), flows=("import",))
    assert dict(chunk.request.parameters)["id"] == "IMPGE,IMPUK"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partners": ("VNM",)}, "partner 'VNM'.*fred_series.csv"),
        ({"reporters": ("KOR",)}, "reporter 'KOR'"),
        ({"level": "hs2"}, "fred.*level total.*products"),
        ({"products": ("87",)}, "fred.*level total.*products"),
        ({"frequency": "A"}, "fred.*frequency M"),
        ({"last": date(2015, 1, 1)}, "2016-01.*2015-01"),
        ({"first": date(1980, 1, 1), "last": date(1984, 1, 1)}, "1984-01"),
    ],
)
def test_a_selection_that_cannot_be_served_is_told_what_can(
    project_root: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SelectionError, match=message):
        plan(project_root, **changes)


def test_each_series_of_the_seed_is_named_for_its_flow(project_root: Path) -> None:
    known = fred_series(project_root / "dbt" / "seeds")
    assert len(known) >= 16
    for name, series in known.items():
        assert name[:3] == {"export": "EXP", "import": "IMP"}[series["flow"]]
    pairs = {(series["partner_code"], series["flow"]) for series in known.values()}
    assert len(pairs) == len(known)


def test_a_series_in_another_unit_is_not_read(tmp_path: Path) -> None:
    header = "series_id,reporter_iso3,partner_code,flow,unit,first_period\n"
    (tmp_path / "fred_series.csv").write_text(header + "X,USA,KOR,export,USD bn,1985-01\n")
    with pytest.raises(SnapshotError, match=r"fred_series\.csv.*X.*USD bn.*USD mn"):
        fred_series(tmp_path)


# Replies as they come


def classify_reply(project_root: Path, content: bytes, status: int = 200) -> ReplyResult:
    [chunk] = plan(project_root, partners=("KOR",))
    return CONNECTOR.classify_reply(chunk, Reply(status, "application/csv", content))


GOOD = csv_of("observation_date,EXPKR,IMPKR", "2016-01-01,2969.6,5902.1", "2016-02-01,.,5600.5")


def test_a_good_reply_is_kept_byte_for_byte(project_root: Path) -> None:
    assert classify_reply(project_root, GOOD) == ReplyResult(GOOD)


@pytest.mark.parametrize(
    "content",
    [
        csv_of("observation_date,EXPKR,IMPKR"),
        csv_of("observation_date,EXPKR,IMPKR", "2016-01-01,.,.", "2016-02-01,,"),
    ],
)
def test_a_file_without_a_figure_is_nothing(project_root: Path, content: bytes) -> None:
    assert classify_reply(project_root, content) == ReplyResult(b"")


@pytest.mark.parametrize(
    ("content", "status", "kind", "message"),
    [
        (b"<html><title>Access Denied</title>", 200, TryAgain, "Access Denied"),
        (b"<html>404 Not Found</html>", 404, Refused, "404.*fred_series.csv"),
        (b"Bad Request", 400, Refused, "status 400"),
        (b"", 200, TryAgain, "status 200"),
        (GOOD[:-8], 200, TryAgain, "line 3.*end of line"),
        (GOOD.replace(b"observation_date", b"DATE"), 200, Refused, "DATE,EXPKR"),
        (GOOD.replace(b"IMPKR", b"IMPJP"), 200, Refused, "EXPKR,IMPJP"),
        (GOOD.replace(b"IMPKR", b"EXPKR"), 200, Refused, "EXPKR,EXPKR"),
        (b"The site is busy, please try later", 200, TryAgain, "line 1.*observation_date"),
        (b"PK\x03\x04\x00\x00", 200, TryAgain, "line 1"),
    ],
)
def test_a_reply_that_is_no_data_says_what_to_do(
    project_root: Path, content: bytes, status: int, kind: type[ReplyError], message: str
) -> None:
    with pytest.raises(kind, match=message) as raised:
        classify_reply(project_root, content, status)
    assert type(raised.value) is kind
    assert "EXPKR-IMPKR_2016-01_2016-12.csv" in str(raised.value)
