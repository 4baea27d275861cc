"""Turns an article into the two files of its release: its claims, and what is known about it.

The words of an article are its publisher's: of them only the sentences with figures are stored, as
quotations.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from dagster_project.reading.claim_rows import as_csv, claim_row, documents_csv
from dagster_project.reading.reader import read
from dagster_project.reading.text import MOST_BYTES, Article, ArticleError, read_article, with_day
from dagster_project.sources.inbox.article import ArticleText
from dagster_project.sources.inbox.folder import InboxError
from dagster_project.sources.isolation import MB, Isolated, Limits, ReadingFailed

# Files with these endings may be articles; tables of data are not taken for one.
ENDINGS = frozenset({".txt", ".text", ".md", ".markdown", ".html", ".htm", ".pdf"})
# A million characters take about eight seconds.
_LIMITS = Limits(cpu_seconds=60, wall_seconds=360, memory=1024 * MB)
_LONGEST_ID = 24


def read_as_article(
    path: Path, stated: Mapping[str, object], isolated: Isolated
) -> ArticleText | None:
    """The files of an article's release; None for a file without trade figures.

    Args:
        path: the file.
        stated: `published_on` and `address`, where the file does not say them.
        isolated: the child process that reads the text.

    Raises:
        InboxError: it has trade figures but no publication date, or it cannot be read.
    """
    if path.suffix.lower() not in ENDINGS:
        return None
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        article = read_article(content, path.name)
    except ArticleError as error:
        if content.startswith(b"%PDF"):
            # No publisher's data are PDF files: what is wrong with the text is what is wrong.
            raise InboxError(str(error).removeprefix(f"{path.name}: ")) from error
        return None
    day = stated.get("published_on")
    if isinstance(day, date):
        article = with_day(article, day)
    digest = hashlib.sha256(content).hexdigest()
    address = str(stated.get("address") or article.address)
    try:
        found = isolated.call(compose, article, digest, address, limits=_LIMITS)
    except ReadingFailed as error:
        raise InboxError(f"its text cannot be read ({error}). Divide it.") from error
    if found is None or not found.claims:
        return None
    if article.published_on is None:
        raise InboxError(
            f"an article with {found.figures} trade figures that does not state its date."
            f' State the day (--published-on, or {{"published_on": "YYYY-MM-DD"}} in'
            f" {path.name}.json)."
        )
    return found


def compose(article: Article, sha256: str, address: str) -> ArticleText | None:
    """Read the figures of an article and write its files; run in a child process."""
    day = article.published_on or date.today()
    found = read(article.text, day)
    claims = [one for one in found if one.is_claim]
    if not claims:
        return None
    document = _document_id(article.title, sha256)
    rows = [
        claim_row(one, f"{document}-{place:02}", document, article)
        for place, one in enumerate(claims, start=1)
    ]
    return ArticleText(
        as_csv(rows).encode(),
        documents_csv(document, article, address, sha256).encode(),
        len(found),
        address or None,
    )


def _document_id(title: str, sha256: str) -> str:
    """The title, and enough of the hash that no other article has the same id.

    It does not depend on the name of the file, so that a copy is the same article.
    """
    name = re.sub(r"[^a-z0-9]+", "_", title.casefold())[:_LONGEST_ID].strip("_") or "article"
    return f"{name}_{sha256[:8]}"
