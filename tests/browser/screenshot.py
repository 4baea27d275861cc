"""The picture of the README: the front page of a site, as a reader meets it.

Usage: python -m tests.browser.screenshot docs/front-page.png
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from browser.chromium import MISSING, executable, started, window

from dagster_project.settings import load_settings

_WIDTH, _HEIGHT = 1000, 1010


def take(site: Path, target: Path) -> None:
    with started() as browser, window(browser, width=_WIDTH, height=_HEIGHT) as seen:
        seen.goto((site / "index.html").absolute().as_uri(), wait_until="load")
        seen.screenshot(path=target)


if __name__ == "__main__":
    if executable() is None:
        sys.exit(f"No picture was taken: {MISSING}.")
    take(load_settings().report, Path(sys.argv[1]))
