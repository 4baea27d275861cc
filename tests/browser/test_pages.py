"""Every page of the site as it is written: links, sizes, figures, their rows and queries."""

from __future__ import annotations

from pathlib import Path

from browser import checks
from browser.kinds import kind_of
from browser.reading import pages_of, repeated_sentences

from dagster_project.settings import Settings


def test_every_link_leads_to_a_page_and_every_anchor_is_there(site: Path) -> None:
    assert list(checks.links(site)) == []


def test_no_page_is_larger_than_400_kb(site: Path) -> None:
    assert list(checks.sizes(site)) == []


def test_every_figure_says_what_it_is_and_no_picture_is_empty(site: Path) -> None:
    assert len(list(checks.figures_of(site))) > len(pages_of(site))
    assert list(checks.figures(site)) == []


def test_every_query_runs_as_printed_and_gives_what_is_shown(
    site: Path, built_warehouse: Settings
) -> None:
    assert list(checks.rows(site, built_warehouse)) == []


def test_every_balance_is_a_mark(site: Path) -> None:
    assert any(one.id.startswith("balances-") for _, one in checks.figures_of(site))
    assert list(checks.balances(site)) == []


def test_every_waterfall_adds_up_to_the_numbers_of_the_mart(
    site: Path, built_warehouse: Settings
) -> None:
    drawn = [one for _, one in checks.figures_of(site) if one.id.startswith("bridge-")]
    assert sum(bool(one.pictures) for one in drawn) > 10
    assert list(checks.waterfalls(site, built_warehouse)) == []


def test_no_value_of_python_stands_where_a_word_should(site: Path) -> None:
    assert list(checks.words(site)) == []


def test_every_kind_of_page_is_there(site: Path) -> None:
    kinds = {kind_of(page) for page in pages_of(site)}
    assert kinds >= {"index.html", "pair", "year", "sector", "claim", "document"}


def test_no_page_of_a_claim_prints_a_sentence_twice(site: Path) -> None:
    pages = [page for page in pages_of(site) if kind_of(page) == "claim"]
    repeated = {page: repeated_sentences((site / page).read_text("utf-8")) for page in pages}
    assert pages
    assert {page: found for page, found in repeated.items() if found} == {}
