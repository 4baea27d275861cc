"""Tests of subscriptions: the shipped lines can be served, and wrong ones are named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dagster_project.fetch.subscriptions import (
    SubscriptionError,
    read_subscriptions,
    subscriptions_file,
)
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.sources.catalog import CONNECTORS

HEADER = "source_id,reporters,partners,level,products,flows,frequency,first\n"
LINE = "us_census,USA,KOR,hs2,,,M,2010-01\n"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(PROJECT_ROOT, tmp_path, None)


def own(home: Settings, text: str) -> Settings:
    (home.data_home / "subscriptions.csv").write_text(text, encoding="utf-8")
    return home


@pytest.mark.parametrize("source_id", sorted(CONNECTORS))
def test_each_source_can_serve_its_shipped_subscriptions(home: Settings, source_id: str) -> None:
    found = [one for one in read_subscriptions(home) if one.source_id == source_id]
    assert found
    for one in found:
        selection = one.selection(date(2026, 1, 1), date(2026, 11, 1))
        assert selection is not None
        plan = CONNECTORS[source_id].plan(selection, home.seeds, has_key=True)
        assert 0 < plan.expected_requests < 50, one


def test_a_file_of_the_user_replaces_the_shipped_one(home: Settings) -> None:
    assert subscriptions_file(home) == PROJECT_ROOT / "data" / "subscriptions.csv"
    own(home, HEADER + LINE)
    [only] = read_subscriptions(home)
    assert (only.line, only.source_id, only.asked.partners, only.asked.level) == (
        2,
        "us_census",
        ("KOR",),
        "hs2",
    )
    assert only.asked.flows == ("export", "import")
    assert only.asked.first == date(2010, 1, 1)


def test_a_header_alone_subscribes_to_nothing(home: Settings) -> None:
    assert read_subscriptions(own(home, HEADER)) == ()


def test_columns_may_stand_in_any_order_and_cells_hold_lists(home: Settings) -> None:
    text = (
        "first,frequency,flows,products,level,partners,reporters,source_id\n"
        "2012-05,A,import,87 8703,hs4,KOR WLD,USA,us_census\n"
    )
    [one] = read_subscriptions(own(home, "\ufeff" + text))
    assert (one.asked.products, one.asked.partners, one.asked.flows) == (
        ("87", "8703"),
        ("KOR", "WLD"),
        ("import",),
    )


def test_a_subscription_requests_nothing_before_its_first_month(home: Settings) -> None:
    [one] = read_subscriptions(own(home, HEADER + LINE))
    assert one.selection(date(2008, 1, 1), date(2009, 12, 1)) is None
    cut = one.selection(date(2008, 1, 1), date(2010, 3, 1))
    assert cut is not None
    assert (cut.first, cut.last) == (date(2010, 1, 1), date(2010, 3, 1))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("us_cencus,USA,KOR,hs2,,,M,2010-01\n", "column source_id: 'us_cencus'"),
        ("us_census,US,KOR,hs2,,,M,2010-01\n", "column reporters: 'US'"),
        ("us_census,USA,Korea,hs2,,,M,2010-01\n", "column partners: 'Korea'"),
        ("us_census,USA,KOR,hs3,,,M,2010-01\n", "column level: 'hs3'"),
        ("us_census,USA,KOR,hs2,87;88,,M,2010-01\n", "column products: '87;88'"),
        ("us_census,USA,KOR,hs2,,exports,M,2010-01\n", "column flows: 'exports'"),
        ("us_census,USA,KOR,hs2,,,Q,2010-01\n", "column frequency: 'Q'"),
        ("us_census,USA,KOR,hs2,,,M,2010-13\n", "column first: '2010-13'"),
        ("us_census,USA,KOR,hs2,,,M\n", r"\b8\b"),
        ("us_census,USA,KOR,hs2,,,M,2010-01,x\n", r"\b8\b"),
        (LINE, "line 2"),
    ],
)
def test_a_wrong_line_is_named_with_its_column(home: Settings, line: str, said: str) -> None:
    with pytest.raises(SubscriptionError, match=f"line 3.*{said}"):
        read_subscriptions(own(home, HEADER + LINE + line))


def test_another_header_is_refused(home: Settings) -> None:
    with pytest.raises(SubscriptionError, match=r"line 1: .*source_id, partner"):
        read_subscriptions(own(home, "source_id,partner\n"))
