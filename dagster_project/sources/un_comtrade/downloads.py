"""Downloads: CSV and TSV files, plain or gzip, of today's site, its bulk files and the old one.

A file may have millions of rows, so nothing here works row by row, and `download_reader` reads it
in blocks of whole lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

import polars as pl

from dagster_project.sources.blocks import (
    Block,
    read_records,
    split_header,
    unpacked,
    unpacked_head,
)
from dagster_project.sources.formats import csv_records, decode
from dagster_project.sources.parsing import Parsed
from dagster_project.sources.snapshot import SnapshotError, SnapshotFile
from dagster_project.sources.un_comtrade.trade import (
    OPTIONAL,
    REQUIRED,
    SCHEMA,
    Areas,
    check_trade,
    in_order,
)

# The part of a file that contains the header.
_HEAD = 8192


@dataclass(frozen=True)
class Layout:
    """One kind of download.

    `columns` are the header in the publisher's order. `named` maps raw columns to these. `constant`
    holds what the layout implies: without a column for modes of transport, for example, a row
    covers all of them.
    """

    columns: tuple[str, ...]
    named: Mapping[str, str]
    constant: Mapping[str, str] = field(default_factory=dict)
    # Only codes and numbers: no cell spans lines.
    is_coded: bool = False


def _plain(name: str) -> str:
    """A column's normalised name: typeCode and type_code are one column."""
    return name.replace("_", "").lower()


_V1_HEADER = (
    "type_code freq_code ref_period_id ref_year ref_month period reporter_code reporter_iso"
    " reporter_desc flow_code flow_desc partner_code partner_iso partner_desc partner2code"
    " partner2iso partner2desc classification_code classification_search_code"
    " is_original_classification cmd_code cmd_desc aggr_level is_leaf customs_code customs_desc"
    " mos_code mot_code mot_desc qty_unit_code qty_unit_abbr qty is_qty_estimated"
    " alt_qty_unit_code alt_qty_unit_abbr alt_qty is_alt_qty_estimated net_wgt"
    " is_net_wgt_estimated gross_wgt is_gross_wgt_estimated cifvalue fobvalue primary_value"
    " legacy_estimation_flag is_reported is_aggregate"
)
_BULK_HEADER = (
    "dataset_code type_code freq_code ref_period_id ref_year ref_month period reporter_code"
    " flow_code partner_code partner2code classification_search_code classification_code"
    " is_original_classification cmd_code customs_code mos_code mot_code qty_unit_code qty"
    " is_qty_estimated alt_qty_unit_code alt_qty is_alt_qty_estimated net_wgt"
    " is_net_wgt_estimated gross_wgt is_gross_wgt_estimated cifvalue fobvalue primary_value"
    " legacy_estimation_flag is_reported is_aggregate"
)
_LEGACY = {
    "classification_code": "Classification",
    "aggr_level": "Aggregate Level",
    "ref_year": "Year",
    "period": "Period",
    "flow_code": "Trade Flow Code",
    "reporter_code": "Reporter Code",
    "reporter_iso": "Reporter ISO",
    "partner_code": "Partner Code",
    "partner_iso": "Partner ISO",
    "cmd_code": "Commodity Code",
    "qty_unit_code": "Qty Unit Code",
    "qty": "Qty",
    "net_weight_kg": "Netweight (kg)",
    "primary_value": "Trade Value (US$)",
    "estimation_flag": "Flag",
}
_LEGACY_35_COLUMNS = (
    *("Classification", "Year", "Period", "Period Desc.", "Aggregate Level", "Is Leaf Code"),
    *("Trade Flow Code", "Trade Flow", "Reporter Code", "Reporter", "Reporter ISO"),
    *("Partner Code", "Partner", "Partner ISO", "2nd Partner Code", "2nd Partner"),
    *("2nd Partner ISO", "Customs Proc. Code", "Customs", "Mode of Transport Code"),
    *("Mode of Transport", "Commodity Code", "Commodity", "Qty Unit Code", "Qty Unit", "Qty"),
    *("Alt Qty Unit Code", "Alt Qty Unit", "Alt Qty", "Netweight (kg)", "Gross weight (kg)"),
    *("Trade Value (US$)", "CIF Trade Value (US$)", "FOB Trade Value (US$)", "Flag"),
)
_LEGACY_22_COLUMNS = (
    *("Classification", "Year", "Period", "Period Desc.", "Aggregate Level", "Is Leaf Code"),
    *("Trade Flow Code", "Trade Flow", "Reporter Code", "Reporter", "Reporter ISO"),
    *("Partner Code", "Partner", "Partner ISO", "Commodity Code", "Commodity", "Qty Unit Code"),
    *("Qty Unit", "Qty", "Netweight (kg)", "Trade Value (US$)", "Flag"),
)
# White space, and quotes, within which a line break is white space too.
_BLANKS = tuple(bytes([one]) for one in b' \t\r\x0b\x0c\x1c\x1d\x1e\x1f"')
# A column without a name, as a script saves the labels of rows, and such a label.
_NAMELESS = re.compile(r"\s*|Unnamed: [0-9]+(_level_[0-9]+|\.[0-9]+)*")
_ROW_LABEL = r"^[0-9]+(\.0)?$"
_TYPES, _FREQUENCIES = ("C", "S"), ("A", "M")
_DAY = re.compile(r"[0-9]{8}(\.0)?")
# How alike a misspelt name is, in the place of the right one.
_LIKENESS = 0.7
_TOTALS = {"partner2_code": "0", "customs_code": "C00", "mot_code": "0"}


def _of_v1(header: str, *, is_coded: bool = False) -> Layout:
    columns = tuple(header.split())
    by_plain = {_plain(column): column for column in columns}
    named = {
        raw: by_plain[_plain(printed)]
        for raw, printed in {**REQUIRED, **OPTIONAL}.items()
        if _plain(printed) in by_plain
    }
    return Layout(columns, named, is_coded=is_coded)


LAYOUTS: Mapping[str, Layout] = {
    "comtrade_csv_47": _of_v1(_V1_HEADER),
    "comtrade_bulk_34": _of_v1(_BULK_HEADER, is_coded=True),
    "comtrade_legacy_35": Layout(
        _LEGACY_35_COLUMNS,
        {
            **_LEGACY,
            "partner2_code": "2nd Partner Code",
            "customs_code": "Customs Proc. Code",
            "mot_code": "Mode of Transport Code",
            "cif_value": "CIF Trade Value (US$)",
            "fob_value": "FOB Trade Value (US$)",
        },
        _TOTALS,
    ),
    "comtrade_legacy_22": Layout(_LEGACY_22_COLUMNS, _LEGACY, _TOTALS),
}

HEADERS: Mapping[str, tuple[str, ...]] = {name: layout.columns for name, layout in LAYOUTS.items()}

_LEGACY_FLOWS = {"1": "M", "2": "X", "3": "RX", "4": "RM"}
_LEGACY_NO_QUANTITY, _NO_QUANTITY = "1", "-1"
_YEAR = "52"


def _sign(layout: str) -> Callable[[bytes, str], bool]:
    """A detector for headers nearest to this layout, even with a column too many or too few."""

    def is_shown(content: bytes, _name: str) -> bool:
        header = _first_columns(content)
        likeness = {name: _likeness(header, one.columns) for name, one in LAYOUTS.items()}
        nearest = max(likeness, key=lambda name: likeness[name])
        return nearest == layout and likeness[nearest] > 1 / 2

    return is_shown


def _first_columns(content: bytes) -> set[str]:
    """The header's normalised columns, as far as the file can be unpacked."""
    first_line = unpacked_head(content[:_HEAD]).decode("utf-8-sig", "replace").partition("\n")[0]
    header = split_header(first_line.rstrip(), is_coded=True).columns
    return {_plain(column.strip()) for column in header if not _NAMELESS.fullmatch(column)}


def _likeness(header: set[str], columns: Sequence[str]) -> float:
    wanted = {_plain(column) for column in columns}
    return len(header & wanted) / len(header | wanted)


SIGNS: Mapping[str, Callable[[bytes, str], bool]] = {layout: _sign(layout) for layout in LAYOUTS}


def parse_download(content: bytes, file: SnapshotFile, areas: Areas) -> Parsed:
    """One download as rows; the row number is the first line of the record.

    Separator, order of the columns and spelling of today's names do not matter.

    Raises:
        SnapshotError: the file is truncated, is not text, has another header than its layout, or
        has no rows.
    """
    name = file.snapshot_file
    is_western = not LAYOUTS[file.layout].is_coded
    text = decode(unpacked(content, name), name, is_western=is_western)
    first_line, _, body = text.partition("\n")
    read = download_reader(first_line, file, areas, SCHEMA)
    if not body.strip():
        raise SnapshotError(f"{name}: a header but no rows. Fetch it again.")
    return read(Block(2, body.encode()))


def download_reader(
    first_line: str, file: SnapshotFile, areas: Areas, schema: Mapping[str, pl.DataType]
) -> Callable[[Block], Parsed]:
    """The parser of the lines after the header, block by block.

    Args:
        schema: the columns to parse, from `trade.SCHEMA`.

    Raises:
        SnapshotError: the header differs from the layout's.
    """
    layout = LAYOUTS[file.layout]
    header = split_header(first_line, is_coded=layout.is_coded)
    labels, columns = _without_labels(header.columns)
    found = _check_header(columns, layout, file.snapshot_file)
    named = {raw: found[_plain(printed)] for raw, printed in layout.named.items()}
    printed = {**REQUIRED, **OPTIONAL, **named}
    blanks = [one for one in _BLANKS if one != header.separator.encode()]
    is_legacy = layout.named["primary_value"] == _LEGACY["primary_value"]

    def read(block: Block) -> Parsed:
        shown = _columns_of_rows(block, header.separator, labels, columns, file.snapshot_file)
        wanted = [column for column in (*labels, *named.values()) if column in shown]
        cells, rejects = read_records(
            block, replace(header, columns=shown), wanted, file.snapshot_file
        )
        _check_labels(cells, [label for label in labels if label in shown], file.snapshot_file)
        there = {raw: column for raw, column in named.items() if column in shown}
        cells = cells.select(
            "row_number",
            *(pl.col(column).alias(raw) for raw, column in there.items()),
            *(
                pl.lit(None, dtype=pl.String).alias(raw)
                for raw in (*REQUIRED, *OPTIONAL)
                if raw not in there
            ),
        )
        if "type_code" not in there:
            cells = cells.with_columns(_type_code())
        if is_legacy:
            cells = _from_legacy(cells)
        # Where a layout omits a column or leaves it empty, the row is the total.
        cells = cells.with_columns(
            pl.col(raw).fill_null(total) for raw, total in layout.constant.items()
        )
        parsed = check_trade(
            cells,
            printed,
            areas,
            file.known_from,
            schema,
            # Determined for all cells at once; most files of codes have none.
            has_blanks=not block.content.isascii()
            or any(blank in block.content for blank in blanks),
        )
        return Parsed(
            parsed.frame,
            in_order(rejects, parsed.rejects),
        )

    return read


def _from_legacy(cells: pl.DataFrame) -> pl.DataFrame:
    """Convert the codes of the old site to today's."""
    period = pl.col("period")
    is_month = period.str.len_chars() == 6
    return cells.with_columns(
        pl.when(is_month).then(pl.lit("M")).otherwise(pl.lit("A")).alias("freq_code"),
        pl.when(is_month).then(period.str.slice(4, 2)).otherwise(pl.lit(_YEAR)).alias("ref_month"),
        pl.col("flow_code").replace(_LEGACY_FLOWS),
        pl.col("qty_unit_code").replace(_LEGACY_NO_QUANTITY, _NO_QUANTITY),
    )


def _type_code() -> pl.Expr:
    """Services are under EBOPS, everything else is goods."""
    is_services = pl.col("classification_code").str.starts_with("EB")
    return pl.when(is_services).then(pl.lit("S")).otherwise(pl.lit("C")).alias("type_code")


def _without_labels(header: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for the columns of row labels before the layout's own columns, and the latter.

    Scripts save the labels of rows under no name; at the end, such a column is empty.
    """
    columns = list(header)
    while columns and _NAMELESS.fullmatch(columns[-1]):
        del columns[-1]
    count = next(
        (n for n, column in enumerate(columns) if not _NAMELESS.fullmatch(column)), len(columns)
    )
    return tuple(f"column {n}" for n in range(1, count + 1)), tuple(columns[count:])


def _columns_of_rows(
    block: Block, separator: str, labels: tuple[str, ...], columns: tuple[str, ...], name: str
) -> tuple[str, ...]:
    """The names of the cells of a block's rows.

    Rows of today's downloads have a cell more than the header. A script may take their first cells,
    the type, for labels of the rows and the other cells for those of the next column each. When it
    saves them, the labels have no name or are lost.
    """
    if _plain(columns[0]) != _plain(REQUIRED["type_code"]):
        return labels + columns
    line = block.content.partition(b"\n")[0].decode()
    _, first = next(csv_records(line, name, separator=separator), (1, []))
    cells = [*first, "", ""]
    if len(labels) == 1 and cells[0] in _TYPES and cells[1] in _FREQUENCIES:
        return columns
    if not labels and cells[0] in _FREQUENCIES and _DAY.fullmatch(cells[1]):
        return columns[1:]
    return labels + columns


def _check_labels(cells: pl.DataFrame, labels: Sequence[str], name: str) -> None:
    """Raise a SnapshotError if a column without a name has more than whole numbers."""
    for label in labels:
        other = cells.filter(~pl.col(label).fill_null("").str.contains(_ROW_LABEL))
        if other.height:
            raise SnapshotError(
                f"{name}, line {other['row_number'][0]}: {label} has no name in the header and"
                f" {other[label][0]!r} is not the number of a row. Remove the column, or import the"
                " publisher's own file."
            )


def _check_header(columns: Sequence[str], layout: Layout, name: str) -> Mapping[str, str]:
    """The file's own name of each column, by its plain name.

    Raises:
        SnapshotError: a column is missing, unknown or there twice.
    """
    found = {_plain(column): column for column in columns}
    wanted = {_plain(column): column for column in layout.columns}
    if len(found) == len(columns) == len(wanted):
        for plain, other in zip(wanted, tuple(found), strict=True):
            # The publisher has misspelt names: Prtner2Code, AtlQty.
            if plain not in found and other not in wanted and _is_misspelt(other, plain):
                found[plain] = found.pop(other)
    missing = [column for plain, column in wanted.items() if plain not in found]
    unknown = [column for plain, column in found.items() if plain not in wanted]
    if missing or unknown or len(found) != len(columns):
        what = (
            f"column {', '.join(missing)} is missing"
            + (f" (the file has {', '.join(unknown)} instead)" if unknown else "")
            if missing
            else f"column {', '.join(unknown)} does not belong to it: remove it"
            if unknown
            else "a column appears twice"
        )
        raise SnapshotError(
            f"{name}, line 1: {what}. The layout has {len(layout.columns)} columns, the file"
            f" {len(columns)}; known are {', '.join(LAYOUTS)}."
        )
    return found


def _is_misspelt(found: str, wanted: str) -> bool:
    return SequenceMatcher(None, found, wanted).ratio() > _LIKENESS
