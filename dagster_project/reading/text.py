"""Extracts the text of an article from a file: plain text, Markdown, HTML or PDF.

Web pages and PDF files are parsed by libraries in a child process with limits on time and memory;
see `sources/isolation.py`. Nothing is fetched.
"""

from __future__ import annotations

import io
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from dagster_project.sources.isolation import MB, Isolated, Limits, ReadingFailed

# Articles are smaller; a file beyond these limits is something else.
MOST_BYTES = 50 * MB
MOST_CHARACTERS = 1_000_000
_MOST_PAGES = 500
_LIMITS = Limits(cpu_seconds=40, wall_seconds=120, memory=450 * MB)
# The text of a page was not found if it is shorter than this.
_LEAST_TEXT = 80
_HYPHENATED = re.compile(r"(?<![^\W_])([^\W_]{1,40}+)-\n([a-z]{1,40}+)")
# Words that keep the hyphen before them: third-largest, year-on-year.
_AFTER_HYPHEN = frozenset(
    {"largest", "biggest", "on", "over", "to", "way", "year", "month", "owned"}
)
_IS_HTML = re.compile(rb"<(?:!doctype\s|html|head|body|article|div|p)\b", re.IGNORECASE)
_BYLINE_LINES = 25
_LONGEST_TITLE = 150
_DAY_FORMS = ("%B %d, %Y", "%b %d, %Y", "%b. %d, %Y", "%d %B %Y", "%d %b %Y", "%Y-%m-%d")


class ArticleError(ValueError):
    """A file from which no article can be read; the message says why and what to do."""


@dataclass(frozen=True)
class Article:
    """The main text of a page, and what the page says about itself; empty where it says nothing."""

    text: str
    title: str = ""
    publisher: str = ""
    address: str = ""
    published_on: date | None = None


def with_day(article: Article, day: date) -> Article:
    """The article with a publication date other than that on its page."""
    return replace(article, published_on=day)


def read_article(content: bytes, name: str) -> Article:
    """The article of a file.

    Args:
        content: the bytes of the file.
        name: the name in error messages; the format is detected from the bytes, not the suffix.

    Raises:
        ArticleError: there is no text, or too much, or the parser fails or exceeds its limits.
    """
    if len(content) > MOST_BYTES:
        raise ArticleError(
            f"{name}: {len(content) // MB:,} MB; an article may have at most {MOST_BYTES // MB} MB."
        )
    parser = _parser(content)
    try:
        if parser is None:
            article = _plain(content)
        else:
            with Isolated(__name__) as child:
                article = child.call(parser, content, limits=_LIMITS, expected=(ArticleError,))
    except ArticleError as error:
        raise ArticleError(f"{name}: {error}") from None
    except ReadingFailed as error:
        raise ArticleError(f"{name}: {error}. Save the text and read that instead.") from None
    if len(article.text) > MOST_CHARACTERS:
        raise ArticleError(
            f"{name}: {len(article.text):,} characters; at most {MOST_CHARACTERS:,} are read."
            " Split the file, or save only the article."
        )
    if not article.text.strip():
        raise ArticleError(f"{name}: no text was found. Save the text and read that instead.")
    return article


def _parser(content: bytes):
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"%PDF"):
        return parse_pdf
    return parse_page if start.startswith(b"<") and _IS_HTML.search(start) else None


def _plain(content: bytes) -> Article:
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ArticleError("it is not a text, HTML or PDF file.")
    text = decoded(content)
    return Article(text, title=_first_line(text), published_on=_byline_day(text))


def decoded(content: bytes) -> str:
    """Text in UTF-8 or UTF-16, or else in the encoding of older Windows programs."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _first_line(text: str) -> str:
    """The title of a text: a short first line with an empty line after it."""
    lines = text[:4000].strip().splitlines()
    if len(lines) < 2 or lines[1].strip() or lines[0].rstrip().endswith("."):
        return ""
    title = lines[0].strip("# *\t")
    return title if len(title) <= _LONGEST_TITLE else ""


def _byline_day(text: str) -> date | None:
    """The date on a line of its own near the top."""
    for line in text[:6000].splitlines()[:_BYLINE_LINES]:
        words = line.strip(" *_#|").removeprefix("Published ").removeprefix("on ")
        for form in _DAY_FORMS:
            with suppress(ValueError):
                return datetime.strptime(words, form).date()
    return None


# -- in the child -------------------------------------------------------------------------------


def parse_page(content: bytes) -> Article:
    """The main text of a web page as Markdown, without menus, comments and banners."""
    import trafilatura

    html = decoded(content)
    text = trafilatura.extract(html, output_format="markdown", include_comments=False) or ""
    if len(text) < _LEAST_TEXT:
        more = trafilatura.extract(
            html, output_format="markdown", include_comments=False, favor_recall=True
        )
        text = more or text or trafilatura.html2txt(html)
    about = trafilatura.extract_metadata(html)
    published = None
    if about is not None and about.date:
        with suppress(ValueError):
            published = date.fromisoformat(about.date[:10])
    return Article(
        text,
        title=about.title or "" if about else "",
        publisher=about.sitename or "" if about else "",
        address=about.url or "" if about else "",
        published_on=published,
    )


def parse_pdf(content: bytes) -> Article:
    """The text of a PDF file; words split at the end of a line are joined.

    Raises:
        ArticleError: it is encrypted, has too many pages, or has no text.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ArticleError("it is protected by a password.")
        if len(reader.pages) > _MOST_PAGES:
            raise ArticleError(f"it has more than {_MOST_PAGES} pages. Save the pages you need.")
        pages = [page.extract_text() or "" for page in reader.pages]
    except PyPdfError as error:
        raise ArticleError(f"it cannot be read as PDF ({str(error)[:100]}).") from error
    text = _HYPHENATED.sub(_joined, "\n\n".join(page.strip() for page in pages))
    if not text.strip():
        raise ArticleError("it has no text, only images of pages. Run OCR on it first.")
    about = reader.metadata
    published = None
    with suppress(Exception):
        created = about.creation_date if about else None
        published = created.date() if created else None
    title = str((about and about.title) or "").strip()
    return Article(
        text, title=title or _first_line(text), published_on=_byline_day(text) or published
    )


def _joined(found: re.Match[str]) -> str:
    """Join a word split at the end of a line, or two words with a hyphen between them."""
    hyphen = "-" if found[2] in _AFTER_HYPHEN or not found[1].isalpha() else ""
    return f"{found[1]}{hyphen}{found[2]}"


def read_file(path: Path) -> Article:
    """Read the article in a file; see `read_article`.

    Raises:
        ArticleError: the file cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ArticleError(
                f"{path}: {size // MB:,} MB; an article may have at most {MOST_BYTES // MB} MB."
            )
        content = path.read_bytes()
    except OSError as error:
        raise ArticleError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    return read_article(content, str(path))
