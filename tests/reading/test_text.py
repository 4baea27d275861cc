"""The words of an article come out of its file, and nothing else does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from reading.portable_document import pdf
from reading.scoring import TEXTS

from dagster_project.reading.reader import read
from dagster_project.reading.text import (
    MOST_CHARACTERS,
    ArticleError,
    parse_page,
    parse_pdf,
    read_article,
    read_file,
)

PAGE = (TEXTS / "held_out_1" / "h21_html.html").read_bytes()
PAGES = 60


def test_a_page_is_read_without_menus_banners_and_comments() -> None:
    article = parse_page(PAGE)
    assert "$71.1 billion" in article.text
    for other in ("cookies", "Markets", "Most read", "$800 billion", "Subscribe"):
        assert other not in article.text
    assert (article.title, article.publisher, article.published_on) == (
        "Deficit with Mexico tops $71 billion",
        "The Border Ledger",
        date(2018, 2, 6),
    )


def _read_or_refused(content: bytes, name: str) -> bool:
    """Whether a file gives its text or an error that names it."""
    try:
        return bool(read_article(content, name).text.strip())
    except ArticleError as error:
        return str(error).startswith(f"{name}: ")


@pytest.mark.slow
def test_a_page_is_known_by_its_bytes_and_read_in_a_child_process() -> None:
    assert read_article(PAGE, "saved").text == parse_page(PAGE).text


def test_words_divided_at_the_end_of_a_line_are_joined() -> None:
    article = parse_pdf(pdf([["Goods ex-", "ports to Korea (2016)", "were $42.3 billion."]]))
    assert article.text == "Goods exports to Korea (2016)\nwere $42.3 billion."
    article = parse_pdf(pdf([["its third-", "largest and 22nd-", "biggest market"]]))
    assert article.text == "its third-largest and 22nd-biggest market"


def test_a_table_of_a_document_keeps_its_columns() -> None:
    lines = ["US goods trade with Korea (millions of dollars)", "Year Exports Imports Balance"]
    lines += ["2012 42,284 58,902 -16,618", "2013 41,687 62,379 -20,693"]
    found = read(parse_pdf(pdf([lines])).text, date(2014, 5, 15))
    assert [(one.measure, one.period, one.unit, float(one.value)) for one in found] == [
        ("exports", "2012", "USD mn", 42_284),
        ("imports", "2012", "USD mn", 58_902),
        ("balance", "2012", "USD mn", -16_618),
        ("exports", "2013", "USD mn", 41_687),
        ("imports", "2013", "USD mn", 62_379),
        ("balance", "2013", "USD mn", -20_693),
    ]
    assert {(one.reporter, one.partner) for one in found} == {("USA", "KOR")}


@pytest.mark.slow
def test_sixty_pages_are_read_within_the_limits() -> None:
    page = ["US goods exports to Korea were $42.3 billion in 2016, 2.7 percent less than in 2011."]
    article = read_article(pdf([page * 40] * PAGES), "long.pdf")
    assert article.text.count("$42.3 billion") == 40 * PAGES


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4\n",
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R >>\nendobj\ntrailer << /Root 1 0 R >>",
        pdf([["Exports were $5 billion."]])[:400],
        pdf([["Exports were $5 billion."]]).replace(b"/Count 1", b"/Count 999999999"),
        pdf([["Exports were $5 billion."]]).replace(b"/Parent 2 0 R", b"/Parent 5 0 R"),
        pdf([["Exports were $5 billion."]]).replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]"),
        b"%PDF-1.7\n" + b"<<" * 50_000,
    ],
    ids=["empty", "no pages", "cut off", "false count", "own parent", "own child", "nested"],
)
def test_a_broken_document_is_read_or_refused_and_never_crashes(content: bytes) -> None:
    assert _read_or_refused(content, "broken.pdf")


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"<html>" + b"<div>" * 20_000 + b"Exports were $5 billion.",
        b"<html><body><table>" + b"<tr><td>1" * 20_000,
        b"<!doctype html><p>" + b"&" * 200_000,
        b"<html>\xff\xfe\x00<body>" + b"<a href='" * 5_000,
    ],
    ids=["deep", "open cells", "ampersands", "bytes"],
)
def test_a_broken_page_is_read_or_refused_and_never_crashes(content: bytes) -> None:
    assert _read_or_refused(content, "broken.html")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Trade with Côte d\u2019Ivoire".encode(), "Trade with Côte d\u2019Ivoire"),
        ("\ufeffTrade".encode(), "Trade"),
        ("Trade in €".encode("utf-16"), "Trade in €"),
        ("Trade in €".encode("cp1252"), "Trade in €"),
    ],
)
def test_text_is_read_in_the_encodings_that_people_save(content: bytes, expected: str) -> None:
    assert read_article(content, "a.txt").text == expected


@pytest.mark.parametrize(
    "content", [b"", b"  \n ", b"\x7fELF\x00\x00", b"x" * (MOST_CHARACTERS + 1)]
)
def test_what_is_no_article_is_refused_with_its_name(content: bytes) -> None:
    with pytest.raises(ArticleError, match=r"^a\.txt: "):
        read_article(content, "a.txt")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match=r"absent\.txt: cannot be read"):
        read_file(tmp_path / "absent.txt")


def test_a_line_that_is_a_date_is_the_day_of_print() -> None:
    text = b"Talks begin\n\nJuly 13, 2017\n\nThe deficit has doubled.\n"
    assert read_article(text, "a.txt").published_on == date(2017, 7, 13)
