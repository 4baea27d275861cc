"""One call to UN Comtrade: its address, parameters and the part of the table it covers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from dagster_project.sources.connector import Chunk, Request, Selection
from dagster_project.sources.snapshot import Covers
from dagster_project.sources.un_comtrade import replies
from dagster_project.sources.un_comtrade.areas import WORLD_CODE

SOURCE_ID = "un_comtrade"
HOST = "comtradeapi.un.org"
_GET = f"https://{HOST}/data/v1/get"
_PREVIEW = f"https://{HOST}/public/v1/preview"
METADATA = f"https://{HOST}/data/v1/getMetadata"
AVAILABLE = f"https://{HOST}/public/v1/getDa"
_TRADE, _REPORTING = "un_comtrade__trade", "un_comtrade__reporting"
_JSON = ("application/json",)

# The publisher allows 250,000 rows per call, one of its clients 100,000: the lower of the two.
ROWS_A_CALL = 100_000
ROWS_WITHOUT_KEY = 500
PERIODS_A_CALL = 12

# Codes by level; numbers of codes are those of the Harmonized System, rounded up.
LEVELS: Mapping[str, str] = {"total": "TOTAL", "hs2": "AG2", "hs4": "AG4", "hs6": "AG6"}
EDITIONS = ("HS", "H0", "H1", "H2", "H3", "H4", "H5", "H6")


@dataclass(frozen=True)
class Ask:
    """One call for rows: lists of codes; an empty list requests all."""

    has_key: bool
    frequency: str
    periods: tuple[str, ...]
    reporters: tuple[str, ...]
    flows: tuple[str, ...]
    products: tuple[str, ...]
    partners: tuple[str, ...]

    @property
    def rows_a_call(self) -> int:
        return ROWS_A_CALL if self.has_key else ROWS_WITHOUT_KEY


def trade_chunk(ask: Ask, expected_rows: int) -> Chunk:
    parameters = [
        ("reporterCode", ",".join(ask.reporters)),
        ("period", ",".join(ask.periods)),
        ("flowCode", ",".join(ask.flows)),
        ("cmdCode", ",".join(ask.products)),
        *([("partnerCode", ",".join(ask.partners))] if ask.partners else []),
        # Without these three a row is repeated for each of its parts.
        ("partner2Code", WORLD_CODE),
        ("customsCode", "C00"),
        ("motCode", "0"),
        ("maxRecords", str(ask.rows_a_call)),
        ("includeDesc", "false"),
    ]
    base = _GET if ask.has_key else _PREVIEW
    parts = (ask.reporters, ask.periods, ask.flows, ask.products, ask.partners)
    return Chunk(
        name=f"{ask.frequency}_{'_'.join(_label(part) for part in parts)}"
        f"{'' if ask.has_key else '_preview'}.json",
        table=_TRADE,
        layout=replies.LAYOUT,
        request=Request(f"{base}/C/{ask.frequency}/HS", tuple(parameters), accept=_JSON),
        covers=_covers(ask),
        expected_rows=expected_rows,
        datasets=_datasets(ask.frequency, ask.reporters, ask.periods),
    )


def dataset_name(frequency: str, reporter: str, period: str) -> str:
    return f"C-{frequency}-HS-{reporter}-{period}"


def _datasets(
    frequency: str, reporters: tuple[str, ...], periods: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(dataset_name(frequency, one, period) for one in reporters for period in periods)


def _covers(ask: Ask) -> Covers:
    levels = {code: str(_level_of(code)) for code in ask.products}
    is_whole_level = ask.products[0] in LEVELS.values()
    equal = {
        "type_code": ("C",),
        "freq_code": (ask.frequency,),
        "period": ask.periods,
        "reporter_code": ask.reporters,
        "flow_code": ask.flows,
        "classification_code": EDITIONS,
        "aggr_level": tuple(dict.fromkeys(levels.values())),
        "partner2_code": (WORLD_CODE,),
        "customs_code": ("C00",),
        "mot_code": ("0",),
    }
    if ask.partners:
        equal["partner_code"] = ask.partners
    if not is_whole_level:
        equal["cmd_code"] = ask.products
    return Covers(equal, month_of(ask.periods[0], 1), month_of(ask.periods[-1], 12))


def _level_of(code: str) -> int:
    if code == LEVELS["total"]:
        return 0
    return int(code.removeprefix("AG")) if code in LEVELS.values() else len(code)


def month_of(period: str, of_year: int) -> str:
    """The month of a period; for a year the month that represents it, `of_year`."""
    return f"{period[:4]}-{period[4:] or f'{of_year:02d}'}"


def listing_chunk(
    base: str,
    kind: str,
    layout: str,
    selection: Selection,
    reporters: tuple[str, ...],
    periods: tuple[str, ...],
) -> Chunk:
    """A call for a list of datasets or of their metadata."""
    frequency = selection.frequency
    equal = {
        "type_code": ("C",),
        "freq_code": (frequency,),
        "period": periods,
        "reporter_code": reporters,
    }
    return Chunk(
        name=f"{kind}_{frequency}_{_label(reporters)}_{_label(periods)}.json",
        table=_REPORTING,
        layout=layout,
        request=Request(
            f"{base}/C/{frequency}/HS",
            (("reporterCode", ",".join(reporters)), ("period", ",".join(periods))),
            accept=_JSON,
        ),
        covers=Covers(equal, month_of(periods[0], 1), month_of(periods[-1], 12)),
        expected_rows=len(reporters) * len(periods),
        datasets=_datasets(frequency, reporters, periods),
    )


def _label(values: tuple[str, ...]) -> str:
    """A list in a file name: as is where short, else its ends and a digest."""
    if not values:
        return "all"
    if len(values) <= 3:
        return ".".join(values)
    digest = hashlib.sha256(",".join(values).encode()).hexdigest()[:8]
    return f"{values[0]}-{values[-1]}.{len(values)}.{digest}"


def ask_of(request: Request) -> Ask:
    """The call that a request makes, parsed from the request."""
    given = {name: tuple(text.split(",")) for name, text in request.parameters}
    return Ask(
        has_key=request.address.startswith(f"{_GET}/"),
        frequency=request.address.split("/")[-2],
        periods=given["period"],
        reporters=given["reporterCode"],
        flows=given["flowCode"],
        products=given["cmdCode"],
        partners=given.get("partnerCode", ()),
    )


def balanced(values: tuple[str, ...], groups: int) -> list[tuple[str, ...]]:
    """Consecutive values in groups of nearly equal size."""
    size, longer = divmod(len(values), groups)
    result, start = [], 0
    for number in range(groups):
        end = start + size + (number < longer)
        result.append(values[start:end])
        start = end
    return result


def grouped(values: tuple[str, ...], most: int) -> list[tuple[str, ...]]:
    return balanced(values, math.ceil(len(values) / most))
