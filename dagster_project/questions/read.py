"""Reads an article, and checks each figure in it against the published warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import polars as pl

from dagster_project.claims.wording import Verdict
from dagster_project.questions.check import Checked, check_claims
from dagster_project.questions.replay import Replay
from dagster_project.questions.words import Words
from dagster_project.reading.claim_rows import as_csv, claim_row
from dagster_project.reading.readings import Reading
from dagster_project.reading.text import Article
from dagster_project.sources.articles import (
    CLAIMS_SCHEMA,
    DOCUMENTS_SCHEMA,
    parse_claims,
)


@dataclass(frozen=True)
class Judged:
    """A figure of an article with its verdict.

    `verdict` and `words` are empty for a figure that cannot be judged, and `why_not` says why.
    `alternatives` are the other readings, each with the fields that differ and its status.
    """

    claim_id: str
    reading: Reading
    verdict: Mapping[str, object] = field(default_factory=dict)
    words: Verdict | None = None
    why_not: str = ""
    alternatives: Sequence[tuple[Mapping[str, str], str]] = ()

    @property
    def status(self) -> str:
        """The verdict's status; without one, `not understood`, `not asserted` or `not judged`."""
        if self.words is not None:
            return str(self.verdict["status"])
        return "not judged" if self.reading.is_claim else self.reading.confidence


@dataclass(frozen=True)
class ReadAnswer:
    """An article, its figures in the order of the text, and where it contradicts itself."""

    article: Article
    name: str
    judged: Sequence[Judged]
    checked: Checked

    @property
    def is_contradicted(self) -> bool:
        """Whether a figure is contradicted or the article contradicts itself."""
        return self.checked.is_contradicted


def judge(
    replay: Replay, words: Words, article: Article, name: str, found: Sequence[Reading]
) -> ReadAnswer:
    """Check the figures of an article, and their other readings, as `bilateral check` does.

    Raises:
        InputError: there are more figures than one check allows.
    """
    document = PurePath(name).stem or "article"
    ids = {id(one): f"f{place}" for place, one in enumerate(found, start=1)}
    claims = [one for one in found if one.is_claim]
    vocabulary = words.claim_vocabulary
    rows = [claim_row(one, ids[id(one)], document, article) for one in claims]
    parsed = parse_claims(as_csv(rows).encode(), name, vocabulary) if rows else None
    documents = _documents([document, _others(document)], article)
    frame = parsed.frame if parsed else pl.DataFrame(schema=CLAIMS_SCHEMA)
    # Other readings are checked first, because only the results of the last check are kept.
    others = [
        ({**row, **fields, "claim_id": f"{row['claim_id']}.{place}"}, fields)
        for row, one in zip(rows, claims, strict=True)
        for place, fields in enumerate(one.alternatives, start=2)
    ]
    statuses: dict[str, str] = {}
    if others:
        of_others = [{**row, "document_id": _others(document)} for row, _ in others]
        readable = parse_claims(as_csv(of_others).encode(), name, vocabulary)
        second = check_claims(replay, words, readable.frame, documents, [], name)
        statuses = {key: str(one["status"]) for key, one in second.verdicts.items()}
    checked = check_claims(replay, words, frame, documents, [], name)
    reasons = _reasons(parsed.rejects, rows) if parsed else {}
    judged = []
    for one in found:
        claim_id = ids[id(one)]
        judged.append(
            Judged(
                claim_id,
                one,
                checked.verdicts.get(claim_id, {}),
                checked.in_words.get(claim_id),
                reasons.get(claim_id, one.why),
                [
                    (fields, statuses.get(f"{claim_id}.{place}", ""))
                    for place, fields in enumerate(one.alternatives, start=2)
                ],
            )
        )
    return ReadAnswer(article, name, judged, checked)


def claims_file(answer: ReadAnswer) -> str:
    """The claims as a file for `bilateral check`; other readings are commented out."""
    document = PurePath(answer.name).stem or "article"
    rows = []
    for one in answer.judged:
        if not one.reading.is_claim:
            continue
        row = claim_row(one.reading, one.claim_id, document, answer.article)
        rows.append(row)
        rows += [
            {**row, **fields, "claim_id": f"# {one.claim_id}, or"} for fields, _ in one.alternatives
        ]
    return as_csv(rows)


def _others(document: str) -> str:
    return f"{document}, other readings"


def _documents(names: Sequence[str], article: Article) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "row_number": place,
                "document_id": name,
                "publisher": article.publisher or None,
                "title_in_short": article.title or None,
                "published_on": article.published_on,
            }
            for place, name in enumerate(names)
        ],
        schema=DOCUMENTS_SCHEMA,
        orient="row",
    )


def _reasons(rejects: pl.DataFrame, rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The reasons why rows cannot be checked, by claim; row numbers count the header."""
    found: dict[str, list[str]] = {}
    for one in rejects.to_dicts():
        claim_id = rows[one["row_number"] - 2]["claim_id"]
        found.setdefault(claim_id, []).append(
            f"{one['column_name']} {one['value']}: {one['reason']}"
        )
    return {claim_id: "; ".join(reasons) for claim_id, reasons in found.items()}
