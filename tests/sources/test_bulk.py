"""Tests that large files give the same rows as small ones, whatever happens during loading."""

from __future__ import annotations

import gzip
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sources.source_files import reject_rows, snapshot_file, write_release
from sources.test_un_comtrade import AREAS, FACT, FACTS, printed, written

from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources import blocks, bulk, partitions
from dagster_project.sources.catalog import BULK, load_snapshot_index
from dagster_project.sources.raw import LINEAGE_SCHEMA, LoadResult
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.un_comtrade.downloads import LAYOUTS, parse_download
from dagster_project.sources.un_comtrade.trade import BULK_SCHEMA

# Files of many rows, and loads that are killed.
pytestmark = pytest.mark.slow

REPORTS, BACI = BULK
LAYOUT = "comtrade_bulk_34"
KNOWN = "2026-04-30"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A data home of its own, in a project that ships nothing."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "dbt").symlink_to(PROJECT_ROOT / "dbt")
    return Settings(project, tmp_path / "home", None)


def hold(
    home: Settings,
    content: bytes,
    *,
    layout: str = LAYOUT,
    release_id: str = "2026-01",
    name: str = "2016.tsv.gz",
    table: str = REPORTS.table,
) -> Path:
    return write_release(
        home.fetched_snapshots,
        table.partition("__")[0],
        release_id,
        {name: (table, layout, content)},
        known_from=KNOWN,
        known_from_precision="day",
    )


def load(home: Settings) -> LoadResult:
    return bulk.load_bulk_table(REPORTS, home)


def parts(home: Settings, table: str = REPORTS.table) -> list[str]:
    """Every Parquet file of a table that has rows, by its place."""
    folder = home.raw / table
    return sorted(str(path.relative_to(folder)) for path in folder.glob("year=*/*.parquet"))


def rows_of(home: Settings, table: str = REPORTS.table) -> pl.DataFrame:
    return pl.read_parquet(home.raw / table / "**/*.parquet", hive_partitioning=False)


def rejects_of(home: Settings) -> pl.DataFrame:
    return pl.read_parquet(home.raw / "snapshots__rejects/**/*.parquet", hive_partitioning=False)


def left_over(home: Settings) -> list[Path]:
    return list(home.raw.rglob("*.tmp"))


def lines(count: int, **changes: object) -> bytes:
    """So many lines of the bulk layout, without the header, their value the number of the line."""
    cells = printed({**FACT, **changes}, LAYOUT)
    columns = LAYOUTS[LAYOUT].columns
    place = columns.index("primary_value")
    line = [cells.get(column, "") for column in columns]
    before, after = "\t".join(line[:place]), "\t".join(line[place + 1 :])
    return "".join(f"{before}\t{value}.5\t{after}\n" for value in range(count)).encode()


HEADER = "\t".join(LAYOUTS[LAYOUT].columns).encode() + b"\n"


# ---------------------------------------------------------------------------
# The same rows as small files give
# ---------------------------------------------------------------------------

SPOILS = st.sampled_from(
    ["", " ", "x", "-5", "1e3", "1,5", "1" * 16, "1.23450", "1.2300", "999", "2031", " 8 ", 'a"b']
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spoilt_cells_of_any_layout_are_refused_as_in_small_files(
    data: st.DataObject, tmp_path: Path
) -> None:
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    facts = data.draw(st.lists(FACTS, min_size=2, max_size=12))
    spoils = data.draw(
        st.dictionaries(
            st.tuples(
                st.integers(0, len(facts) - 1),
                st.sampled_from(sorted(LAYOUTS[layout].named.values())),
            ),
            SPOILS,
            max_size=3,
        )
    )
    content = _spoilt(facts, layout, spoils)
    file = snapshot_file(layout, "data.csv", date(2026, 1, 31))
    whole = parse_download(content, file, AREAS)
    path = tmp_path / "data"
    path.write_bytes(content)
    found = _in_blocks(path, file, block=data.draw(st.integers(1, 4000)))
    wanted = whole.frame.select(pl.col(name).cast(dtype) for name, dtype in BULK_SCHEMA.items())
    assert_frame_equal(pl.concat([pl.DataFrame(schema=BULK_SCHEMA), *found[0]]), wanted)
    assert [row for one in found[1] for row in reject_rows(one)] == reject_rows(whole.rejects)


def _spoilt(
    facts: Sequence[Mapping[str, object]], layout: str, spoils: Mapping[tuple[int, str], str]
) -> bytes:
    import csv
    import io

    packed = written(facts, layout)
    text = (gzip.decompress(packed) if "bulk" in layout else packed).decode()
    separator = "\t" if "bulk" in layout else ","
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    for (place, column), cell in spoils.items():
        rows[place][column] = cell
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, LAYOUTS[layout].columns, delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    content = out.getvalue().encode()
    return gzip.compress(content) if "bulk" in layout else content


def _in_blocks(
    path: Path, file: SnapshotFile, block: int
) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
    """Frames and rejects of a file that is cut into blocks of about so many bytes."""
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as opened:
        patch.setattr(blocks, "BLOCK", block)
        cut = list(
            blocks.read_blocks(
                opened, file.name, is_coded=file.layout in REPORTS.coded, on_read=lambda done: None
            )
        )
    read = REPORTS.opener(PROJECT_ROOT / "dbt" / "seeds")(
        cut[0].content.decode().rstrip("\r\n"), file
    )
    parsed = [read(one) for one in cut[1:]]
    return [one.frame for one in parsed], [one.rejects for one in parsed]


def test_every_layout_of_one_report_gives_one_raw_shape(home: Settings) -> None:
    facts = [FACT, {**FACT, "flow": "X"}, {**FACT, "year": 2015, "weight": 7}]
    for layout in LAYOUTS:
        hold(home, written(facts, layout), layout=layout, release_id=layout, name="data")
    result = load(home)
    assert (result.rows, result.rejects) == (12, 0)
    frame = rows_of(home)
    assert dict(frame.schema) == dict(REPORTS.schema)
    lost = [*LINEAGE_SCHEMA, "is_reported", "is_aggregate"]
    one, *others = [
        frame.filter(pl.col("release_id") == layout).drop(lost).sort("ref_year", "flow_code")
        for layout in LAYOUTS
    ]
    assert one.height == 3
    for other in others:
        assert_frame_equal(other, one)


def test_real_reports_of_both_sides_are_read_to_the_row(home: Settings, real_data: Path) -> None:
    paths = sorted((real_data / "comtrade_both_reporters" / "hs27").glob("*.csv.gz"))
    for path in paths:
        hold(
            home,
            path.read_bytes(),
            layout="comtrade_legacy_22",
            release_id=path.name.partition(".")[0],
        )
    result = load(home)
    assert (result.rows, result.rejects, len(result.releases)) == (221_802, 0, 13)
    assert [part.partition("/")[0] for part in parts(home)] == [
        f"year={year}" for year in range(2005, 2018)
    ]


# ---------------------------------------------------------------------------
# Which file, where, and when again
# ---------------------------------------------------------------------------


def test_a_file_of_several_years_becomes_a_part_a_year_in_its_order(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ROWS_A_GROUP", 7)
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    content = HEADER + lines(20) + lines(15, year=2015) + lines(4)
    hold(home, content)
    assert load(home).rows == 39
    assert [part.partition("/")[0] for part in parts(home)] == ["year=2015", "year=2016"]
    values = {
        path.parent.name: pl.read_parquet(path, hive_partitioning=False)["primary_value"].to_list()
        for path in (home.raw / REPORTS.table).glob("year=*/*.parquet")
    }
    whole = [float(value) + 0.5 for value in range(20)]
    assert [float(value) for value in values["year=2016"]] == [*whole, *whole[:4]]
    assert [float(value) for value in values["year=2015"]] == whole[:15]


def test_what_has_not_changed_is_not_read_again(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(home, HEADER + lines(3))
    first = load(home)
    assert (first.written, first.unchanged) == (("2026-01",), ())
    monkeypatch.setattr(bulk, "read_blocks", None)
    again = load(home)
    assert (again.rows, again.written, again.unchanged) == (3, (), ("2026-01",))
    # Reference codes and parsers belong to what the rows depend on.
    monkeypatch.setattr(bulk, "fingerprint_of", lambda *_: "another")
    with pytest.raises(TypeError):
        load(home)


@pytest.mark.parametrize("lost", ["year=2015", "year=2016"])
def test_a_part_that_is_lost_is_made_again(home: Settings, lost: str) -> None:
    hold(home, HEADER + lines(3) + lines(2, year=2015))
    load(home)
    shutil.rmtree(home.raw / REPORTS.table / lost)
    assert load(home).written == ("2026-01",)
    assert rows_of(home).height == 5


def test_rejects_that_are_lost_are_found_again(home: Settings) -> None:
    hold(home, HEADER + lines(3) + lines(1, partner=("999", "")))
    load(home)
    shutil.rmtree(home.raw / "snapshots__rejects")
    assert load(home).rejects == 1
    assert rejects_of(home)["row_number"].to_list() == [5]


def test_the_same_bytes_in_two_releases_are_read_once(home: Settings) -> None:
    content = gzip.compress(HEADER + lines(3))
    hold(home, content, release_id="2026-01")
    hold(home, content, release_id="2026-02", name="again.tsv.gz")
    result = load(home)
    assert (result.rows, result.written) == (3, ("2026-01",))
    assert rows_of(home)["release_id"].unique().to_list() == ["2026-01"]


def test_two_reports_of_one_year_are_both_kept(home: Settings) -> None:
    hold(home, HEADER + lines(3), release_id="2026-01")
    hold(home, HEADER + lines(4), release_id="2026-02")
    assert load(home).rows == 7
    counts = dict(rows_of(home).group_by("release_id").len().rows())
    assert counts == {"2026-01": 3, "2026-02": 4}


def test_rows_and_rejects_of_a_release_that_is_gone_go_too(home: Settings) -> None:
    folder = hold(home, HEADER + lines(3) + lines(1, partner=("999", "")))
    hold(home, HEADER + lines(4), release_id="2026-02")
    assert load(home).rejects == 1
    shutil.rmtree(folder)
    result = load(home)
    assert (result.rows, result.rejects, result.removed) == (4, 0, ("2026-01",))
    assert rejects_of(home).is_empty()


def test_without_a_file_the_table_has_its_columns(home: Settings) -> None:
    hold(home, HEADER + lines(1))
    assert bulk.load_bulk_table(BACI, home).rows == 0
    assert dict(rows_of(home, BACI.table).schema) == dict(BACI.schema)
    # The index knows the tables of large files too.
    assert load_snapshot_index(home).rows == 1


# ---------------------------------------------------------------------------
# What is wrong with a file
# ---------------------------------------------------------------------------


def test_a_bad_line_among_many_is_refused_alone(home: Settings) -> None:
    many = lines(120_000)
    at = {7: b'5" pipe\tx', 30_001: b"cut\tshort", 60_000: b"too\t" * 40 + b"long", 99_999: b""}
    text = many.split(b"\n")
    for line, bad in at.items():
        text[line - 2] = bad
    hold(home, gzip.compress(HEADER + b"\n".join(text), 1))
    result = load(home)
    assert (result.rows, result.rejects) == (120_000 - 4, 4)
    found = rejects_of(home)
    assert found["row_number"].to_list() == sorted(at)
    assert [re.findall(r"fewer|more|\d+", reason) for reason in found["reason"]] == [
        [],
        ["fewer", "34"],
        ["more", "34"],
        ["fewer", "34"],
    ]
    assert found["value"][0] == '5" pipe\tx'
    assert set(found["snapshot_file"]) == {"un_comtrade/2026-01/2016.tsv.gz"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_packed_file_cut_anywhere_is_no_file(home: Settings, data: st.DataObject) -> None:
    shutil.rmtree(home.data_home, ignore_errors=True)
    whole = gzip.compress(HEADER + lines(300)) + gzip.compress(lines(200))
    first = len(gzip.compress(HEADER + lines(300)))
    cut = data.draw(st.integers(1, len(whole) - 1).filter(lambda place: place != first))
    hold(home, whole[:cut])
    assert list(load(home).unusable) == ["un_comtrade/2026-01/2016.tsv.gz"]
    assert (parts(home), left_over(home)) == ([], [])


def damaged(place: int) -> bytes:
    content = bytearray(gzip.compress(HEADER + lines(5000)))
    content[place] ^= 0x55
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER + lines(9)[:-1], "line 10"),
        (HEADER + lines(9)[:-30], "line 10"),
        (HEADER, "2016.tsv.gz"),
        (HEADER[:-1], "2016.tsv.gz"),
        (b"", "2016.tsv.gz"),
        (b"<html><body>Access denied</body></html>\n", "Access denied"),
        (HEADER.replace(b"cmd_code", b"hs_code") + lines(1), "line 1.*cmd_code"),
        (HEADER + lines(3) + b"\0" * 50 + b"\n", "line 5"),
        (HEADER + lines(3) + b"caf\xe9\n", "line 5.*0xe9"),
        (HEADER + lines(2, partner=("999", "")), "line 2"),
        (b"x" * 70_000_000, "2016.tsv.gz"),
        # The check sums, the length, and the data: an unpacker has to be asked for these.
        *((damaged(place), "2016.tsv.gz") for place in (-1, -3, -6, -2000)),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_leaves_nothing(
    home: Settings, content: bytes, said: str
) -> None:
    hold(home, content)
    [reason] = load(home).unusable.values()
    assert re.search(said, reason)
    assert (parts(home), left_over(home)) == ([], [])
    assert rejects_of(home).select("row_number", "reason").rows() == [(None, reason)]


def test_a_quote_that_is_never_closed_ends_the_reading_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where descriptions may hold lines, the rest of the file would be one cell.
    monkeypatch.setattr(blocks, "_LONGEST", 300_000)
    monkeypatch.setattr(blocks, "BLOCK", 100_000)
    path = tmp_path / "file.csv"
    path.write_bytes(b'a,b\n1,2\n3,"4\n' + b"5,6\n" * 1_000_000)
    read = 0

    def tell(done: int) -> None:
        nonlocal read
        read = done

    with (
        path.open("rb") as opened,
        pytest.raises(SnapshotError, match=r"line 3.*300,000"),
    ):
        list(blocks.read_blocks(opened, "file.csv", is_coded=False, on_read=tell))
    assert read < 1_000_000 < path.stat().st_size


def test_one_bad_file_keeps_back_no_other(home: Settings) -> None:
    hold(home, HEADER + lines(3), release_id="2026-01")
    hold(home, gzip.compress(HEADER + lines(4))[:-9], release_id="2026-02")
    hold(home, HEADER + lines(5), release_id="2026-03")
    assert list(load(home).unusable) == ["un_comtrade/2026-02/2016.tsv.gz"]
    assert rows_of(home).height == 8


def test_a_snapshot_that_was_edited_is_refused_and_its_rows_go(home: Settings) -> None:
    folder = hold(home, HEADER + lines(3))
    load(home)
    (folder / "2016.tsv.gz").write_bytes(HEADER + lines(2))
    assert list(load(home).unusable) == ["un_comtrade/2026-01/2016.tsv.gz"]
    assert parts(home) == []


# ---------------------------------------------------------------------------
# What happens to the machine
# ---------------------------------------------------------------------------

_CHILD = """
import resource, sys
from pathlib import Path
from dagster_project.settings import Settings
from dagster_project.sources.bulk import load_bulk_table
from dagster_project.sources.catalog import BULK
project, home, limit = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
result = load_bulk_table(BULK[0], Settings(Path(project), Path(home), None))
print(result.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def child(home: Settings, *, largest_file: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, home.project_root, home.data_home, str(largest_file)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def large(rows: int) -> bytes:
    """A packed file of many rows, made of one part many times."""
    return gzip.compress(HEADER) + gzip.compress(lines(50_000), 1) * (rows // 50_000)


def test_a_disk_that_fills_leaves_what_was_there(home: Settings) -> None:
    hold(home, HEADER + lines(10), release_id="2026-01")
    load(home)
    before = parts(home)
    hold(home, large(200_000), release_id="2026-02")
    full = child(home, largest_file=100_000)
    _, said = full.communicate(timeout=120)
    assert full.returncode != 0
    assert "NoRoom: un_comtrade/2026-02/2016.tsv.gz: " in said
    assert parts(home) == before
    assert left_over(home) == []
    assert load(home).rows == 200_010


def test_a_load_that_is_killed_is_made_up_for_by_the_next(home: Settings) -> None:
    hold(home, large(400_000))
    killed = child(home)
    deadline = time.monotonic() + 60
    while not left_over(home) and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert len(left_over(home)) == 1
    assert parts(home) == []
    assert load(home).rows == 400_000
    assert left_over(home) == []


def test_four_times_the_rows_take_no_more_memory(home: Settings) -> None:
    used = []
    for rows in (400_000, 1_600_000):
        shutil.rmtree(home.data_home, ignore_errors=True)
        hold(home, large(rows))
        printed_by, errors = child(home).communicate(timeout=300)
        assert printed_by.split()[:1] == [str(rows)], errors
        used.append(int(printed_by.split()[1]))
    # Held whole, the larger one takes three times as much. How much the allocator keeps of what it
    # was given back is its own business, and more on a busy machine: growth is what is asked.
    assert used[1] < 1.4 * used[0]


def test_progress_is_told_up_to_the_last_byte(home: Settings) -> None:
    content = large(50_000)
    hold(home, content)
    told: list[tuple[str, int, int]] = []
    bulk.load_bulk_table(REPORTS, home, lambda *given: told.append(given))
    assert told[-1] == ("un_comtrade/2026-01/2016.tsv.gz", len(content), len(content))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


# ---------------------------------------------------------------------------
# BACI
# ---------------------------------------------------------------------------


def baci(*rows: str, header: str = "t,i,j,k,v,q") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def test_baci_keeps_its_codes_and_thousands(home: Settings) -> None:
    content = baci(
        "2016,842,410,010121,12.345,0.5",
        "2016,410,842,10121,7,          NA",
        '2017,4,8,"270900", 1.5 ,NA',
    )
    hold(home, content, layout="baci_csv", table=BACI.table, name="BACI_HS12_Y2016.csv")
    result = bulk.load_bulk_table(BACI, home)
    assert (result.rows, result.rejects) == (3, 0)
    assert rows_of(home, BACI.table).sort("ref_year", "exporter_code").drop(
        LINEAGE_SCHEMA
    ).with_columns(pl.col("value_thousand_usd").cast(pl.Float64)).rows() == [
        (2016, "410", "842", "010121", 7.0, None, 3),
        (2016, "842", "410", "010121", 12.345, 0.5, 2),
        (2017, "4", "8", "270900", 1.5, None, 4),
    ]


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("16,842,410,010121,1,1", "t", "16"),
        ("2026,842,410,010121,1,1", "t", "2026"),
        ("2016,999,410,010121,1,1", "i", "999"),
        ("2016,842,,010121,1,1", "j", None),
        ("2016,842,410,0101210,1,1", "k", "0101210"),
        ("2016,842,410,010121,-1,1", "v", "-1"),
        ("2016,842,410,010121,1.2345,1", "v", "1.2345"),
        ("2016,842,410,010121,1,one", "q", "one"),
        ("2016,842,410,010121,1", None, "2016,842,410,010121,1"),
    ],
)
def test_a_bad_row_of_baci_is_refused_by_column(
    home: Settings, row: str, column: str | None, value: str | None
) -> None:
    content = baci("2016,842,410,010121,1,1", row, "2016,842,410,010121,2,1")
    hold(home, content, layout="baci_csv", table=BACI.table)
    assert bulk.load_bulk_table(BACI, home).rows == 2
    [(*found, reason)] = reject_rows(rejects_of(home))
    assert found == [3, column, value]
    assert reason


def test_baci_with_another_header_is_refused(home: Settings) -> None:
    hold(home, baci("1", header="t,i,j,k,v"), layout="baci_csv", table=BACI.table)
    [reason] = bulk.load_bulk_table(BACI, home).unusable.values()
    assert re.search(r"line 1.*t,i,j,k,v", reason)
