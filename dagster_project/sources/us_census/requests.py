"""Plans the requests to the US Census Bureau and classifies its replies.

A selection of all goods fetches the country file, which has every partner and month since 1985 in
one request, and from the API what that file lacks: domestic and foreign exports, imports by concept
and valuation, charges and duty. Every other level is only in the API. Exports are requested in
total, domestic and foreign: the total is a published figure with its own row, not our sum.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import date
from math import ceil
from pathlib import Path

from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    KeyUse,
    Limits,
    Plan,
    Refused,
    Reply,
    ReplyResult,
    Request,
    Selection,
    SelectionError,
    SourceInfo,
    Terms,
    TryAgain,
    months_of,
)
from dagster_project.sources.parsing import closest, read_seed
from dagster_project.sources.snapshot import Covers, SnapshotError
from dagster_project.sources.us_census.country_file import (
    COUNTRY_FILE_LAYOUT,
    COUNTRY_FILE_TABLE,
    read_country_cells,
)
from dagster_project.sources.us_census.files import (
    ALL,
    API_LAYOUTS,
    PARTNER_COLUMNS,
    PARTNER_SEED,
    SOURCE,
    TRADE_API_TABLE,
    value_columns,
)
from dagster_project.sources.us_census.planning import (
    API_ADDRESS,
    JSON,
    LEVELS,
    Slice,
    plan_slice,
    time_predicate,
)

_KEY_ADDRESS = "https://api.census.gov/data/key_signup.html"
_FIRST_YEAR = 1985
_API_FIRST = date(2010, 1, 1)
_DIRECTIONS = {"export": "exports", "import": "imports"}
_PER_DAY = 500
_OVERLOADED = "There was an error while running your query"

_COUNTRY_FILE = Chunk(
    name="country.xlsx",
    table=COUNTRY_FILE_TABLE,
    layout=COUNTRY_FILE_LAYOUT,
    request=Request("https://www.census.gov/foreign-trade/balance/country.xlsx"),
    # The file has no bounds: rows that it no longer contains were withdrawn.
    covers=Covers({}, f"{_FIRST_YEAR}-01", "9999-12"),
    expected_rows=7_000,
)


class UsCensus(Connector):
    """See `Connector`."""

    about = SourceInfo(
        source_id=SOURCE,
        title="US Census Bureau: country file and International Trade API",
        gives="US goods trade with every partner: exports in total, domestic and foreign; general"
        " imports and imports for consumption at customs value and CIF, charges, calculated duty.",
        coverage="Months and years. All goods since 1985; by product since January 2010.",
        levels=tuple(LEVELS),
        hosts=("api.census.gov", "www.census.gov"),
        limits=Limits(per_second=2.0, per_day=_PER_DAY, per_day_with_key=None),
        key=KeyUse("query", "key", is_required=False, obtained_at=_KEY_ADDRESS),
        terms=Terms("US Government work in the public domain", is_redistributable=True),
        calendar="With FT-900, about the 5th of the month, for the month two earlier; the three"
        " prior years are restated each June.",
        verified=True,
        verified_against="API replies recorded from 2020 to 2026; country, end-use and seasonally"
        " adjusted files since 2017",
        by_year_from=_FIRST_YEAR,
        notes=(
            "Without a key about 500 requests a day are answered; the publisher may require one at"
            " any time.",
            "By product, only countries and the total of all are requested; groups of countries"
            " are available for all goods.",
            "End-use codes have one or five digits.",
        ),
    )

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """All goods with all countries by month: a few rows that show which months are
        published."""
        _check(selection, seeds)
        months = months_of(max(selection.first, _API_FIRST), selection.last)
        if not months:
            return ()
        direction = _DIRECTIONS[selection.flows[-1]]
        asked = Slice("total", direction, (ALL,), is_annual=False)
        parameters = (
            ("get", asked.variables[0]),
            ("time", time_predicate(months)),
            ("CTY_CODE", ALL),
        )
        name = f"survey_{direction}_{months[0]}_{months[-1]}.json"
        request = Request(API_ADDRESS + asked.layout.endpoint, parameters, accept=JSON)
        return (Chunk(name, TRADE_API_TABLE, asked.layout.name, request, None),)

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        found = []
        for content in filter(None, replies.values()):
            header, *rows = json.loads(content)
            months = sorted(row[header.index("time")] for row in rows)
            key = hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:16]
            found.append(Available(TRADE_API_TABLE, months[0], months[-1], release_key=key))
        return tuple(found)

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """The fewest requests for the selection; see the module docstring for level total."""
        _check(selection, seeds)
        partners = _codes_of(seeds, selection.partners)
        periods, notes = _periods(selection, known)
        chunks = [_COUNTRY_FILE] if selection.level == "total" else []
        fewest = len(chunks)
        for flow in selection.flows if periods else ():
            asked = Slice(
                selection.level,
                _DIRECTIONS[flow],
                partners,
                is_annual=selection.frequency == "A",
                products=selection.products,
            )
            planned, least = plan_slice(asked, periods)
            chunks += planned
            fewest += least
        if not has_key and len(chunks) > _PER_DAY:
            notes.append(
                f"{len(chunks)} requests take {ceil(len(chunks) / _PER_DAY)} days without a key;"
                f" with one there is no daily limit: {_KEY_ADDRESS}"
            )
        return Plan(SOURCE, selection, tuple(chunks), len(chunks), fewest, tuple(notes))

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        """Rows, nothing, refusal or temporary error; see `Connector.classify_reply`."""
        what = f"{SOURCE}: {chunk.request.stored_address}"
        if reply.status == 204:
            return ReplyResult(b"")
        text = reply.content[:4096].decode("utf-8", errors="replace").strip()
        came = f"HTTP {reply.status} with {' '.join(text.split())[:160]!r}"
        if _OVERLOADED in text:
            raise TryAgain(f"{what}: the publisher could not answer ({came}). Fetch again later.")
        # The publisher answers a bad or missing key with a page, not with a status.
        if text.startswith("<") and "key" in text.lower():
            raise Refused(
                f"{what}: a web page about the key instead of data ({came}). Check the key of"
                f" us_census, or get one at {_KEY_ADDRESS}."
            )
        if text.startswith("<"):
            raise TryAgain(
                f"{what}: a web page instead of data ({came}). Fetch again later; if it persists,"
                f" check the address, and the key of us_census ({_KEY_ADDRESS})."
            )
        if reply.status != 200:
            raise Refused(
                f"{what}: {came}. Correct the request; if the publisher has renamed a variable,"
                " update the layout of this source."
            )
        if not reply.content.strip():
            raise TryAgain(f"{what}: HTTP 200 without a body. Fetch again later.")
        if chunk.layout == COUNTRY_FILE_LAYOUT:
            return _classify_country_file(what, reply)
        if reply.content_type not in chunk.request.accept:
            raise TryAgain(
                f"{what}: {reply.content_type or 'no content type'} instead of"
                f" {' or '.join(chunk.request.accept)} ({came}). Fetch again later."
            )
        return _classify_rows(what, came, chunk, reply)


def _check(selection: Selection, seeds: Path) -> None:
    """Check that a selection can be served.

    Raises:
        SelectionError: another reporter, an unknown level, flow or product, a period before the
        first.
    """
    sources = read_seed(seeds, "source_list.csv")
    reporter = next(row["reporter_iso3"] for row in sources if row["source_id"] == SOURCE)
    if set(selection.reporters) - {reporter}:
        raise SelectionError(
            f"{SOURCE}: reports only the trade of {reporter}, not of"
            f" {', '.join(selection.reporters)}. Leave the reporter out, or give it as partner."
        )
    if selection.level not in LEVELS:
        raise SelectionError(
            f"{SOURCE}: no level {selection.level!r}; {closest(selection.level, LEVELS)}."
        )
    if not selection.flows or set(selection.flows) - set(_DIRECTIONS):
        raise SelectionError(
            f"{SOURCE}: flows are {' and '.join(_DIRECTIONS)}, not {selection.flows!r}."
        )
    longest = LEVELS[selection.level].longest_code
    for product in selection.products:
        if not (product.isdigit() and len(product) <= longest):
            raise SelectionError(
                f"{SOURCE}: {product!r} is not a code of {selection.level}, nor the beginning of"
                " one:" + (f" write up to {longest} digits." if longest else " leave products out.")
            )
    since = _API_FIRST if selection.level != "total" else date(_FIRST_YEAR, 1, 1)
    if selection.last < max(since, selection.first):
        raise SelectionError(
            f"{SOURCE}: {selection.level} begins in {since:%Y-%m}; requested are"
            f" {selection.first:%Y-%m} to {selection.last:%Y-%m}."
        )


def _codes_of(seeds: Path, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The publisher's codes of these partners of the warehouse, in the seed's order.

    Raises:
        SelectionError: a partner that the publisher has no code for.
    """
    partners = {
        row["census_code"]: row["partner_code"]
        for row in read_seed(seeds, PARTNER_SEED, *PARTNER_COLUMNS)
        if row["partner_list"] in ("all", "API")
    }
    known = set(partners.values())
    for code in asked:
        if code not in known:
            raise SelectionError(
                f"{SOURCE}: no partner {code!r}; {closest(code, known)}. Partners are ISO 3166"
                f" alpha-3 codes, WLD for the world; {PARTNER_SEED} lists them."
            )
    return tuple(code for code, partner in partners.items() if partner in asked)


def _periods(selection: Selection, known: tuple[Available, ...]) -> tuple[list[str], list[str]]:
    """The months or years to request from the API, and notes for the user.

    Raises:
        SelectionError: none of the requested periods is published yet.
    """
    is_total = selection.level == "total"
    notes = []
    if selection.first < _API_FIRST:
        rest = "; the country file goes back to 1985" if is_total else ""
        notes.append(f"The API begins in {_API_FIRST:%Y-%m}{rest}.")
    months = months_of(max(selection.first, _API_FIRST), selection.last)
    if known and months:
        last = max(one.last for one in known)
        months = [month for month in months if month <= last]
        if not months and not is_total:
            raise SelectionError(f"{SOURCE}: the last published month is {last}.")
    if selection.frequency == "M":
        return months, notes
    years = [month[:4] for month in months if month.endswith("-12")]
    if not years and not is_total:
        raise SelectionError(
            f"{SOURCE}: a year is published with its December; select months of"
            f" {selection.last:%Y} instead."
        )
    if months and not months[-1].endswith("-12"):
        notes.append(f"{months[-1][:4]} is not complete and left out.")
    return years, notes


def _classify_country_file(what: str, reply: Reply) -> ReplyResult:
    if reply.content.startswith(b"PK") and not zipfile.is_zipfile(io.BytesIO(reply.content)):
        raise TryAgain(f"{what}: the workbook is truncated. Fetch again later.")
    try:
        read_country_cells(reply.content, what)
    except SnapshotError as error:
        raise Refused(
            f"{error} The layout of the country file has changed; update the layout of this source."
        ) from error
    return ReplyResult(reply.content)


def _classify_rows(what: str, came: str, chunk: Chunk, reply: Reply) -> ReplyResult:
    try:
        rows = json.loads(reply.content)
    except ValueError as error:
        if reply.content.lstrip().startswith(b"["):
            raise TryAgain(f"{what}: the rows are truncated ({error}). Fetch again.") from error
        raise Refused(f"{what}: {came}, which is not JSON. Correct the request.") from error
    if not (isinstance(rows, list) and rows and all(isinstance(row, list) for row in rows)):
        raise Refused(f"{what}: {came} instead of rows. Correct the request.")
    header = [str(column) for column in rows[0]]
    # Predicates are appended as columns.
    requested = dict.fromkeys(
        column
        for name, value in chunk.request.parameters
        for column in (value.split(",") if name == "get" else [name])
    )
    missing = [column for column in requested if column not in header]
    if missing:
        raise Refused(
            f"{what}: the reply has no column {', '.join(missing)}, only {', '.join(header)}."
            " If the publisher has renamed it, update the layout of this source."
        )
    try:
        value_columns(header, what, API_LAYOUTS[chunk.layout])
    except SnapshotError as error:
        raise Refused(str(error)) from error
    return ReplyResult(reply.content if len(rows) > 1 else b"")
