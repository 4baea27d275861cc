"""Break one thing on a page at a time; the check must find and name it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest
from browser import checks
from browser.kinds import one_of_each
from browser.reading import pages_of
from playwright.sync_api import Browser

from dagster_project.settings import Settings

# Faults that any page may have are checked on a short one.
SHORT = "sources.html"
PAIR = "usa-kor/index.html"
YEAR = "usa-kor/2016.html"
BRIDGE = "usa-kor/2016.bridge-goods-census-to-cif.csv"
BALANCES = "usa-kor/index.balances-goods.csv"

Check = Callable[[Path, Browser, Settings], Iterable[str]]


@cache
def by_text(check: Callable[[Path], Iterable[str]]) -> Check:
    return lambda site, browser, settings: check(site)


def by_rows(site: Path, browser: Browser, settings: Settings) -> Iterable[str]:
    return checks.rows(site, settings)


def by_bridge(site: Path, browser: Browser, settings: Settings) -> Iterable[str]:
    return checks.waterfalls(site, settings)


def by_loading(site: Path, browser: Browser, settings: Settings) -> Iterable[str]:
    return checks.loading(browser, site, [PAIR], 360)


def by_axe(site: Path, browser: Browser, settings: Settings) -> Iterable[str]:
    return checks.accessibility(browser, site, [SHORT], dark=False)


def by_contrast(site: Path, browser: Browser, settings: Settings) -> Iterable[str]:
    return checks.accessibility(browser, site, [SHORT], dark=True)


# What is broken: file, what stands there, what stands there instead; the check; what it says.
FAULTS: dict[str, tuple[str, str, str, Check, str]] = {
    "a number in a table": (
        PAIR,
        r'(<td class="number">)[^<]+(</td>)',
        r"\g<1>12,345.6\g<2>",
        by_rows,
        "'12,345.6' instead of",
    ),
    "a row of a table left out": (
        PAIR,
        r"(?s)<tbody>\s*<tr>.*?</tr>",
        "<tbody>",
        by_rows,
        "rows in the table",
    ),
    "a number in a CSV file": (BALANCES, r"(?m)^(\d{4},\w+,)\d+", r"\g<1>1", by_rows, "CSV file"),
    "a query": (PAIR, r"(?s)order by policy_rank.*?</code>", "</code>", by_rows, "CSV file"),
    "a table that is not there": (PAIR, r"from marts\.", "from hidden.", by_rows, "refused"),
    "a number of a mark": (
        PAIR,
        r'(aria-label="census, \d{4}: .?\d+\.)\d\d( billion US dollars)',
        r"\g<1>99\g<2>",
        by_text(checks.balances),
        "drawing 1 has 1 of",
    ),
    "a mark left out": (
        PAIR,
        r'<path [^>]*aria-roledescription="circle"[^>]*>',
        "",
        by_text(checks.balances),
        "drawing 1 has 0 of",
    ),
    "an empty picture": (
        PAIR,
        r"(?s)<svg [^>]*xmlns[^>]*>.*?</svg>",
        '<svg viewBox="0 0 9 9"></svg>',
        by_text(checks.figures),
        "an empty picture",
    ),
    "no alternative text": (
        PAIR,
        r'(role="img" aria-label=)"[^"]*"',
        r'\g<1>""',
        by_text(checks.figures),
        "alternative text",
    ),
    "a picture without its rows": (
        PAIR,
        r"(?s)<details><summary>Data.*?</details>",
        "",
        by_text(checks.figures),
        "without rows",
    ),
    "no release": (PAIR, "Release: ", "From: ", by_text(checks.figures), "the line under it"),
    "a link": (
        PAIR,
        r'href="\.\./index\.html"',
        'href="../indx.html"',
        by_text(checks.links),
        "now",
    ),
    "an anchor": (PAIR, r'href="#main"', 'href="#mian"', by_text(checks.links), "no such anchor"),
    "a link out of the site": (
        PAIR,
        r'href="\.\./style\.css"',
        'href="../../style.css"',
        by_text(checks.links),
        "leads nowhere",
    ),
    "a CSV file misnamed": (
        PAIR,
        r'\.csv" download',
        '.cvs" download',
        by_text(checks.links),
        "now",
    ),
    "a size": (
        PAIR,
        "</main>",
        "<p>" + "much " * 60_000 + "</p></main>",
        by_text(checks.sizes),
        "by",
    ),
    "a value of Python's": (PAIR, "</main>", "<p>None</p></main>", by_text(checks.words), "'None'"),
    "a script of another machine": (
        PAIR,
        "</body>",
        '<script src="http://127.0.0.1:9/x.js"></script></body>',
        by_loading,
        "asked: http://127.0.0.1:9/x.js",
    ),
    "an error in the console": (
        PAIR,
        "</body>",
        "<script>undefined_name()</script></body>",
        by_loading,
        "script: undefined_name is not defined",
    ),
    "a file that is not there": (PAIR, r"site\.js", "sight.js", by_loading, "failed: file"),
    "something wide": (
        PAIR,
        "</main>",
        '<div style="width: 500px">wide</div></main>',
        by_loading,
        "scrolls sideways at 360",
    ),
    "a picture without size": (
        "style.css",
        r"\.picture svg \{[^}]*\}",
        ".picture svg { width: 0; height: 0; }",
        by_loading,
        "0 pictures are shown",
    ),
    "two pictures at once": (
        "style.css",
        r"\.picture\.wide \{ display: none; \}",
        "",
        by_loading,
        "2 pictures are shown",
    ),
    "pale words": ("style.css", r"--quiet: #5a616b", "--quiet: #c0c4ca", by_axe, "color-contrast"),
    "dark words in the dark": (
        "style.css",
        r"--quiet: #a7afba",
        "--quiet: #30343a",
        by_contrast,
        "color-contrast",
    ),
    "the amount of a step": (
        YEAR,
        r'(aria-label="Freight and insurance, [^"]*\d)\d\.\d( million US dollars")',
        r"\g<1>9.9\g<2>",
        by_bridge,
        "bars",
    ),
    "a bar left out": (
        YEAR,
        r'<path aria-label="Freight and insurance,[^>]*>',
        "",
        by_bridge,
        "bars",
    ),
    "an amount that does not add up": (
        BRIDGE,
        r"(?m)^(1,step,[^,]*,CIF,-\d+)\d\d,",
        r"\g<1>99,",
        by_bridge,
        "the steps add up to",
    ),
    "both ends of a bridge moved": (
        BRIDGE,
        r"(?ms)^(0,from,census,,-)27624(\d+,.*^3,to,cif,,-)29625",
        r"\g<1>27625\g<2>29626",
        by_bridge,
        "the mart",
    ),
    "no language": (SHORT, '<html lang="en">', "<html>", by_axe, "html-has-lang"),
    "a button without a name": (
        SHORT,
        "</main>",
        "<button></button></main>",
        by_axe,
        "button-name",
    ),
}


@pytest.fixture(scope="module")
def part(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page of each kind, with its files: enough to break."""
    root, folder = site.resolve(), tmp_path_factory.mktemp("part") / "site"
    for page in {*one_of_each(pages_of(site)), PAIR, YEAR}:
        for file in [root / page, *root.glob(f"{page.removesuffix('.html')}.*.csv")]:
            target = folder / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    for name in ("style.css", "site.js"):
        shutil.copyfile(root / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def faults_before(
    part: Path, browser: Browser, built_warehouse: Settings
) -> Callable[[Check], set[str]]:
    """What a check says of the pages as they are: much leads nowhere in a part of a site."""
    return cache(lambda check: set(check(part, browser, built_warehouse)))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_broken_is_named(
    fault: str,
    part: Path,
    faults_before: Callable[[Check], set[str]],
    browser: Browser,
    built_warehouse: Settings,
    tmp_path: Path,
) -> None:
    file, pattern, instead, check, said = FAULTS[fault]
    broken = tmp_path / "site"
    shutil.copytree(part, broken)
    text = (broken / file).read_text(encoding="utf-8")
    changed, count = re.subn(pattern, instead, text, count=1)
    assert count == 1, "there is nothing to break"
    assert changed != text
    (broken / file).write_text(changed, encoding="utf-8")
    found = set(check(broken, browser, built_warehouse)) - faults_before(check)
    assert any(said in one for one in found), found
