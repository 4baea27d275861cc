"""Every page in a real browser: it loads, asks nobody, fits, and can be read by everybody.

What a key or the pointer changes is waited for: the browser answers when it can.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from browser import checks
from browser.chromium import window
from browser.kinds import one_of_each
from browser.reading import pages_of
from playwright.sync_api import Browser, expect

from dagster_project.site import serving


def test_every_page_loads_alone_and_fits_a_phone(browser: Browser, site: Path) -> None:
    assert list(checks.loading(browser, site, pages_of(site), 360)) == []


@pytest.mark.parametrize("width", [width for width in checks.WIDTHS if width != 360])
def test_each_kind_of_page_fits(browser: Browser, site: Path, width: int) -> None:
    assert list(checks.loading(browser, site, one_of_each(pages_of(site)), width)) == []


def test_served_pages_break_no_rule_of_their_policy(browser: Browser, site: Path) -> None:
    problems: list[str] = []
    with serving.server_of(site) as server, window(browser) as seen:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen.on("console", lambda message: problems.append(f"{seen.url}: {message.text}"))
        seen.on("pageerror", lambda error: problems.append(f"{seen.url}: {error}"))
        for page in one_of_each(pages_of(site)):
            answer = seen.goto(serving.address_of(server) + str(page))
            assert answer is not None
            assert "script-src 'self'" in answer.headers["content-security-policy"]
        server.shutdown()
    assert problems == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_each_kind_of_page_is_accessible(browser: Browser, site: Path, dark: bool) -> None:
    pages = one_of_each(pages_of(site))
    assert list(checks.accessibility(browser, site, pages, dark=dark)) == []


def test_without_scripts_every_kind_of_page_is_whole(browser: Browser, site: Path) -> None:
    for page in one_of_each(pages_of(site)):
        texts = []
        for script in (True, False):
            with window(browser, script=script) as seen:
                seen.goto(checks.address(site, page))
                # Playwright reads without the page's scripts too.
                texts.append(
                    (
                        " ".join(seen.locator("main").inner_text().split()),
                        seen.locator("svg").count(),
                    )
                )
        assert texts[0] == texts[1], page


def test_the_keyboard_skips_to_the_content_first(browser: Browser, site: Path) -> None:
    for page in one_of_each(pages_of(site)):
        with window(browser) as seen:
            seen.goto(checks.address(site, page))
            seen.keyboard.press("Tab")
            focused = seen.locator(":focus")
            expect(focused, page).to_have_text("Skip to content")
            expect(focused, page).to_be_in_viewport()
            seen.keyboard.press("Enter")
            expect(seen, page).to_have_url(re.compile("#main$"))


def test_the_keyboard_opens_rows_and_query(browser: Browser, site: Path) -> None:
    [pair] = [
        page for page in one_of_each(pages_of(site)) if page.count("/") == 1 and "index" in page
    ]
    with window(browser) as seen:
        seen.goto(checks.address(site, pair))
        query = seen.locator("figure details", has_text="SQL query").first
        assert not query.locator("pre").is_visible()
        query.locator("summary").focus()
        seen.keyboard.press("Enter")
        expect(query.locator("pre")).to_be_visible()


def test_the_legend_puts_a_series_aside(browser: Browser, site: Path) -> None:
    pages = [page for page in pages_of(site) if page.endswith("/index.html")]
    with window(browser) as seen:
        seen.goto(checks.address(site, pages[0]))
        figure = seen.locator("figure", has=seen.locator(".legend")).first
        button = figure.locator(".legend button").first
        series = figure.locator(".legend [data-series]").first.get_attribute("data-series")
        marks = figure.locator(f'.picture.wide [aria-label^="{series}, "]')
        assert marks.count() > 0
        assert marks.first.is_visible()
        button.focus()
        seen.keyboard.press("Space")
        expect(button).to_have_attribute("aria-pressed", "false")
        expect(marks.first).not_to_be_visible()
        seen.keyboard.press("Space")
        expect(marks.first).to_be_visible()


def test_a_mark_says_its_number_under_the_pointer(browser: Browser, site: Path) -> None:
    pages = [page for page in pages_of(site) if page.endswith("/index.html")]
    with window(browser) as seen:
        seen.goto(checks.address(site, pages[0]))
        mark = seen.locator('.picture.wide [aria-roledescription="circle"]').last
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        seen.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(seen.locator(".tip")).to_be_visible()
        expect(seen.locator(".tip")).to_contain_text("US dollars")
