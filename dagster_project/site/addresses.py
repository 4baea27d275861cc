"""The addresses of pages. Others cite them, so they depend only on names."""

from __future__ import annotations

import hashlib
import posixpath
import re

INDEX = "index.html"
SOURCES = "sources.html"
DICTIONARY = "dictionary.html"
GAPS = "world/gaps.html"
REPORTERS = "world/reporters.html"
STYLE = "style.css"
SCRIPT = "site.js"

# Fits the limits of any file system, with a hash and the id of a figure after it.
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
    """The id of a figure on its page and in the name of its CSV file."""
    return _name(name)


def of_csv(page: str, figure_id: str) -> str:
    """The CSV file of a figure, beside its page."""
    return f"{page.removesuffix('.html')}.{figure_id}.csv"


def relative(page: str, target: str) -> str:
    """A relative link between pages; it works in a folder and on a server."""
    path, anchor, name = target.partition("#")
    if not path:
        return target
    return posixpath.relpath(path, posixpath.dirname(page) or ".") + anchor + name


def _pair(reporter: str, partner: str) -> str:
    return f"{_code(reporter)}-{_code(partner)}"


def _code(text: str) -> str:
    """A country code in lower case. Country codes are upper case, so lower case stays unique."""
    return _name(text.lower() if text.isupper() else text)


def _name(text: str) -> str:
    """A name that is valid in URLs and file systems; a changed or cut name ends with a hash.

    So two names that differ only in case, or in characters that an address cannot hold, have
    two addresses.
    """
    plain = text.lower()
    if _PLAIN.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    kept = re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-_")[:_LONGEST]
    return f"{kept}-{digest}" if kept else digest
