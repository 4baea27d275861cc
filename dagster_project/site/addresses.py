"""Where each page stands: the addresses that others cite, so they depend on names alone."""

from __future__ import annotations

import hashlib
import posixpath
import re

INDEX = "index.html"
SOURCES = "sources.html"
DICTIONARY = "dictionary.html"
MODELS = "models/index.html"
GAPS = "world/gaps.html"
REPORTERS = "world/reporters.html"
STYLE = "style.css"
SCRIPT = "site.js"

# As long as a name may be on any disk, with a mark and the name of a figure after it.
_LONGEST = 60
_PLAIN = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{_LONGEST - 1}}}")


def of_pair(reporter: str, partner: str) -> str:
    return f"{_pair(reporter, partner)}/index.html"


def of_year(reporter: str, partner: str, year: int) -> str:
    return f"{_pair(reporter, partner)}/{year}.html"


def of_sector(reporter: str, partner: str, sector_id: str) -> str:
    return f"{_pair(reporter, partner)}/sectors/{_name(sector_id)}.html"


def of_sectors(reporter: str, partner: str) -> str:
    return f"{_pair(reporter, partner)}/sectors.html"


def of_claim(claim_id: str) -> str:
    return f"claims/{_name(claim_id)}.html"


def of_document(document_id: str) -> str:
    return f"documents/{_name(document_id)}.html"


def anchor(name: str) -> str:
    """The name of a figure in its page and of its rows beside it."""
    return _name(name)


def of_csv(page: str, figure_id: str) -> str:
    """The rows of a figure stand beside its page."""
    return f"{page.removesuffix('.html')}.{figure_id}.csv"


def relative(page: str, target: str) -> str:
    """A link from one page to another that works from a folder as from a server."""
    path, anchor, name = target.partition("#")
    if not path:
        return target
    return posixpath.relpath(path, posixpath.dirname(page) or ".") + anchor + name


def _pair(reporter: str, partner: str) -> str:
    return f"{_code(reporter)}-{_code(partner)}"


def _code(text: str) -> str:
    """A country by its code, which has capitals alone: no other code is it in small letters."""
    return _name(text.lower() if text.isupper() else text)


def _name(text: str) -> str:
    """A name that can stand in an address and on any disk; what is changed or cut keeps a mark.

    Two names that differ in capitals alone, or in signs that an address cannot hold, stay
    two addresses.
    """
    plain = text.lower()
    if _PLAIN.fullmatch(text):
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    kept = re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-_")[:_LONGEST]
    return f"{kept}-{mark}" if kept else mark
