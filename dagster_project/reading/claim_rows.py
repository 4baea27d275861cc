"""Writes what was read as the rows of a claims file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping

from dagster_project import display
from dagster_project.reading.readings import Reading
from dagster_project.reading.text import Article
from dagster_project.sources.articles import CLAIM_COLUMNS, DOCUMENT_COLUMNS

# A longer sentence is cut: no more of an article is stored than is needed to cite it.
_LONGEST_QUOTE = 400


def claim_row(one: Reading, claim_id: str, document: str, article: Article) -> dict[str, str]:
    """The row of a claims file that says what a figure asserts."""
    sentence = " ".join(article.text[one.sentence_start : one.sentence_end].split())
    return {
        "claim_id": claim_id,
        "document_id": document,
        "says": sentence[:_LONGEST_QUOTE],
        "quoted": " ".join(article.text[one.start : one.end].split()),
        "confidence": one.confidence,
        "trade_kind": one.trade_kind,
        "measure": one.measure,
        "reporter": one.reporter,
        "partner": one.partner,
        "sector": one.sector,
        "period": one.period,
        "base_period": one.base_period,
        "value": f"{one.value.normalize():f}",
        "unit": one.unit,
        "rounding": f"{one.rounding:f}",
        "hedge": one.hedge,
        "attributed_to": one.attributed_to,
        "compared_with": "",
    }


def as_csv(rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as the text of a claims file."""
    text = io.StringIO()
    display.write_csv(CLAIM_COLUMNS, ([row[one] for one in CLAIM_COLUMNS] for row in rows), text)
    return text.getvalue()


def documents_csv(document: str, article: Article, address: str, sha256: str) -> str:
    """The row of a documents file that describes an article."""
    row = {
        "document_id": document,
        "publisher": article.publisher,
        "title_in_short": article.title or document,
        "published_on": article.published_on.isoformat() if article.published_on else "",
        "seed_file": "",
        "address": address,
        "article_sha256": sha256,
    }
    text = io.StringIO()
    display.write_csv(DOCUMENT_COLUMNS, [[row[one] for one in DOCUMENT_COLUMNS]], text)
    return text.getvalue()
