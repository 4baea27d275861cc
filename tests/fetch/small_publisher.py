"""A small publisher for tests: its connector, its table, its replies.

It has everything that a connector can have: a survey, pages that only a reply announces,
requests that turn out too large and are halved, empty replies, and errors.

As a program it fetches once, for tests that kill it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import polars as pl
from fetch.loopback import Answer, ReceivedRequest, reply

from dagster_project.fetch.client import RetryPolicy
from dagster_project.fetch.job import run_fetch
from dagster_project.settings import PROJECT_ROOT, Secret, Settings
from dagster_project.sources import catalog
from dagster_project.sources.connector import (
    Available,
    Chunk,
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
)
from dagster_project.sources.formats import read_json
from dagster_project.sources.parsing import Parsed, rejects_frame
from dagster_project.sources.raw import SourceTable
from dagster_project.sources.snapshot import Covers, SnapshotError, SnapshotFile

SOURCE = "small_source"
TABLE_NAME = "small_source__trade"
LAYOUT = "small_json"
KEY = "Pl4nted+Key/0f=Tests"
PAGE = 5
PARTNERS = ("KOR", "JPN", "MEX", "CAN", "DEU", "ATA")
YEARS = Selection(date(2015, 1, 1), date(2016, 12, 1), partners=PARTNERS)
NO_WAITS = RetryPolicy(scale=0)

Rows = dict[tuple[str, str], str]


def all_rows() -> Rows:
    """Months with a value by partner; nobody trades with the last one."""
    return {
        (partner, f"{year}-{month:02d}"): f"{1 + place}{month}.5"
        for place, partner in enumerate(PARTNERS[:-1])
        for year in (2015, 2016)
        for month in range(1, 13 if partner != "DEU" else 4)
    }


@dataclass
class SmallPublisher:
    """What the publisher holds; a test changes it between fetches.

    `released` are days by partner that the survey gives; `too_large` are partners of whom
    a year cannot be asked at once.
    """

    rows: Rows
    released: Mapping[str, str] | None = None
    too_large: tuple[str, ...] = ()
    is_reversed: bool = False
    is_doubled: bool = False

    def answer(self, seen: ReceivedRequest) -> Answer:
        parts = urlsplit(seen.path)
        asked = dict(parse_qsl(parts.query))
        if parts.path == "/v1/available":
            return reply(body=json.dumps({"released": self.released or {}}).encode())
        first, last = asked["from"], asked["to"]
        if asked["partner"] in self.too_large and first[5:] == "01" and last[5:] == "12":
            return reply(body=b'{"too_large": true}')
        rows = [
            [partner, month, value]
            for (partner, month), value in self.rows.items()
            if partner == asked["partner"] and first <= month <= last
        ]
        if not rows:
            return reply(204)
        pages = -(-len(rows) // PAGE)
        page = int(asked.get("page", "1"))
        rows = rows[(page - 1) * PAGE : page * PAGE]
        if self.is_reversed:
            rows.reverse()
        if self.is_doubled:
            rows += rows[:2]
        return reply(body=json.dumps({"pages": pages, "rows": rows}).encode())


class SmallConnector:
    about = SourceInfo(
        source_id=SOURCE,
        title="A small publisher",
        gives="trade",
        coverage="",
        levels=("total",),
        hosts=("api.example.org",),
        limits=Limits(per_second=1e6, per_day=None, per_day_with_key=None, timeout_seconds=10.0),
        key=KeyUse("query", "key", is_required=False, obtained_at="https://example.org/keys"),
        terms=Terms("terms of the small publisher", is_redistributable=False),
        calendar="",
        verified=True,
        verified_against="replies of the small publisher",
    )

    def __init__(self, *, has_survey: bool = True) -> None:
        self._has_survey = has_survey

    def survey(self, selection: Selection, seeds: Path) -> tuple[Chunk, ...]:
        if not self._has_survey:
            return ()
        request = Request("https://api.example.org/v1/available", accept=("application/json",))
        return (Chunk("available.json", TABLE_NAME, LAYOUT, request, None),)

    def available(self, replies: Mapping[str, bytes]) -> tuple[Available, ...]:
        released = json.loads(replies["available.json"])["released"]
        return tuple(
            Available(partner, "2015-01", "2016-12", day, date.fromisoformat(day))
            for partner, day in released.items()
        )

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        if selection.reporters:
            raise SelectionError("The small publisher has one reporter. Leave it out.")
        chunks = tuple(
            _chunk(partner, f"{year}-01", f"{year}-12")
            for partner in selection.partners
            for year in range(selection.first.year, selection.last.year + 1)
        )
        return Plan(SOURCE, selection, chunks, 2 * len(chunks), 2 * len(chunks), ("a note",))

    def classify_reply(self, chunk: Chunk, reply: Reply) -> ReplyResult:
        if reply.status == 204:
            return ReplyResult(b"")
        if reply.status >= 400:
            raise Refused(f"{chunk.name}: {reply.content[:80]!r}. Correct the request.")
        try:
            body = json.loads(reply.content)
        except ValueError:
            raise TryAgain(f"{chunk.name}: not whole JSON") from None
        asked = dict(chunk.request.parameters)
        if "too_large" in body:
            year = asked["from"][:4]
            halves = (f"{year}-01", f"{year}-06"), (f"{year}-07", f"{year}-12")
            more = tuple(_chunk(asked["partner"], *half) for half in halves)
            return ReplyResult(reply.content, more, is_whole=False)
        if asked.get("page"):
            return ReplyResult(reply.content)
        more = tuple(
            _chunk(asked["partner"], asked["from"], asked["to"], page)
            for page in range(2, body.get("pages", 1) + 1)
        )
        return ReplyResult(reply.content, more)


class KeyedConnector(SmallConnector):
    """The same, naming its datasets: the partners, each in all years there are."""

    def plan(
        self,
        selection: Selection,
        seeds: Path,
        *,
        has_key: bool,
        known: tuple[Available, ...] = (),
    ) -> Plan:
        plan = super().plan(selection, seeds, has_key=has_key, known=known)
        unchanged = {one.name for one in known if one.unchanged_since is not None}
        chunks = tuple(
            replace(chunk, datasets=(partner,))
            for chunk in plan.chunks
            for partner in [chunk.name[:3]]
            if partner not in unchanged
        )
        return replace(plan, chunks=chunks, expected_requests=len(chunks))


def _chunk(partner: str, first: str, last: str, page: int = 1) -> Chunk:
    parameters = [("partner", partner), ("from", first), ("to", last)]
    name = f"{partner}_{first}_{last}"
    if page > 1:
        parameters.append(("page", str(page)))
        name += f"_{page}"
    return Chunk(
        name=f"{name}.json",
        table=TABLE_NAME,
        layout=LAYOUT,
        request=Request(
            "https://api.example.org/v1/data", tuple(parameters), accept=("application/json",)
        ),
        covers=Covers({"partner": (partner,)}, first, last),
        expected_rows=12,
    )


def parse(content: bytes, file: SnapshotFile) -> Parsed:
    body = read_json(content, file.snapshot_file)
    if not isinstance(body, dict) or "rows" not in body:
        raise SnapshotError(f"{file.snapshot_file}: the field rows is missing.")
    good = [
        (number, "value", *row)
        for number, row in enumerate(body["rows"], start=1)
        if not row[2].startswith("n")
    ]
    bad = [
        (number, "value", row[2], "not a number")
        for number, row in enumerate(body["rows"], start=1)
        if row[2].startswith("n")
    ]
    return Parsed(pl.DataFrame(good, schema=COLUMNS, orient="row"), rejects_frame(bad))


COLUMNS = {
    "row_number": pl.Int64(),
    "column_name": pl.String(),
    "partner": pl.String(),
    "month": pl.String(),
    "value": pl.String(),
}
TABLE = SourceTable(
    source_id=SOURCE,
    table=TABLE_NAME,
    description="",
    layouts=frozenset({LAYOUT}),
    parser=lambda _seeds: parse,
    seeds=(),
    columns=COLUMNS,
    primary_key=("partner", "month"),
    calendar="",
    values=("value",),
    period=pl.col("month"),
)


def small_settings(data_home: Path, address: str, *, key: str | None = None) -> Settings:
    """The project's own seeds and shipped snapshots, a data home and a gateway of the test."""
    return Settings(
        PROJECT_ROOT,
        data_home,
        None,
        keys={} if key is None else {SOURCE: Secret(key)},
        addresses={SOURCE: address},
    )


def with_limits(connector: SmallConnector, **changes: object) -> SmallConnector:
    connector.about = replace(
        connector.about,
        limits=replace(connector.about.limits, **changes),  # ty: ignore
    )
    return connector


def main() -> None:
    """Fetch once: data home, address of the gateway, the moment."""
    data_home, address, moment = sys.argv[1:]
    catalog.CONNECTORS = {SOURCE: SmallConnector()}
    catalog.CATALOG = (TABLE,)
    settings = small_settings(Path(data_home), address, key=KEY)
    outcome = run_fetch(settings, SOURCE, YEARS, now=datetime.fromisoformat(moment), retry=NO_WAITS)
    sys.stdout.write(json.dumps({"sent": outcome.requests_sent, "rows": outcome.rows}))


if __name__ == "__main__":
    main()
