"""Pairs of which little is held: every page says so, none shows an empty picture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import checks
from browser.reading import pages_of, read
from browser.samples import altered, write_sample
from playwright.sync_api import Browser

from dagster_project.settings import Settings

ONE_BASIS = (
    "delete from marts.trade_by_year where basis_id <> 'census'",
    "delete from intermediate.int_figures__balances where balance_id not in"
    " (select balance_id from marts.balances_by_basis where basis_id = 'census')",
    "delete from marts.bridges",
    "delete from marts.bridge_steps",
    "delete from marts.figure_comparisons",
    "delete from marts.mirror_flows",
)
NO_STATISTIC = ("delete from marts.trade_by_year", *ONE_BASIS[1:])
NO_CLAIMS = tuple(
    f"delete from marts.{table}"
    for table in ("claim_inconsistencies", "claim_candidates", "claim_verdicts", "claims")
)
NO_SECTORS = ("delete from marts.trade_by_sector_year",)

CASES = {
    "a pair without claims": (("USA", "JPN"), ()),
    "a group": (("USA", "census:0003"), ()),
    "the world": (("USA", "WLD"), ()),
    "the other side": (("KOR", "USA"), ()),
    "a pair without anything": (("NOR", "KOR"), ()),
    "one basis": (("USA", "KOR"), ONE_BASIS),
    "printed figures alone": (("USA", "KOR"), NO_STATISTIC),
    "no claims at all": (("USA", "KOR"), NO_CLAIMS),
    "no sectors": (("USA", "KOR"), NO_SECTORS),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_held_is_said(
    case: str, built_warehouse: Settings, browser: Browser, tmp_path: Path
) -> None:
    pair, statements = CASES[case]
    settings = (
        altered(built_warehouse, tmp_path / "home", *statements) if statements else built_warehouse
    )
    sample = write_sample(settings, tmp_path / "site", [pair])
    pages = pages_of(sample)
    assert any(page.endswith("/index.html") for page in pages)
    assert list(checks.figures(sample)) == []
    assert list(checks.rows(sample, settings)) == []
    assert list(checks.words(sample)) == []
    assert list(checks.loading(browser, sample, pages, 360)) == []


def test_without_any_document_the_front_page_says_so(
    built_warehouse: Settings, browser: Browser, tmp_path: Path
) -> None:
    settings = altered(built_warehouse, tmp_path / "home", *NO_CLAIMS)
    sample = write_sample(settings, tmp_path / "site", [])
    absence = r'<p class="absence">[^<]*\barticle\b'
    assert re.search(absence, (sample / "index.html").read_text(encoding="utf-8"))
    links = {address.partition("/")[0] for _, _, address in read(sample / "index.html").links}
    assert not {"claims", "documents"} & links
    assert list(checks.figures(sample)) == []
    assert list(checks.loading(browser, sample, pages_of(sample), 360)) == []
