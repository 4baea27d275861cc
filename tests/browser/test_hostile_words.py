"""Words of a claim that would be a program are shown as words."""

from __future__ import annotations

import json
import re
from pathlib import Path

from browser import checks
from browser.chromium import window
from browser.reading import pages_of
from browser.samples import altered, write_sample
from playwright.sync_api import Browser

from dagster_project.settings import Settings

# Ends an element, an attribute, a script, a comment; asks a machine; turns the line round.
HOSTILE = (
    "</script><script>window.hostile = 1</script>\"'><img src=x onerror='window.hostile = 2'>"
    "<a href=javascript:alert(1)>{{ 7 * 6 }}</a> -->]]> &lt;b&gt; "
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css> \u202eright to left " + "long" * 60
)
WORDS = ("says", "document_publisher", "attributed_to")


def test_words_of_a_claim_are_never_markup(
    built_warehouse: Settings, browser: Browser, tmp_path: Path
) -> None:
    literal = HOSTILE.replace("'", "''")
    settings = altered(
        built_warehouse,
        tmp_path / "home",
        *(f"update marts.claims set {column} = '{literal}'" for column in WORDS),
    )
    sample = write_sample(settings, tmp_path / "site", [("USA", "KOR")])
    shown = 0
    for page in pages_of(sample):
        html = (sample / page).read_text(encoding="utf-8")
        assert "<script>window.hostile" not in html, page
        assert "<img src=x" not in html, page
        for told in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.S):
            json.loads(told)
            assert "<" not in told, page
    with window(browser, width=360) as seen:
        for page in pages_of(sample):
            seen.goto(checks.address(sample, page))
            assert seen.evaluate("window.hostile") is None, page
            assert seen.locator('img[src="x"], a[href^="javascript"]').count() == 0, page
            shown += "window.hostile = 1" in seen.locator("main").inner_text()
    assert shown > 0, "no page shows the words of a claim"
    assert list(checks.loading(browser, sample, pages_of(sample), 360)) == []
