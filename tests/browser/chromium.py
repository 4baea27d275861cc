"""The browser that is installed: where it is, how it is started, what it may reach."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "no Chromium is installed: `make test` brings it in where apt and its rights are there; else"
    " install the package chromium"
)


def executable() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def started() -> Generator[Browser]:
    # Its sandbox refuses to be started by root, who is the only user of most containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(),
            args=[*arguments, "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Browser,
    *,
    width: int = 1100,
    height: int = 900,
    dark: bool = False,
    script: bool = True,
) -> Generator[Page]:
    """A page of a browser of its own, without memory of others."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    try:
        yield context.new_page()
    finally:
        context.close()
