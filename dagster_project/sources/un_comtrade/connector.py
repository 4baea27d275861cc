"""Connector for UN Comtrade: data by reporters, partners, levels and periods.

A single level is requested in calls, which any key may make and which return the rows of that
level; their figures are observations. Level `all` is requested in bulk files, one per reporter and
period: one large request instead of many, for keys with access. Bulk files are whole reports, to be
reconciled with those of the partners. They are served as `application/TSV` from the publisher's own
host, as gzip; which keys give access is known from documentation only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from dagster_project.sources.connector import (
    Available,
    Chunk,
    Connector,
    KeyUse,
    Limits,
    Plan,
    Reply,
    ReplyResult,
    Request,
    Selection,
    SelectionError,
    SourceInfo,
    Terms,
)
from dagster_project.sources.parsing import closest, read_seed
from dagster_project.sources.un_comtrade import replies
from dagster_project.sources.un_comtrade.planning import (
    EDITIONS,
    HOST,
    LEVELS,
    PERIODS_A_CALL,
    ROWS_A_CALL,
    ROWS_WITHOUT_KEY,
    SOURCE_ID,
    Ask,
    covers_of,
    expected_rows,
    fewest_calls,
    listing_chunks,
    packed,
    trade_chunk,
    without_unchanged,
)
from dagster_project.sources.un_comtrade.replies import KEY_ADDRESS, available, classify_reply
from dagster_project.sources.un_comtrade.trade import (
    AREA_SEED,
    COUNTRY_SEED,
    FLOW_SEED,
    WORLD,
    Areas,
    read_areas,
)

BULK_LEVEL = "all"
BULK_TABLE = "un_comtrade__bulk"
# Address, name and layout of the lists.
_METADATA = (f"https://{HOST}/data/v1/getMetadata", "metadata", replies.METADATA_LAYOUT)
_AVAILABLE = (f"https://{HOST}/public/v1/getDa", "available", replies.AVAILABILITY_LAYOUT)
_FILES = (f"https://{HOST}/bulk/v1/get", replies.LIST_KIND, replies.LIST_LAYOUT)
_FILE_TYPES = ("application/tsv", "application/gzip", "application/octet-stream")
_FILE_KEY_HINT = (
    "Not every key gives access to bulk files; --level hs6 requests the products without them."
)
_FIRST_YEAR = 1962
# How many missing items are named.
_SHOWN = 5
_CODE_LENGTH: Mapping[str, int] = {"hs2": 2, "hs4": 4, "hs6": 6}


class UnComtradeConnector(Connector):
    about = SourceInfo(
        source_id=SOURCE_ID,
        title="UN Comtrade",
        gives="Goods trade of each country with each partner, as reported to the United"
        " Nations: exports FOB, imports mostly CIF, re-exports separately.",
        coverage="About 200 reporters, by year from 1962 and by month from 2010, a year or two"
        " late.",
        levels=(*LEVELS, BULK_LEVEL),
        hosts=(HOST,),
        limits=Limits(per_second=1.0, per_day=500, per_day_with_key=500),
        key=KeyUse(
            place="header",
            name="Ocp-Apim-Subscription-Key",
            is_required=False,
            obtained_at=KEY_ADDRESS,
        ),
        terms=Terms(
            licence="UN Comtrade terms of use: rows may not be republished; figures may be cited",
            is_redistributable=False,
        ),
        calendar="Continuously, as countries report.",
        verified=True,
        verified_against="recorded calls, metadata, bulk list, downloads; no availability list",
        by_year_from=_FIRST_YEAR,
        seeds=(COUNTRY_SEED, AREA_SEED, FLOW_SEED),
        notes=(
            f"Without a key a call returns {ROWS_WITHOUT_KEY} rows and no metadata; with one"
            f" {ROWS_A_CALL:,}.",
            f"Level {BULK_LEVEL} is the publisher's bulk file of a reporter and period, with every"
            " level, partner and flow, to reconcile the reports of both sides; it needs a key with"
            " access to these files.",
            "Total exports include re-exports, which are also requested separately.",
        ),
    )

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        """Requests for the lists of datasets, which need no key, or of bulk files.

        Raises:
            SelectionError: see `plan`.
        """
        reporters = _reporter_codes(selection, read_areas(seeds))
        codes = tuple(code for group in reporters.values() for code in group)
        if selection.level == BULK_LEVEL:
            _check_whole_files(selection)
            return listing_chunks(*_FILES, selection, codes, _periods(selection), _FILE_KEY_HINT)
        return listing_chunks(*_AVAILABLE, selection, codes, _periods(selection))

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        return available(replies)

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        """Calls for rectangles of reporters, periods and partners, packed to the row limit.

        Raises:
            SelectionError: no such reporter, partner, level or period, or a selection in which a
            single partner and year exceeds a call.
        """
        areas = read_areas(seeds)
        reporters = _reporter_codes(selection, areas)
        periods = _periods(selection)
        if selection.level == BULK_LEVEL:
            _directions(selection, seeds)
            return _plan_files(selection, reporters, periods, known, has_key=has_key)
        partners = tuple(
            code
            for name in dict.fromkeys(selection.partners)
            for code in _known(name, areas.codes_of, "partner")
        )
        products = _products(selection)
        directions = _directions(selection, seeds)
        notes = []
        rows = expected_rows(selection, reporters, periods, known)
        if known:
            missing = sorted(name for name, held in rows.items() if not held)
            rows = without_unchanged(selection, reporters, rows, known)
            periods = tuple(
                period for period in periods if any(period in held for held in rows.values())
            )
            if missing:
                notes.append(f"Nothing is available for {', '.join(missing)} in these periods.")
        if not has_key:
            notes.append(
                f"Without a key a call returns {ROWS_WITHOUT_KEY} rows, and does not say on which"
                f" trade system and valuation a country reported: the usual ones are assumed."
                f" Keys are issued at {KEY_ADDRESS}."
            )
        if not partners and selection.level != "total":
            # Named partners can be divided among calls, before and after a reply is too long.
            partners = areas.partner_codes
            if rows:
                notes.append(
                    f"All {len(partners)} partners the publisher lists are requested by code."
                )
        whole = Ask(
            has_key,
            selection.frequency,
            periods,
            tuple(code for name in rows for code in reporters[name]),
            tuple(code for codes in directions for code in codes),
            products,
            partners,
        )
        asks = packed(whole, directions, reporters, rows, areas.partner_codes) if rows else []
        chunks = [trade_chunk(ask, expected) for ask, expected in asks]
        fewest = fewest_calls(whole, rows)
        if has_key and rows:
            listings = listing_chunks(*_METADATA, selection, whole.reporters, periods)
            chunks += listings
            fewest += len(listings)
        return Plan(
            source_id=SOURCE_ID,
            selection=selection,
            chunks=tuple(chunks),
            expected_requests=len(chunks),
            fewest=fewest,
            notes=tuple(notes),
        )

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        return classify_reply(chunk, reply)


CONNECTOR = UnComtradeConnector()


def _plan_files(
    selection: Selection,
    reporters: Mapping[str, tuple[str, ...]],
    periods: tuple[str, ...],
    known: tuple[Available, ...],
    *,
    has_key: bool,
) -> Plan:
    """A request per bulk file, and those for the metadata; an estimate where none is known."""
    _check_whole_files(selection)
    if not has_key:
        raise SelectionError(
            f"{SOURCE_ID}: level {BULK_LEVEL} is the publisher's bulk files, which need a key with"
            f" access to them: keys are issued at {KEY_ADDRESS}. Without one, name a level, for"
            " example --level hs6."
        )
    notes = []
    if selection.frequency == "M":
        notes.append("Monthly files are stored, but only years are reconciled: --frequency A.")
    pairs = len(reporters) * len(periods)
    if not known:
        requests = pairs + math.ceil(len(periods) / PERIODS_A_CALL)
        notes.append(
            "The list of files is requested first. Until then one file per reporter and period is"
            " an estimate; files that are not listed do not exist."
        )
        return Plan(SOURCE_ID, selection, (), requests, requests, tuple(notes))
    listed = {one.name: one for one in known}
    files = {
        (name, code, period): one
        for name, codes in reporters.items()
        for code in codes
        for period in periods
        if (one := listed.get(replies.file_name(selection.frequency, code, period)))
    }
    wanted = {
        (code, period): one.address
        for (_, code, period), one in files.items()
        if one.unchanged_since is None and one.address
    }
    chunks = [
        _file_chunk(selection.frequency, code, period, address)
        for (code, period), address in wanted.items()
    ]
    there = {(name, period) for name, _, period in files}
    missing = [
        f"{name} {period}"
        for name in reporters
        for period in periods
        if (name, period) not in there
    ]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        notes.append(
            f"No bulk file in the Harmonized System is available for {len(missing)} of {pairs}"
            f" reporters and periods: {shown}."
        )
    if wanted:
        codes = tuple(dict.fromkeys(code for code, _ in wanted))
        there = {period for _, period in wanted}
        of_files = tuple(period for period in periods if period in there)
        chunks += listing_chunks(*_METADATA, selection, codes, of_files)
    return Plan(SOURCE_ID, selection, tuple(chunks), len(chunks), len(chunks), tuple(notes))


def _file_chunk(frequency: str, reporter: str, period: str, address: str) -> Chunk:
    return Chunk(
        name=f"bulk_{frequency}_{reporter}_{period}.tsv.gz",
        table=BULK_TABLE,
        layout=replies.FILE_LAYOUT,
        request=Request(address, accept=_FILE_TYPES, key_hint=_FILE_KEY_HINT),
        # Whatever the edition of the report.
        covers=covers_of(frequency, (reporter,), (period,), classification_code=EDITIONS),
        datasets=(replies.file_name(frequency, reporter, period),),
    )


def _check_whole_files(selection: Selection) -> None:
    """Raise a SelectionError for a selection smaller than a file."""
    parts = [
        word
        for word, is_part in (
            ("--partner", bool(selection.partners)),
            ("--product", bool(selection.products)),
            ("--flow", set(selection.flows) != set(Selection.flows)),
        )
        if is_part
    ]
    if parts:
        raise SelectionError(
            f"{SOURCE_ID}: level {BULK_LEVEL} is one file per reporter and period with all"
            f" partners, products and flows. Leave {' and '.join(parts)} out, or select a part by"
            " its level, for example --level hs6."
        )


def _reporter_codes(selection: Selection, areas: Areas) -> dict[str, tuple[str, ...]]:
    """The codes of each reporter, today's and former ones."""
    countries = {name: codes for name, codes in areas.codes_of.items() if name in areas.iso3}
    if not selection.reporters:
        raise SelectionError(
            f"{SOURCE_ID} has the reports of every country: name the reporters by ISO"
            " 3166 alpha-3 code."
        )
    return {
        name: _known(name, countries, "reporter") for name in dict.fromkeys(selection.reporters)
    }


def _known(name: str, codes: Mapping[str, tuple[str, ...]], what: str) -> tuple[str, ...]:
    if name not in codes:
        raise SelectionError(
            f"{SOURCE_ID} has no {what} {name!r}: {closest(name, codes)}."
            f" Write ISO 3166 alpha-3 codes, and {WORLD} for the world."
        )
    return codes[name]


def _periods(selection: Selection) -> tuple[str, ...]:
    if selection.first > selection.last or selection.first.year < _FIRST_YEAR:
        raise SelectionError(
            f"{SOURCE_ID} has periods from {_FIRST_YEAR} on, the first before the last; not"
            f" {selection.first:%Y-%m} to {selection.last:%Y-%m}."
        )
    years = range(selection.first.year, selection.last.year + 1)
    if selection.frequency == "A":
        return tuple(str(year) for year in years)
    months = (f"{year}{month:02d}" for year in years for month in range(1, 13))
    first, last = f"{selection.first:%Y%m}", f"{selection.last:%Y%m}"
    return tuple(month for month in months if first <= month <= last)


def _products(selection: Selection) -> tuple[str, ...]:
    if selection.level not in LEVELS:
        raise SelectionError(
            f"{SOURCE_ID} has no level {selection.level!r}: {closest(selection.level, LEVELS)}."
        )
    if not selection.products:
        return (LEVELS[selection.level],)
    length = _CODE_LENGTH.get(selection.level, 0)
    unfit = [code for code in selection.products if not (code.isdecimal() and len(code) == length)]
    if unfit:
        raise SelectionError(
            f"{SOURCE_ID} takes only whole codes of the level, not {', '.join(unfit[:5])}: write"
            f" out the codes of {selection.level}, or leave the products out to select all."
        )
    return tuple(dict.fromkeys(selection.products))


def _directions(selection: Selection, seeds: Path) -> tuple[tuple[str, ...], ...]:
    """The publisher's known flow codes of each requested direction."""
    flows = [row for row in read_seed(seeds, FLOW_SEED) if row["concept"]]
    known = {row["flow"] for row in flows}
    unknown = [flow for flow in selection.flows if flow not in known]
    if unknown or not selection.flows:
        raise SelectionError(
            f"{SOURCE_ID} has no flow {', '.join(unknown)!r}: write {' or '.join(sorted(known))}."
        )
    return tuple(
        tuple(row["flow_code"] for row in flows if row["flow"] == flow)
        for flow in dict.fromkeys(selection.flows)
    )
