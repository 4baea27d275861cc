"""Which kinds of pages there are, as their addresses tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_KINDS: Mapping[str, str] = {
    "pair": r"[^/]+-[^/]+/index\.html",
    "year": r"[^/]+/\d{4}\.html",
    "sector": r"[^/]+/sectors/[^/]+\.html",
    "claim": r"claims/[^/]+\.html",
    "document": r"documents/[^/]+\.html",
    "sectors": r"[^/]+/sectors\.html",
}


def kind_of(page: str) -> str:
    """The kind of a page; one that there is once is a kind of its own."""
    return next((name for name, form in _KINDS.items() if re.fullmatch(form, page)), page)


def one_of_each(pages: Iterable[str]) -> list[str]:
    """The page in the middle of each kind: the first and last are often the odd ones."""
    by_kind: dict[str, list[str]] = {}
    for page in pages:
        by_kind.setdefault(kind_of(page), []).append(page)
    return [group[len(group) // 2] for group in by_kind.values()]
