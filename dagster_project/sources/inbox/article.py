"""Stores an article that was read: its claims and what is known about it, as one release."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.settings import Settings
from dagster_project.sources import articles
from dagster_project.sources.claim_vocabulary import vocabulary_from_seeds
from dagster_project.sources.inbox.folder import Imported, InboxError, State, shown_name
from dagster_project.sources.snapshot import (
    NewFile,
    NewRelease,
    Release,
    SnapshotError,
    add_release,
)

ARTICLE = "article"
_SOURCE, _CLAIMS, _DOCUMENTS = "articles", "articles__claims", "articles__documents"
_LICENCE = "Sentences quoted from the article; the article itself is not stored"


@dataclass(frozen=True)
class ArticleText:
    """An article that was read.

    `claims` and `documents` are CSV in the layouts of the source `articles`. `figures` is how many
    trade figures were found; `claims` has those that assert something.
    """

    claims: bytes
    documents: bytes
    figures: int
    address: str | None


def import_article(
    path: Path,
    state: State,
    article: ArticleText,
    settings: Settings,
    stated: Mapping[str, Any],
    held: Sequence[Release],
    moment: datetime,
) -> tuple[Imported, State]:
    """Add the release of an article; one that was read the same way before adds nothing.

    `state` is the one in which the file was read.

    Raises:
        InboxError: none of its figures can be judged, or the release contradicts earlier ones.
    """
    known_from = stated.get("known_from", moment.date())
    vocabulary = vocabulary_from_seeds(settings.seeds)
    parsed = articles.parse_claims(article.claims, shown_name(path.name), vocabulary)
    if parsed.frame.is_empty():
        raise InboxError(
            f"none of its {article.figures} trade figures can be judged{parsed.first_reject()}."
        )
    digest = hashlib.sha256(article.claims + article.documents).hexdigest()
    note = f"Read from {shown_name(path.name)}, of which only sentences with figures are stored"
    contents = {"claims": (_CLAIMS, article.claims), "documents": (_DOCUMENTS, article.documents)}
    new = NewRelease(
        source_id=_SOURCE,
        release_id=stated.get("release_id", f"{known_from:%Y-%m-%d}-{digest[:8]}"),
        known_from=known_from,
        known_from_precision="day",
        retrieved_on=moment.date(),
        licence=stated.get("licence", _LICENCE),
        redistributable=stated.get("redistributable", False),
        files=tuple(
            NewFile(f"{layout}.csv", table, layout, article.address, content, note=note)
            for layout, (table, content) in contents.items()
        ),
        retrieved_at=moment,
    )
    hashes = {file.sha256() for file in new.files}
    same = [one for one in held if hashes == {file.sha256 for file in one.files}]
    if same:
        release, is_new = same[0], False
    else:
        try:
            added = add_release(settings.fetched_snapshots, new, held)
        except SnapshotError as error:
            raise InboxError(str(error)) from error
        release, is_new = added.release, added.is_new
    rows, rejects = parsed.frame.height, parsed.rejects["row_number"].n_unique()
    imported = Imported(
        shown_name(path.name), _CLAIMS, ARTICLE, release, is_new, rows, rejects, None
    )
    return imported, state
