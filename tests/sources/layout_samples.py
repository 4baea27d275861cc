"""One small file of every layout that a table reads, and files made from it by mutation."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import resource
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sources.source_files import (
    MONTHS,
    api_bytes,
    claims_bytes,
    comtrade_bytes,
    comtrade_row,
    country_bytes,
    country_row,
    csv_bytes,
    snapshot_file,
    workbook_bytes,
)
from sources.test_articles import DOCUMENT
from sources.test_bea_ita import data as bea_data
from sources.test_bea_ita import row as bea_row
from sources.test_korea_customs import country as korea_country
from sources.test_korea_customs import item as korea_item
from sources.test_korea_customs import total as korea_total
from sources.test_korea_customs import xml as korea_xml
from sources.test_printed_figures import FIGURE
from sources.test_un_comtrade import FACT, dataset, written
from sources.test_us_census_files import CARS, COFFEE, HEADER, WHEAT
from sources.test_usitc_dataweb import report, table

from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.blocks import unpacked
from dagster_project.sources.bulk import BulkTable, count_rows
from dagster_project.sources.inbox.detection import detect_layout
from dagster_project.sources.inbox.reader import entry_of
from dagster_project.sources.snapshot import discover_releases, read_verified
from dagster_project.sources.us_census.files import API_LAYOUTS

SEEDS = PROJECT_ROOT / "dbt" / "seeds"
# Lines of a shipped file that are enough for its parser.
_LINES = 40


def samples() -> dict[tuple[str, str], bytes]:
    """A readable file by table and layout."""
    found: dict[tuple[str, str], bytes] = {
        ("us_census__country_file", "census_country_file"): country_bytes(
            *(country_row("2016", "5800", "Korea", IJAN=f"{n}.5", EJAN="2.5") for n in (1,)),
            country_row("2015", "1220", "Canada", **{f"I{month}": "7.25" for month in MONTHS}),
        ),
        ("fred__series", "fred_graph_csv"): (
            b"observation_date,IMPKR,EXPKR\n2016-01-01,5800.1,2969.6\n2016-02-01,5902.1,.\n"
        ),
        ("un_comtrade__trade", "comtrade_v1"): comtrade_bytes(
            comtrade_row(), comtrade_row(partnerCode=392, partnerISO="JPN")
        ),
        ("un_comtrade__reporting", "comtrade_metadata_v1"): comtrade_bytes(
            dataset(), dataset(reporterCode=36, importValuation="FOB")
        ),
        ("bea_ita__transactions", "bea_ita_v1"): bea_data(
            bea_row(), bea_row(Year="2015", TimePeriod="2015", DataValue="7")
        ),
        ("korea_customs__trade", "korea_customs_items"): _korea(korea_item, "8703"),
        ("korea_customs__trade", "korea_customs_countries"): korea_xml(
            korea_country("2016.01", "US", 10, 5), korea_country("2016.01", "JP", 7, 9)
        ),
        ("published__figures", "published_figures"): csv_bytes(tuple(FIGURE), [FIGURE]),
        ("articles__claims", "claims"): claims_bytes({}, {"claim_id": "c2", "value": "28.6"}),
        ("articles__documents", "documents"): csv_bytes(tuple(DOCUMENT), [DOCUMENT]),
        ("us_census__end_use", "census_end_use_exports"): "\n".join(
            (HEADER, WHEAT, CARS, "")
        ).encode(),
        ("us_census__end_use", "census_end_use_imports"): "\n".join((HEADER, COFFEE, "")).encode(),
        ("cepii_baci__trade", "baci_csv"): (
            b"t,i,j,k,v,q\n2016,842,410,010121,1.5,NA\n2016,842,392,010121,2.5,3\n"
        ),
    }
    for name, layout in API_LAYOUTS.items():
        value, (length, level) = f"{layout.stems[0]}_MO", max(layout.levels.items())
        header = ["CTY_CODE", layout.commodity, value, "time", "COMM_LVL"]
        rows = [["5800", "1" * length, "125", f"2016-{n:02d}", level] for n in range(1, 7)]
        found["us_census__trade_api", name] = api_bytes(header, *rows)
    for name, title in (
        ("dataweb_v2_general_imports", "General Customs Value"),
        ("dataweb_v2_imports_for_consumption", "Customs Value"),
        ("dataweb_v2_total_exports", "FAS Value"),
        ("dataweb_v2_domestic_exports", "FAS Value"),
        ("dataweb_v2_foreign_exports", "FAS Value"),
    ):
        found["usitc_dataweb__trade", name] = report(
            table(
                ["Country", "HTS Number", "Description", "2015", "2016"],
                ["South Korea", "01", "Live animals", "1,234,567", "0"],
                ["Japan", "02", "Meat", "5", "6"],
                title=title,
            )
        )
    for name in ("comtrade_bulk_34", "comtrade_csv_47", "comtrade_legacy_22", "comtrade_legacy_35"):
        content = written([{**FACT, "value": row} for row in range(1, 9)], name)
        for of_table in ("un_comtrade__trade", "un_comtrade__bulk"):
            found[of_table, name] = unpacked(content, name)
    for release in discover_releases([PROJECT_ROOT / "data" / "snapshots"]):
        for file in release.files:
            if (file.table, file.layout) not in found:
                content = unpacked(read_verified(file), file.name)
                found[file.table, file.layout] = b"".join(content.splitlines(True)[:_LINES])
    return found


def _korea(make: Callable[..., Mapping[str, str]], code: str) -> bytes:
    rows = [dict(make("2016.01", f"87{n:02d}", 100 * n, 10 * n)) for n in range(1, 5)]
    return korea_xml(korea_total(*rows), *rows)


# ---------------------------------------------------------------------------
# Mutations
# ---------------------------------------------------------------------------

# What parsers meet in the files of strangers, and what a mutation at random would never write.
_TOKENS = (
    *(b"\r", b"\n", b"\r\n", b'"', b'""', b",", b"\t", b";", b"\0", b"\x1b[31m", b"\xff", b"\\"),
    *(b"[", b"]", b"{", b"}", b"<", b">", b"&", b"<!DOCTYPE x>", b"]]>", b"\xef\xbb\xbf"),
    *(b"NaN", b"Infinity", b"null", b"true", b"-1", b"1e999", b"0x1", b"1,5", b"=1+1", b"'"),
    *(b"9" * 5000, b"x" * 140_000, b"[" * 3000, b"\xe2\x80\xae", b"\\ud800", b"9999-99-99"),
)
_VALUES: tuple[object, ...] = (
    *(5, -1, 10**400, 1.5, float("inf"), None, True, "", "x", "\x1b]0;x\x07", "\ud800", "=1"),
    *([], {}, [[]], {"x": {}}, [None], "2016-13", "9" * 5000, "0" * 140_000, "٣"),
)


def mutated(content: bytes, random: random.Random) -> tuple[str, bytes]:
    """A mutation by its name, and the file; every one is a different file of the same layout."""
    kinds: list[Callable[[bytes, random.Random], bytes]] = [
        *(_flip, _delete, _repeat, _insert, _swap_lines, _cut),
        *(_cut_packed, _in_members, _damage_packed),
    ]
    if content.lstrip()[:1] in (b"{", b"["):
        kinds += [_replace_value] * 6
    elif content.lstrip()[:1] != b"<":
        kinds += [_replace_cell] * 4 + [_drop_column, _as_workbook, _damage_workbook]
    kind = random.choice(kinds)
    return kind.__name__.strip("_"), kind(content, random)


def _place(content: bytes, random: random.Random) -> int:
    return random.randrange(len(content) + 1)


def _flip(content: bytes, random: random.Random) -> bytes:
    place = random.randrange(len(content))
    return content[:place] + bytes([random.randrange(256)]) + content[place + 1 :]


def _delete(content: bytes, random: random.Random) -> bytes:
    first, last = sorted((_place(content, random), _place(content, random)))
    return content[:first] + content[min(last, first + 50) :]


def _repeat(content: bytes, random: random.Random) -> bytes:
    first, last = sorted((_place(content, random), _place(content, random)))
    return content[:last] + content[first:]


def _insert(content: bytes, random: random.Random) -> bytes:
    place = _place(content, random)
    return content[:place] + random.choice(_TOKENS) + content[place:]


def _swap_lines(content: bytes, random: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    random.shuffle(lines)
    return b"".join(lines)


def _cut(content: bytes, random: random.Random) -> bytes:
    return content[: random.randrange(1, len(content))]


def _cut_packed(content: bytes, random: random.Random) -> bytes:
    packed = gzip.compress(content)
    return packed[: random.randrange(3, len(packed))]


def _in_members(content: bytes, random: random.Random) -> bytes:
    place = _place(content, random)
    empty = gzip.compress(b"") * random.randrange(100)
    return gzip.compress(content[:place]) + empty + gzip.compress(content[place:])


def _damage_packed(content: bytes, random: random.Random) -> bytes:
    return _flip(gzip.compress(content), random)


def _cells(content: bytes) -> list[list[str]]:
    text = content.decode("utf-8-sig", "replace")
    separator = max(",\t;", key=text.partition("\n")[0].count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


def _replace_cell(content: bytes, random: random.Random) -> bytes:
    rows = _cells(content)
    row = random.choice([row for row in rows if row])
    row[random.randrange(len(row))] = str(random.choice(_VALUES))
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def _drop_column(content: bytes, random: random.Random) -> bytes:
    rows = _cells(content)
    place = random.randrange(max(map(len, rows)))
    out = io.StringIO(newline="")
    kept = [[cell for at, cell in enumerate(row) if at != place] for row in rows]
    csv.writer(out, lineterminator="\n").writerows(kept)
    return out.getvalue().encode()


def _as_workbook(content: bytes, _random: random.Random) -> bytes:
    rows = [["".join(filter(str.isprintable, cell)) for cell in row] for row in _cells(content)]
    return workbook_bytes({"Sheet": rows})


def _damage_workbook(content: bytes, random: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_as_workbook(content, random))) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    name = random.choice(list(parts))
    change = random.choice((_flip, _delete, _repeat, _insert, _far))
    parts[name] = change(parts[name], random)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return out.getvalue()


def _far(content: bytes, random: random.Random) -> bytes:
    """Another place for one cell of a sheet."""
    where = random.choice((b"XFD1048576", b"A4294967295", b"ZZZZZ1", b"A0", b"1", b""))
    places = list(_positions(content, b'r="'))
    if not places:
        return content
    place = random.choice(places) + 3
    return content[:place] + where + content[content.index(b'"', place) :]


def _positions(content: bytes, wanted: bytes) -> Iterator[int]:
    place = content.find(wanted)
    while place >= 0:
        yield place
        place = content.find(wanted, place + 1)


def _replace_value(content: bytes, random: random.Random) -> bytes:
    """JSON with another value, or none, in one place."""
    whole = json.loads(content)
    inner = [node for node in _nodes(whole) if node]
    node = random.choice(inner)
    key = random.choice(list(node) if isinstance(node, dict) else range(len(node)))
    if random.random() < 0.2:
        del node[key]
    else:
        node[key] = random.choice(_VALUES)
    return json.dumps(whole).encode()


def _nodes(value: object) -> Iterator[dict | list]:
    if isinstance(value, dict | list):
        yield value
        for one in value.values() if isinstance(value, dict) else value:
            yield from _nodes(one)


# ---------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Read:
    """The rows of a file as texts without their place, the seconds they took, and the peak."""

    rows: frozenset[str]
    seconds: float
    peak: int


def read(table: str, layout: str, content: bytes) -> Read:
    """Detect and parse a file as when it is dropped; bulk tables give the number of their rows.

    Raises:
        InboxError, SnapshotError: it is refused.
    """
    began = time.perf_counter()
    detect_layout(content, len(content), "file", {"table": table, "layout": layout})
    entry = entry_of(table)
    file = snapshot_file(layout, "file", date(2026, 11, 30))
    if isinstance(entry, BulkTable):
        rows = frozenset(str(n) for n in range(count_rows(entry, file, content, SEEDS)[0]))
    else:
        frame = entry.file_parser(SEEDS)(content, file).frame
        place = [one for one in ("row_number", "column_name") if one in frame.columns]
        rows = frozenset(map(str, frame.drop(place).rows()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Read(rows, time.perf_counter() - began, peak)
