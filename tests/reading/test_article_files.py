"""An article becomes the claims of its figures and the sentences that contain them, no more."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dagster_project.reading.article_files import read_as_article
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sources.articles import parse_claims, parse_documents
from dagster_project.sources.claim_vocabulary import vocabulary_from_seeds
from dagster_project.sources.inbox.folder import InboxError
from dagster_project.sources.isolation import Isolated

WORDS = vocabulary_from_seeds(PROJECT_ROOT / "dbt" / "seeds")
STORY = (
    "The weather in Seoul was fine. US goods exports to South Korea were $42.3 billion in 2016."
    " Nobody asked why.\n"
)
PAGE = f"""<!doctype html><html><head><title>Trade with Korea</title>
<meta property="article:published_time" content="2017-08-18"></head>
<body><article><h1>Trade with Korea</h1><p>{STORY}</p><p>{"Much else was said that day. " * 8}</p>
</article></body></html>"""


class InThisProcess(Isolated):
    """Calls functions here, which takes no start of a process."""

    def __init__(self) -> None:
        pass

    def call(self, function, *arguments, **_limits):
        return function(*arguments)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_claims_and_quotations_are_stored_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path, "korea.txt", STORY)
    article = read_as_article(path, {"published_on": date(2017, 8, 18)}, InThisProcess())
    assert article is not None
    assert article.figures == 1
    parsed = parse_claims(article.claims, "claims.csv", WORDS)
    (claim,) = parsed.frame.to_dicts()
    assert (claim["measure"], claim["reporter"], claim["partner"]) == ("exports", "USA", "KOR")
    assert (claim["quoted"], claim["confidence"]) == ("$42.3 billion", "certain")
    assert claim["quoted"] in claim["says"]
    (document,) = parse_documents(article.documents, "documents.csv").frame.to_dicts()
    assert document["document_id"] == claim["document_id"]
    assert document["published_on"] == date(2017, 8, 18)
    assert len(document["article_sha256"]) == 64
    assert b"weather" not in article.claims + article.documents


@pytest.mark.slow
def test_a_page_says_its_title_and_its_day(tmp_path: Path) -> None:
    article = read_as_article(written(tmp_path, "page.html", PAGE), {}, InThisProcess())
    assert article is not None
    (document,) = parse_documents(article.documents, "documents.csv").frame.to_dicts()
    assert (document["title_in_short"], document["published_on"]) == (
        "Trade with Korea",
        date(2017, 8, 18),
    )


def test_a_text_without_its_day_is_refused_with_what_to_state(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="published_on"):
        read_as_article(written(tmp_path, "korea.txt", STORY), {}, InThisProcess())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table.csv", "US exports to Korea,2016\n42.3,billion\n"),
        ("weather.txt", "It rained for 3 days, and 40 percent of the fields were flooded.\n"),
        ("error.html", "<html><body><p>403: the key is not valid.</p></body></html>"),
    ],
)
def test_other_files_are_no_articles(tmp_path: Path, name: str, text: str) -> None:
    assert read_as_article(written(tmp_path, name, text), {}, InThisProcess()) is None


def test_a_copy_is_the_same_article_and_another_text_is_another(tmp_path: Path) -> None:
    day = {"published_on": date(2017, 8, 18)}
    one = read_as_article(written(tmp_path, "a.txt", STORY), day, InThisProcess())
    copy = read_as_article(written(tmp_path, "copy.txt", STORY), day, InThisProcess())
    other = read_as_article(written(tmp_path, "a.txt", f"{STORY} "), day, InThisProcess())
    assert one is not None
    assert other is not None
    assert one == copy
    assert one.documents != other.documents


def test_a_pdf_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = written(tmp_path, "broken.pdf", "%PDF-1.7 and nothing more")
    with pytest.raises(InboxError, match="cannot be read as PDF"):
        read_as_article(path, {}, InThisProcess())
