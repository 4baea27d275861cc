"""Tests that no reply withdraws rows by silence: every publisher, replayed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from fetch.held import held_rows, releases_of
from fetch.homes import HomeAt
from fetch.publishers import PUBLISHERS
from fetch.publishers.publisher import Answer, Case, Publisher
from fetch.publishers.world import World
from fetch.replay_server import ReplayServer

from dagster_project.fetch.client import RetryPolicy
from dagster_project.fetch.job import FetchError, run_fetch
from dagster_project.fetch.planning import plan_fetch
from dagster_project.settings import Settings
from dagster_project.sources.connector import Refused, TryAgain, Unconfirmed

pytestmark = pytest.mark.slow

AT_ONCE = RetryPolicy(scale=0.0)
DAY = datetime(2026, 3, 2, 6, tzinfo=UTC)
every_source = pytest.mark.parametrize("source_id", sorted(PUBLISHERS))


@pytest.fixture
def publisher(source_id: str) -> Publisher:
    return PUBLISHERS[source_id]


@pytest.fixture
def case(publisher: Publisher) -> Case:
    return next(one for one in publisher.cases() if not one.is_large and one.has_key)


def known(settings: Settings, publisher: Publisher, case: Case) -> dict[str, pl.DataFrame]:
    return {table: held_rows(settings, table) for table in publisher.truth(case, World(seed=5))}


def rows_name(publisher: Publisher) -> str:
    """The method whose rows the publisher also counts, if it announces a total."""
    return "whole" if hasattr(publisher, "whole") else "rows"


def fetch_first(settings: Settings, source_id: str, replay: ReplayServer, case: Case) -> None:
    replay.world = World(seed=5)
    outcome = run_fetch(settings, source_id, case.selection, now=DAY, retry=AT_ONCE)
    assert outcome.is_new
    # What is unchanged by the publisher's own word would not be asked for.
    (settings.fetching / "seen" / f"{source_id}.json").unlink(missing_ok=True)


@every_source
@pytest.mark.parametrize("share", [0, 2], ids=["empty", "half"])
def test_a_fall_in_rows_waits_until_it_is_confirmed(
    source_id: str,
    share: int,
    publisher: Publisher,
    case: Case,
    replay: ReplayServer,
    home_at: HomeAt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = home_at("home")
    fetch_first(settings, source_id, replay, case)
    before = known(settings, publisher, case)
    counted = rows_name(publisher)
    rows = getattr(type(publisher), counted)

    def fewer(self: Publisher, asked: object, world: World) -> list:
        every = rows(self, asked, world)  # ty: ignore
        return every[: len(every) // share] if share else []

    next_day = DAY + timedelta(days=1)
    with monkeypatch.context() as shrunk:
        shrunk.setattr(type(publisher), counted, fewer)
        with pytest.raises(FetchError) as caught:
            run_fetch(settings, source_id, case.selection, now=next_day, retry=AT_ONCE)
    if source_id == "korea_customs" and share:
        # Its own row of totals shows that rows are missing.
        assert isinstance(caught.value.reply_error, TryAgain)
        assert "add up to" in str(caught.value)
        assert len(releases_of(settings, source_id)) == 1
        return
    assert "would be withdrawn" in str(caught.value)
    assert isinstance(caught.value.reply_error, Unconfirmed)
    assert caught.value.stored > 0
    assert len(releases_of(settings, source_id)) == 1

    # What is confirmed are the replies that were shown, not new ones.
    sent = len(replay.sent)
    outcome = run_fetch(
        settings, source_id, case.selection, now=next_day, retry=AT_ONCE, is_confirmed=True
    )
    assert len(replay.sent) == sent
    assert outcome.comparison.withdrawn > 5
    after = known(settings, publisher, case)
    assert sum(map(len, after.values())) < sum(map(len, before.values()))
    assert len(releases_of(settings, source_id)) == 2


@every_source
def test_what_was_not_confirmed_is_requested_again_and_nothing_is_lost(
    source_id: str,
    publisher: Publisher,
    case: Case,
    replay: ReplayServer,
    home_at: HomeAt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = home_at("home")
    fetch_first(settings, source_id, replay, case)
    next_day = DAY + timedelta(days=1)
    with monkeypatch.context() as shrunk:
        shrunk.setattr(type(publisher), rows_name(publisher), lambda *_: [])
        with pytest.raises(FetchError):
            run_fetch(settings, source_id, case.selection, now=next_day, retry=AT_ONCE)
    assert plan_fetch(settings, source_id, case.selection, now=next_day).stored == 0
    outcome = run_fetch(settings, source_id, case.selection, now=next_day, retry=AT_ONCE)
    assert not outcome.is_new
    assert outcome.comparison.withdrawn == 0
    assert "not confirmed" in " ".join(outcome.notes)
    with pytest.raises(FetchError, match="--confirm") as caught:
        run_fetch(
            settings, source_id, case.selection, now=next_day, retry=AT_ONCE, is_confirmed=True
        )
    assert isinstance(caught.value.reply_error, Refused)


# JSON in which a reader that only looks for rows would find none.
STRANGE = {
    "usitc_dataweb": (
        {"dto": {"tables": [5]}},
        {"dto": {"tables": [{}]}},
        {"dto": {"tables": [{"row_groups": [{"rowsNew": 5}]}]}},
        {"dto": {"tables": [{"row_groups": [{}]}]}},
        {"dto": {"tables": {}}},
    ),
    "bea_ita": (
        {"BEAAPI": {"Results": {}}},
        {"BEAAPI": {"Results": {"Data": 5}}},
        {"BEAAPI": {"Results": {"Data": None}}},
        {"BEAAPI": {"Results": [{"Data": []}, {"Notes": []}]}},
        {"BEAAPI": {"Results": 5}},
        {"Results": {}},
    ),
    "un_comtrade": (
        {"data": []},
        {"count": 1, "data": []},
        {"count": 0, "data": {}},
        {"count": 1, "data": [5]},
    ),
    "us_census": ([], {}, [[]], [5], 5, [["CTY_CODE"]], {"data": []}),
    "korea_customs": ({"response": {}}, {"items": []}, []),
    "fred": ([], {"observations": []}, 5),
}
STRANGE_XML = (
    b"<response><header><resultCode>00</resultCode></header></response>",
    b"<response><header><resultCode>00</resultCode></header><body/></response>",
    b"<response><body><items/></body></response>",
    b"<items/>",
)


@every_source
def test_a_reply_of_another_shape_is_refused_and_withdraws_nothing(
    source_id: str,
    publisher: Publisher,
    case: Case,
    replay: ReplayServer,
    home_at: HomeAt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = home_at("home")
    fetch_first(settings, source_id, replay, case)
    bodies = [("application/json", json.dumps(one).encode()) for one in STRANGE[source_id]]
    if source_id == "korea_customs":
        bodies += [("application/xml", body) for body in STRANGE_XML]
    for kind, body in bodies:
        strange = Answer(kind, body)
        with monkeypatch.context() as changed:
            changed.setattr(type(publisher), "render", lambda *_, strange=strange, **__: strange)
            with pytest.raises(FetchError, match=source_id) as caught:
                run_fetch(
                    settings,
                    source_id,
                    case.selection,
                    now=DAY + timedelta(days=1),
                    retry=AT_ONCE,
                )
        assert isinstance(caught.value.reply_error, Refused | TryAgain), body
        assert len(releases_of(settings, source_id)) == 1
