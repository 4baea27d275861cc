"""UN Comtrade v1, replayed: rows, previews, availability, metadata and bulk files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal

import polars as pl
from fetch.publishers.publisher import (
    Answer,
    Asked,
    Case,
    KeyPlace,
    Publisher,
    Row,
    Wrong,
    years,
)
from fetch.publishers.world import World

# Area code → ISO alpha-3 and name, as the publisher prints them.
AREAS = {
    "0": ("W00", "World"),
    "842": ("USA", "USA"),
    "410": ("KOR", "Rep. of Korea"),
    "392": ("JPN", "Japan"),
    "156": ("CHN", "China"),
    "276": ("DEU", "Germany"),
    "484": ("MEX", "Mexico"),
    "490": ("S19", "Other Asia, nes"),
    "899": ("_X ", "Areas, nes"),
}
REPORTERS = ("842", "410", "392", "156", "276", "484")
GOODS = {
    "TOTAL": ("TOTAL",),
    "AG2": ("01", "27", "87"),
    "AG4": ("0101", "2710", "8703"),
    "AG6": ("010121", "271012", "870323"),
}
FLOWS = {"X": "Export", "M": "Import", "RX": "Re-export", "RM": "Re-import"}
_DIGITS = {"TOTAL": 0, "AG2": 2, "AG4": 4, "AG6": 6}
_LEVEL = {code: _DIGITS[group] for group, codes in GOODS.items() for code in codes}
_GET = "/data/v1/get/"
_PREVIEW = "/public/v1/preview/"
_AVAILABLE = ("/data/v1/getDa/", "/public/v1/getDa/")
_METADATA = ("/data/v1/getMetadata/", "/public/v1/getMetadata/")
_BULK_LIST = "/bulk/v1/get/"
_BULK_FILE = "/bulk/v1/file/"
_BULK_HEADER = (
    "dataset_code type_code freq_code ref_period_id ref_year ref_month period reporter_code"
    " flow_code partner_code partner2code classification_search_code classification_code"
    " is_original_classification cmd_code customs_code mos_code mot_code qty_unit_code qty"
    " is_qty_estimated alt_qty_unit_code alt_qty is_alt_qty_estimated net_wgt"
    " is_net_wgt_estimated gross_wgt is_gross_wgt_estimated cifvalue fobvalue primary_value"
    " legacy_estimation_flag is_reported is_aggregate"
)
_PREVIEW_ROWS = 500
_MOST_ROWS = 100_000
_MOST_PERIODS = 12


class UnComtrade(Publisher):
    source_id = "un_comtrade"
    paths = ("/data/v1/", "/public/v1/", "/bulk/v1/", "/files/v1/")
    # Whether it is required, the address says: previews and lists of what is there are free.
    key_place = KeyPlace("header", "Ocp-Apim-Subscription-Key", is_required=False)

    def key_of(self, asked: Asked) -> str | None:
        return super().key_of(asked) or asked.one("subscription-key")

    def identity(self, asked: Asked) -> str:
        kept = tuple(pair for pair in asked.parameters if pair[0] != "subscription-key")
        return f"{asked.method} {asked.path} {kept}"

    def rows(self, asked: Asked, world: World) -> list[Row]:
        if asked.path.startswith(_AVAILABLE):
            return list(_available(asked, world))
        if asked.path.startswith(_METADATA):
            return list(_metadata(asked, world))
        if asked.path.startswith((_BULK_LIST, _BULK_FILE)) and self.key_of(asked) is None:
            raise Wrong(_message(401, "Access denied due to missing subscription key."))
        if asked.path.startswith(_BULK_LIST):
            return list(_bulk_list(asked, world))
        if asked.path.startswith(_BULK_FILE):
            return list(_bulk_file(asked, world))
        if asked.path.startswith((_GET, _PREVIEW)):
            return list(_trade(asked, world))
        raise Wrong(_message(404, "Resource not found"))

    def render(self, asked: Asked, rows: list[Row], world: World, *, is_changed: bool) -> Answer:
        if asked.path.startswith(_BULK_FILE):
            return _packed(rows, is_changed=is_changed)
        if asked.path.startswith(_PREVIEW):
            rows = rows[:_PREVIEW_ROWS]
        data: list[object] = []
        for row in rows:
            record = json.loads(row[0])
            if is_changed:
                record = {
                    f"{name}X" if name == "primaryValue" else name: value
                    for name, value in record.items()
                }
                record.pop("totalRecords", None)
            data.append(record)
        # Another time each time: a reply that says the same never has the same bytes.
        envelope = {
            "elapsedTime": f"0.{asked.turn % 90 + 10} secs",
            "count": len(data),
            "data": data,
            "error": "",
        }
        return Answer("application/json; charset=utf-8", json.dumps(envelope).encode())

    def overload(self, asked: Asked) -> Answer:
        envelope = {"elapsedTime": "30.0 secs", "count": 0, "data": [], "error": "Query timed out"}
        return Answer("application/json", json.dumps(envelope).encode())

    def unknown(self, asked: Asked) -> Answer:
        text = "Invalid parameter: cmdCode"
        envelope = {"elapsedTime": "0.01 secs", "count": 0, "data": [], "error": text}
        return Answer("application/json", json.dumps(envelope).encode(), status=400)

    def bad_key(self, asked: Asked) -> Answer:
        return _message(
            401,
            "Access denied due to invalid subscription key. Make sure to provide a valid key for"
            " an active subscription.",
        )

    def cases(self) -> tuple[Case, ...]:
        reporters = ("USA", "KOR", "JPN", "CHN", "DEU", "MEX")
        return (
            Case(years(2010, 2017, reporters=reporters, level="hs6", frequency="A"), is_large=True),
            Case(years(2014, 2015, reporters=("USA",), partners=("KOR", "JPN"), level="hs6")),
            Case(years(2016, 2017, reporters=("KOR",), level="hs2"), has_key=False),
            Case(years(2013, 2017, reporters=reporters, partners=("WLD",), frequency="A")),
            Case(
                years(2012, 2017, reporters=("DEU",), level="hs4", products=("8703",)),
                has_key=False,
            ),
            Case(years(2016, 2017, reporters=("USA", "KOR"), level="all", frequency="A")),
        )

    def truth(self, case: Case, world: World) -> dict[str, pl.DataFrame]:
        selection = case.selection
        by_iso = {iso: code for code, (iso, _) in AREAS.items()} | {"WLD": "0"}
        periods = [
            f"{year}{month}"
            for year in range(selection.first.year, selection.last.year + 1)
            for month in (
                [""] if selection.frequency == "A" else [f"{one:02d}" for one in range(1, 13)]
            )
            if world.is_out(_last_month(f"{year}{month}"))
        ]
        flows = {"export": ("X", "RX"), "import": ("M",)}
        if selection.level == "all":
            goods = tuple(code for codes in GOODS.values() for code in codes)
            flows = {"export": ("X", "RX"), "import": ("M", "RM")}
        else:
            goods = GOODS["TOTAL" if selection.level == "total" else f"AG{selection.level[2:]}"]
        reporters = [by_iso[iso] for iso in selection.reporters]
        partners = [by_iso[iso] for iso in selection.partners] or list(AREAS)
        found = [
            (
                *(selection.frequency, period, reporter, flow, partner, code),
                *(
                    None if row[name] is None else Decimal(str(row[name]))
                    for name in ("cifvalue", "fobvalue", "primaryValue")
                ),
            )
            for period in periods
            for reporter in reporters
            for flow in (one for direction in selection.flows for one in flows[direction])
            for partner in partners
            for code in goods
            if not selection.products or code in selection.products
            for row in [record(world, selection.frequency, period, reporter, flow, partner, code)]
            if row is not None
        ]
        texts = ("freq_code", "period", "reporter_code", "flow_code", "partner_code", "cmd_code")
        money = ("cif_value", "fob_value", "primary_value")
        table, digits = (
            ("un_comtrade__bulk", 18) if selection.level == "all" else ("un_comtrade__trade", 20)
        )
        schema = dict.fromkeys(texts, pl.String()) | dict.fromkeys(money, pl.Decimal(digits, 3))
        truth = {table: pl.DataFrame(found, schema=schema, orient="row")}
        if not case.has_key:
            return truth
        words = ("freq_code", "period", "reporter_code", "trade_system", "import_valuation")
        reported = [
            (selection.frequency, period, reporter, system.lower(), "cif", "fob")
            for period in periods
            for reporter in reporters
            for system in [_trade_system(reporter)]
        ]
        schema = dict.fromkeys((*words, "export_valuation"), pl.String())
        return truth | {
            "un_comtrade__reporting": pl.DataFrame(reported, schema=schema, orient="row")
        }


def _trade_system(reporter: str) -> str:
    return "General" if reporter == "842" else "Special"


def record(
    world: World, freq: str, period: str, reporter: str, flow: str, partner: str, goods: str
) -> dict[str, object] | None:
    """One row, all 47 fields; none where nothing was reported."""
    amount = world.amount("un_comtrade", freq, period, reporter, flow, partner, goods)
    if amount is None or reporter == partner or not world.is_out(_last_month(period)):
        return None
    primary = amount + 0.25 * (amount % 4)
    is_import = flow in ("M", "RM")
    fob = 0.0 if is_import and reporter == "842" else round(primary * 0.96, 2)
    level = _LEVEL[goods]
    values: dict[str, object] = {
        "typeCode": "C",
        "freqCode": freq,
        "refPeriodId": int(f"{period:0<6}01" if freq == "M" else f"{period}0101"),
        "refYear": int(period[:4]),
        "refMonth": int(period[4:]) if freq == "M" else 52,
        "period": period,
        "reporterCode": int(reporter),
        "reporterISO": AREAS[reporter][0],
        "reporterDesc": AREAS[reporter][1],
        "flowCode": flow,
        "flowDesc": FLOWS[flow],
        "partnerCode": int(partner),
        "partnerISO": AREAS[partner][0],
        "partnerDesc": AREAS[partner][1],
        "partner2Code": 0,
        "partner2ISO": "W00",
        "partner2Desc": "World",
        "classificationCode": "H4",
        "classificationSearchCode": "HS",
        "isOriginalClassification": True,
        "cmdCode": goods,
        "cmdDesc": f"Goods {goods}",
        "aggrLevel": level,
        "isLeaf": level == 6,
        "customsCode": "C00",
        "customsDesc": "TOTAL CPC",
        "mosCode": "0 ",
        "motCode": 0,
        "motDesc": "TOTAL MOT",
        "qtyUnitCode": -1,
        "qtyUnitAbbr": "N/A",
        "qty": 0.0,
        "isQtyEstimated": False,
        "altQtyUnitCode": -1,
        "altQtyUnitAbbr": "N/A",
        "altQty": 0.0,
        "isAltQtyEstimated": False,
        "netWgt": 0.0,
        "isNetWgtEstimated": False,
        "grossWgt": 0.0,
        "isGrossWgtEstimated": False,
        "cifvalue": primary if is_import else None,
        "fobvalue": fob if is_import else primary,
        "primaryValue": primary,
        "legacyEstimationFlag": 0,
        "isReported": level == 6,
        "isAggregate": level < 6,
    }
    return values


def _last_month(period: str) -> str:
    return f"{period[:4]}-{period[4:] or '12'}"


def _codes(asked: Asked, name: str, everything: Iterator[str] | tuple[str, ...]) -> list[str]:
    listed = asked.listed(name)
    if listed is None or listed == ["all"]:
        return list(everything)
    return [code for code in everything if code in listed]


def _scope(asked: Asked) -> tuple[str, str, str]:
    """Type, frequency and classification of a path such as …/get/C/A/HS."""
    parts = asked.path.rstrip("/").split("/")[-3:]
    if parts[0] not in ("C", "S") or parts[1] not in ("A", "M"):
        raise Wrong(_message(404, "Resource not found"))
    return parts[0], parts[1], parts[2]


def _periods(asked: Asked, freq: str, world: World) -> list[str]:
    listed = asked.listed("period")
    if listed is None:
        years = range(int(world.first[:4]), int(world.last[:4]) + 1)
        return [
            period
            for year in years
            for period in ([str(year)] if freq == "A" else [f"{year}{m:02d}" for m in range(1, 13)])
        ]
    if len(listed) > _MOST_PERIODS:
        raise Wrong(_message(400, "The number of periods exceeds 12"))
    return listed


def _goods(asked: Asked) -> list[str]:
    listed = asked.listed("cmdCode") or ["TOTAL"]
    chosen: list[str] = []
    for word in listed:
        if word in GOODS:
            chosen += GOODS[word]
        elif any(word in codes for codes in GOODS.values()):
            chosen.append(word)
    return list(dict.fromkeys(chosen))


def _trade(asked: Asked, world: World) -> Iterator[Row]:
    _, freq, _ = _scope(asked)
    limit = int(asked.one("maxRecords") or _MOST_ROWS)
    # Whoever leaves one of the constants out gets each row again by what it divides.
    copies = 1
    for name, constant in (("partner2Code", "0"), ("customsCode", "C00"), ("motCode", "0")):
        copies *= 1 if asked.one(name) == constant else 2
    found = 0
    for period in _periods(asked, freq, world):
        for reporter in _codes(asked, "reporterCode", REPORTERS):
            for flow in _codes(asked, "flowCode", tuple(FLOWS)):
                for partner in _codes(asked, "partnerCode", tuple(AREAS)):
                    for goods in _goods(asked):
                        row = record(world, freq, period, reporter, flow, partner, goods)
                        if row is None:
                            continue
                        for copy in range(copies):
                            if found == min(limit, _MOST_ROWS):
                                return
                            found += 1
                            yield (json.dumps(row | ({"motCode": 1000 * copy} if copy else {})),)


def _datasets(asked: Asked, world: World) -> Iterator[tuple[str, str, str, int]]:
    """Frequency, period, reporter and number of rows of each dataset that is there."""
    _, freq, _ = _scope(asked)
    for period in _periods(asked, freq, world):
        if world.is_out(_last_month(period)):
            for reporter in _codes(asked, "reporterCode", REPORTERS):
                # Years as large as real ones, months understated: calls turn out too long.
                yield freq, period, reporter, 900_000 if freq == "A" else 50


def _available(asked: Asked, world: World) -> Iterator[Row]:
    for freq, period, reporter, count in _datasets(asked, world):
        yield (
            json.dumps(
                {
                    "datasetCode": int(f"2{reporter:0>3}{period}"),
                    "typeCode": "C",
                    "freqCode": freq,
                    "period": int(period),
                    "reporterCode": int(reporter),
                    "reporterISO": AREAS[reporter][0],
                    "reporterDesc": AREAS[reporter][1],
                    "classificationCode": "H4",
                    "classificationSearchCode": "HS",
                    "isOriginalClassification": True,
                    "totalRecords": count,
                    "datasetChecksum": world.draw("checksum", str(world.edition), period),
                    "firstReleased": "2019-01-01T00:00:00",
                    "lastReleased": f"2020-01-{1 + world.edition:02d}T00:00:00",
                }
            ),
        )


def _metadata(asked: Asked, world: World) -> Iterator[Row]:
    for freq, period, reporter, _ in _datasets(asked, world):
        yield (
            json.dumps(
                {
                    "typeCode": "C",
                    "freqCode": freq,
                    "period": period,
                    "reporterCode": int(reporter),
                    "reporterISO": AREAS[reporter][0],
                    "tradeSystem": _trade_system(reporter),
                    "importValuation": "CIF",
                    "exportValuation": "FOB",
                }
            ),
        )


def _bulk_list(asked: Asked, world: World) -> Iterator[Row]:
    published = f"2020-01-{1 + world.edition:02d}T09:00:00Z"
    for freq, period, reporter, _ in _datasets(asked, world):
        # The name of a file says nothing to whoever has not got it from the list.
        name = f"{freq}{period}".encode().hex()
        yield (
            json.dumps(
                {
                    "fileUrl": f"https://comtradeapi.un.org{_BULK_FILE}{reporter}/{name}",
                    "fileSize": "183.34 KB",
                    "isOriginalClassification": True,
                    "reporterCode": int(reporter),
                    "freqCode": freq,
                    "typeCode": "C",
                    "classificationCode": "H4",
                    "refPeriodId": int(f"{period:0<6}01"),
                    "period": int(period),
                    "publicationDate": published,
                    "partitionKey": reporter,
                    "rowKey": name,
                    "timestamp": published,
                    "eTag": f"W/\"datetime'{published}'\"",
                }
            ),
        )


def _bulk_file(asked: Asked, world: World) -> Iterator[Row]:
    """Everything one country reported of a period: every level, and what is hardly asked for."""
    reporter, name = asked.path.removeprefix(_BULK_FILE).split("/")
    dataset = bytes.fromhex(name).decode()
    freq, period = dataset[:1], dataset[1:]
    for flow in FLOWS:
        for partner in AREAS:
            for goods in (code for codes in GOODS.values() for code in codes):
                row = record(world, freq, period, reporter, flow, partner, goods)
                if row is not None:
                    plain = {one.lower(): value for one, value in row.items()}
                    plain["datasetcode"] = f"2{reporter:0>3}{period}"
                    values = [plain[column.replace("_", "")] for column in _BULK_HEADER.split()]
                    yield tuple("" if one is None else _cell(one) for one in values)


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _packed(rows: list[Row], *, is_changed: bool) -> Answer:
    header = _BULK_HEADER.replace(
        "primary_value", "primary_value_x" if is_changed else "primary_value"
    )
    text = "".join("\t".join(row) + "\n" for row in (header.split(), *rows))
    # The head of a packed file has no time in it: the same rows are the same bytes.
    return Answer(
        "application/TSV",
        gzip.compress(text.encode(), mtime=0),
        headers=(("Content-Disposition", "attachment; filename=C_A.txt.gz"),),
    )


def _message(status: int, text: str) -> Answer:
    body = json.dumps({"statusCode": status, "message": text}).encode()
    return Answer("application/json", body, status=status)
