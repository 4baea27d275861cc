"""The US Census Bureau, replayed: the International Trade API and the country file."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from xml.sax.saxutils import escape

import polars as pl
from fetch.publishers.publisher import (
    Answer,
    Asked,
    Case,
    KeyPlace,
    Publisher,
    Row,
    Wrong,
    html,
    years,
)
from fetch.publishers.world import World, months

COUNTRIES = {
    "CAN": ("1220", "CANADA"),
    "MEX": ("2010", "MEXICO"),
    "GBR": ("4120", "UNITED KINGDOM"),
    "DEU": ("4280", "GERMANY"),
    "CHN": ("5700", "CHINA"),
    "KOR": ("5800", "KOREA, SOUTH"),
    "JPN": ("5880", "JAPAN"),
}
GROUPS = {"0003": "EUROPEAN UNION", "0014": "PACIFIC RIM COUNTRIES"}
WORLD_CODE, WORLD_NAME = "-", "TOTAL FOR ALL COUNTRIES"
NAMES = dict(COUNTRIES.values()) | GROUPS | {WORLD_CODE: WORLD_NAME}

# The goods of this world, by system and level; "-" is all goods together.
GOODS = {
    "hs": {
        "-": ("-",),
        "HS2": ("01", "27", "87"),
        "HS4": ("0101", "2710", "8703"),
        "HS6": ("010121", "271012", "870323"),
        "HS10": ("0101210010", "2710121500", "8703230110"),
    },
    "naics": {"-": ("-",), "NA3": ("311", "336"), "NA4": ("3111", "3361")},
    "enduse": {"-": ("-",), "EU1": ("3",), "EU3": ("300", "301"), "EU5": ("30000", "30100")},
}
COMMODITY = {"hs": "{}_COMMODITY", "naics": "NAICS", "enduse": "{}_ENDUSE"}
_VALUES = {
    "imports": (
        *("GEN_VAL", "CON_VAL", "GEN_CIF", "CON_CIF", "GEN_CHA", "CON_CHA"),
        *("CAL_DUT", "DUT_VAL"),
    ),
    "exports": ("ALL_VAL",),
}
_API = "/data/timeseries/intltrade/"
_COUNTRY_FILE = "/foreign-trade/balance/country.xlsx"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


class UsCensus(Publisher):
    source_id = "us_census"
    paths = (_API, _COUNTRY_FILE)
    key_place = KeyPlace("query", "key", is_required=False)

    def rows(self, asked: Asked, world: World) -> list[Row]:
        if asked.path == _COUNTRY_FILE:
            return list(_country_file_rows(world))
        return list(_api_rows(asked, world))

    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        if asked.path == _COUNTRY_FILE:
            header = [*_country_file_header()]
            if is_changed:
                header[3] = "IJANUARY"
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            return Answer(kind, workbook([tuple(header), *rows]))
        if not rows:
            return Answer("application/json", b"", status=204)
        header = _api_header(asked)
        if is_changed:
            header = [f"{name}_X" if name.endswith(("_MO", "_YR")) else name for name in header]
        lines = ",\n".join(
            json.dumps(row, separators=(",", ":")) for row in [header, *map(list, rows)]
        )
        return Answer("application/json;charset=utf-8", f"[{lines}]".encode())

    def overload(self, asked: Asked) -> Answer:
        return Answer(
            "text/plain",
            b"There was an error while running your query. We've logged the error and we'll"
            b" correct it ASAP. Sorry for the inconvenience.",
        )

    def unknown(self, asked: Asked) -> Answer:
        return Answer("text/plain", b"error: unknown variable 'XYZ'", status=400)

    def bad_key(self, asked: Asked) -> Answer:
        page = html(
            "Invalid Key", "<p>A valid <em>key</em> must be included with each request.</p>"
        )
        return Answer("text/html", page)

    def cases(self) -> tuple[Case, ...]:
        return (
            Case(years(2010, 2017, level="hs10"), is_large=True),
            Case(years(2016, 2017, level="hs6", partners=("KOR", "JPN"), flows=("import",))),
            Case(years(2013, 2016, level="hs2", frequency="A"), has_key=False),
            Case(years(2015, 2015, level="hs6", products=("8703", "01"))),
            Case(years(2016, 2017, level="naics3", partners=("WLD", "DEU"))),
            Case(years(2016, 2018, level="total", partners=("KOR",))),
            Case(years(2017, 2017, level="end_use", flows=("export",))),
        )

    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        selection = case.selection
        systems = {"hs": "hs", "naics": "naics", "end_use": "enduse", "total": "hs"}
        digits = selection.level.lstrip("abcdefghijklmnopqrstuvwxyz_")
        system = systems[selection.level.removesuffix(digits)]
        prefix = {"hs": "HS", "naics": "NA", "enduse": "EU"}[system]
        levels = [f"{prefix}{digits}"] if digits else ["-"]
        if system == "enduse":
            levels = list(GOODS["enduse"])
        partners = [COUNTRIES[one][0] if one != "WLD" else WORLD_CODE for one in selection.partners]
        if not partners:
            # Groups of countries are asked for with all goods alone.
            partners = [one for one in NAMES if one not in GROUPS or selection.level == "total"]
        is_annual = selection.frequency == "A"
        asked = [
            month
            for month in months(f"{selection.first:%Y-%m}", f"{selection.last:%Y-%m}")
            if world.is_out(month) and (not is_annual or month.endswith("-12"))
        ]
        found = []
        for flow in (f"{one}s" for one in selection.flows):
            names = [f"{stem}_{'YR' if is_annual else 'MO'}" for stem in _VALUES[flow]]
            for level in levels:
                for code in GOODS[system][level]:
                    if selection.products and not code.startswith(selection.products):
                        continue
                    for month in asked:
                        place = (
                            int(month[:4]),
                            None if is_annual else int(month[5:]),
                            int(month[5:]),
                        )
                        for partner in partners:
                            for df in ("-", "1", "2") if flow == "exports" else ("-",):
                                record = (world, flow, system, code, partner, month, df)
                                for name in names:
                                    dollars = value(*record, name)
                                    if dollars is not None:
                                        key = (f"{flow}/{system}", level, code, df, partner)
                                        found.append((*key, *place, name, dollars))
        schema = {
            "endpoint": pl.String(),
            "comm_lvl": pl.String(),
            "commodity_code": pl.String(),
            "domestic_foreign": pl.String(),
            "cty_code": pl.String(),
            "year": pl.Int32(),
            "month": pl.Int32(),
            "last_month": pl.Int32(),
            "variable": pl.String(),
            "value_usd": pl.Decimal(20, 0),
        }
        api = {"us_census__trade_api": pl.DataFrame(found, schema=schema, orient="row")}
        return api | (_country_file_truth(world) if selection.level == "total" else {})


def _amount(
    world: World, flow: str, system: str, code: str, partner: str, month: str, origin: str
) -> int:
    """Dollars of one month; exports are domestic (1) or foreign (2), imports neither."""
    series = ("us_census", flow, system, code, partner, origin)
    if not world.is_out(month):
        return 0
    if code == "-" and partner in (WORLD_CODE, *GROUPS):
        # Many countries together trade goods in every month.
        return max(world.amount(*series, month) or 0, 1_000)
    # Whole years without trade too: a record stays through the rest of its year.
    if world.amount(*series, month[:4]) is None:
        return 0
    return world.amount(*series, month) or 0


def value(
    world: World, flow: str, system: str, code: str, partner: str, month: str, df: str, name: str
) -> int | None:
    """One variable of one record; none where the publisher has no such record.

    A record is there as soon as its year has had any trade: its month may then be 0.
    """
    if not world.is_out(month):
        return None
    origins = ("1", "2") if flow == "exports" and df == "-" else (df,)
    by_month = {
        one: sum(_amount(world, flow, system, code, partner, one, origin) for origin in origins)
        for one in months(f"{month[:4]}-01", month)
    }
    if not any(by_month.values()):
        return None
    stem, period = name[:-3], name[-2:]
    base = sum(by_month.values()) if period == "YR" else by_month[month]
    if stem == "CAL_DUT":
        return base // 50
    if stem == "DUT_VAL":
        return base // 4
    customs = base * 97 // 100 if stem.startswith("CON") else base
    charges = customs * 3 // 100
    return {"VAL": customs, "CHA": charges, "CIF": customs + charges}[stem[-3:]]


def _api_header(asked: Asked) -> list[str]:
    """What was asked for, then every predicate, named again where it was asked for too."""
    names = (asked.one("get") or "").split(",")
    predicates = dict.fromkeys(name for name, _ in asked.parameters if name not in ("get", "key"))
    return [*names, *predicates]


def _api_rows(asked: Asked, world: World) -> Iterator[Row]:
    flow, _, system = asked.path.removeprefix(_API).partition("/")
    if flow not in _VALUES or system not in GOODS:
        raise Wrong(Answer("text/html", html("404", "Not Found"), status=404))
    commodity = COMMODITY[system].format(flow[0].upper())
    described = {f"{commodity}_SDESC", f"{commodity}_LDESC"}
    figures = {f"{stem}_{end}" for stem in _VALUES[flow] for end in ("MO", "YR")}
    known = {commodity, *described, *figures, "CTY_CODE", "CTY_NAME", "COMM_LVL", "SUMMARY_LVL"}
    known |= {"time", "YEAR", "MONTH"} | ({"DF"} if flow == "exports" else set())
    header = _api_header(asked)
    for name in header:
        if name not in known:
            raise Wrong(Answer("text/plain", f"error: unknown variable '{name}'".encode(), 400))
    asked_partners = asked.all("CTY_CODE")
    summary = asked.one("SUMMARY_LVL")
    partners = [
        code
        for code in NAMES
        if (not asked_partners or code in asked_partners)
        and (summary is None or (summary == "CGP") == (code in GROUPS))
    ]
    levels = asked.all("COMM_LVL") or (list(GOODS[system]) if commodity in header else ["-"])
    patterns = asked.all(commodity)
    origins = ("-",)
    if "DF" in header:
        origins = tuple(asked.all("DF")) or ("1", "2")
    for month in _times(asked, world):
        for level in levels:
            for code in GOODS[system].get(level, ()):
                if patterns and not any(_matches(code, pattern) for pattern in patterns):
                    continue
                for partner in partners:
                    for df in origins:
                        cells = {
                            commodity: code,
                            "CTY_CODE": partner,
                            "CTY_NAME": NAMES[partner],
                            "COMM_LVL": level,
                            "SUMMARY_LVL": "CGP" if partner in GROUPS else "DET",
                            "DF": df,
                            "time": month,
                            "YEAR": month[:4],
                            "MONTH": month[5:],
                            **dict.fromkeys(described, f"GOODS {code}"),
                        }
                        amounts = {
                            name: value(world, flow, system, code, partner, month, df, name)
                            for name in header
                            if name in figures
                        }
                        if all(amount is None for amount in amounts.values()):
                            continue
                        cells |= {name: str(amount) for name, amount in amounts.items()}
                        yield tuple(cells[name] for name in header)


def _matches(code: str, pattern: str) -> bool:
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def _times(asked: Asked, world: World) -> list[str]:
    text = asked.one("time")
    if text is None:
        years, numbers = asked.all("YEAR"), asked.all("MONTH")
        return [
            month
            for year in years
            for month in months(f"{year}-01", f"{year}-12")
            if not numbers or month[5:] in numbers
        ]
    if found := re.fullmatch(r"from[ +](\S+)[ +]to[ +](\S+)", text):
        return [month for month in months(found[1], found[2]) if world.is_out(month)]
    return [month for month in asked.all("time") if world.is_out(month)]


def _country_file_header() -> tuple[str, ...]:
    flows = [f"{letter}{month}" for letter in "IE" for month in (*_MONTHS, "YR")]
    return ("year", "CTY_CODE", "CTYNAME", *flows)


def _millions(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)


def _tenths(world: World, flow: str, partner: str, year: int) -> list[int]:
    """The months of a year in tenths of a million; those that are not out are 0."""
    return [
        _amount(world, flow, "country_file", "-", partner, month, "-") // 1000
        for month in months(f"{year}-01", f"{year}-12")
    ]


def _country_file_rows(world: World) -> Iterator[Row]:
    for partner, name in NAMES.items():
        if partner != WORLD_CODE:
            for year in range(int(world.first[:4]), int(world.last[:4]) + 1):
                printed = [
                    _millions(one)
                    for flow in ("imports", "exports")
                    for tenths in [_tenths(world, flow, partner, year)]
                    for one in (*tenths, sum(tenths))
                ]
                yield (str(year), partner, name, *printed)


def _country_file_truth(world: World) -> dict[str, pl.DataFrame]:
    """Every month that is out, and each year as far as it is out."""
    found = []
    last_year, last_month = int(world.last[:4]), int(world.last[5:])
    for partner in NAMES:
        if partner == WORLD_CODE:
            continue
        for year in range(int(world.first[:4]), last_year + 1):
            through = last_month if year == last_year else 12
            for flow in ("import", "export"):
                tenths = _tenths(world, f"{flow}s", partner, year)
                cells = [*enumerate(tenths[:through], start=1), (None, sum(tenths))]
                for month, amount in cells:
                    musd = Decimal(amount).scaleb(-1)
                    found.append((partner, flow, year, month, month or through, musd))
    schema = {
        "cty_code": pl.String(),
        "flow": pl.String(),
        "year": pl.Int32(),
        "month": pl.Int32(),
        "last_month": pl.Int32(),
        "value_musd": pl.Decimal(18, 6),
    }
    return {"us_census__country_file": pl.DataFrame(found, schema=schema, orient="row")}


def workbook(rows: list[Row]) -> bytes:
    """A workbook of one sheet: codes and names as text, years and figures as numbers."""
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = []
        for place, text in enumerate(row):
            where = f"{_column(place)}{number}"
            is_number = number > 1 and place not in (1, 2)
            cells.append(
                f'<c r="{where}"><v>{float(text)!r}</v></c>'
                if is_number
                else f'<c r="{where}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            )
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.'
        'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="country" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}'
        "</sheetData></worksheet>",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            archive.writestr(entry, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return buffer.getvalue()


def _column(place: int) -> str:
    return chr(65 + place) if place < 26 else chr(64 + place // 26) + chr(65 + place % 26)
