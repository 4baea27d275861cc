"""An article goes in, and each of its figures comes out in its sentence with its verdict."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import Result

from dagster_project.sources.articles import CLAIM_COLUMNS

ARTICLE = (
    "Since the agreement took effect in 2012, the US goods deficit with South Korea has doubled,"
    " from $13.2 billion in 2011 to $27.6 billion in 2016. US goods exports to South Korea were"
    " $43.5 billion in 2016. It could fall by $10 billion.\n"
)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def objects(result: Result) -> list[dict]:
    return json.loads(result.stdout)


def test_each_figure_has_its_place_its_claim_and_its_verdict(
    bilateral: Callable[..., Result], article: Path
) -> None:
    result = bilateral("read", str(article), "--published-on", "2017-08-18", "--format", "json")
    found = objects(result)
    assert result.exit_code == 0
    assert [(one["quoted"], one["measure"], one["status"]) for one in found] == [
        ("doubled", "ratio_deficit", "confirmed"),
        ("$13.2 billion", "deficit", "confirmed"),
        ("$27.6 billion", "deficit", "confirmed"),
        ("$43.5 billion", "exports", "mislabelled"),
        ("$10 billion", "other", "not asserted"),
    ]
    for one in found:
        assert ARTICLE[one["char_start"] : one["char_end"]] == one["quoted"]
        assert one["quoted"] in one["sentence"]


def test_the_text_marks_the_figures_in_their_sentences(
    bilateral: Callable[..., Result], article: Path
) -> None:
    result = bilateral("read", str(article), "--published-on", "2017-08-18")
    text = " ".join(result.stdout.split())
    assert "from [f2: $13.2 billion] in 2011 to [f3: $27.6 billion] in 2016." in text
    assert "f3 CONFIRMED United States–South Korea, goods deficit, 2016" in text  # noqa: RUF001
    assert "f5 NOT ASSERTED" in text
    assert result.stderr == ""


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text(
        "Since the implementation of KORUS in 2012 the US goods deficit with Korea has doubled."
        " It was $27.6 billion last year.",
        encoding="utf-8",
    )
    return path


def test_another_reading_is_checked_too_and_says_if_it_is_true(
    bilateral: Callable[..., Result], letter: Path
) -> None:
    one, _ = objects(
        bilateral("read", str(letter), "--published-on", "2017-07-17", "--format", "json")
    )
    assert (one["confidence"], one["base_period"]) == ("open", "2012")
    assert one["alternatives"] == [{"base_period": "2011", "status": "confirmed"}]


def test_check_takes_the_claims_file_back(
    bilateral: Callable[..., Result], letter: Path, tmp_path: Path
) -> None:
    claims = tmp_path / "claims.csv"
    read = bilateral(
        *("read", str(letter), "--published-on", "2017-07-17", "--format", "json"),
        *("--claims", str(claims)),
    )
    rows = list(csv.DictReader(StringIO(claims.read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == CLAIM_COLUMNS
    assert [row["claim_id"] for row in rows] == ["f1", "# f1, or", "f2"]
    checked = bilateral("check", str(claims), "--format", "json")
    assert checked.stderr == ""
    assert [(one["claim_id"], one["reported_value"]) for one in objects(checked)] == [
        (one["claim_id"], one["value"]) for one in objects(read) if one["measure"] != "other"
    ]


def test_the_article_is_compared_with_itself(
    bilateral: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "sums.txt"
    path.write_text(
        "In 2016 US goods exports to Korea were $42.3 billion and imports from Korea $69.9 billion,"
        " so the deficit was $17.6 billion.",
        encoding="utf-8",
    )
    result = bilateral("read", str(path), "--published-on", "2017-08-18", "--format", "json")
    found = objects(result)
    assert {tuple(row["claim_ids"]) for one in found for row in one["inconsistencies"]} == {
        ("f1", "f2", "f3")
    }
    text = bilateral("read", str(path), "--published-on", "2017-08-18").stdout
    assert "INCONSISTENT  f1, f2, f3" in text


def test_standard_input_csv_and_a_page_say_the_same(
    bilateral: Callable[..., Result], article: Path
) -> None:
    options = ("--published-on", "2017-08-18", "--format")
    expected = objects(bilateral("read", str(article), *options, "json"))
    rows = list(
        csv.DictReader(StringIO(bilateral("read", "-", *options, "csv", stdin=ARTICLE).stdout))
    )
    assert [row["status"] for row in rows] == [one["status"] for one in expected]
    page = bilateral("read", str(article), *options, "html").stdout
    assert page.startswith("<!DOCTYPE html>")
    assert page.count('class="figure ') == len(expected)
    assert "http" not in page.replace("http-equiv", "")


def test_a_figure_that_the_warehouse_cannot_judge_says_why(
    bilateral: Callable[..., Result],
) -> None:
    text = (
        "US beef exports to Korea were $1.2 billion in 2017. UK exports to the US were £45 billion."
    )
    result = bilateral("read", "-", "--published-on", "2018-03-01", "--format", "json", stdin=text)
    found = objects(result)
    assert result.exit_code == 0
    assert [one["status"] for one in found] == ["not judged", "not judged"]
    assert found[0]["reason"].startswith("Sector beef: unknown sector")
    assert found[1]["reason"].startswith("Unit GBP bn: unknown unit")


def test_without_a_day_of_print_a_note_says_what_times_are_counted_from(
    bilateral: Callable[..., Result],
) -> None:
    result = bilateral("read", "-", stdin="US goods exports to Korea were $42.3 billion in 2016.")
    assert result.exit_code == 0
    assert result.stderr.startswith("Note: the text has no publication date")


def test_text_without_figures_is_no_error(bilateral: Callable[..., Result]) -> None:
    result = bilateral("read", "-", "--published-on", "2017-08-18", stdin="Talks begin in Seoul.")
    assert result.exit_code == 0
    assert "no trade figure was found" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("read", "absent.txt"), ""),
        (("read", "-", "--published-on", "18 August"), "Exports rose."),
        (("read", "-", "--published-on", "2017-08-18", "--reporter", "Atlantis"), "Exports rose."),
        (("read", "-"), ""),
    ],
    ids=["no file", "no date", "no country", "no text"],
)
def test_bad_input_is_one_sentence_and_code_2(
    bilateral: Callable[..., Result], arguments: tuple[str, ...], stdin: str
) -> None:
    result = bilateral(*arguments, stdin=stdin)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr


def test_what_a_terminal_obeys_is_shown_and_not_sent(bilateral: Callable[..., Result]) -> None:
    text = "US goods exports\x1b[2J to Korea\u202e were $42.3 billion in 2016.<script>0</script>"
    for form in ("text", "json", "html"):
        result = bilateral(
            "read", "-", "--published-on", "2017-08-18", "--format", form, stdin=text
        )
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout
        assert form != "html" or "<script>" not in result.stdout


def test_the_reporter_is_the_one_given_where_the_text_names_none(
    bilateral: Callable[..., Result],
) -> None:
    text = "The trade deficit with Japan was 3.57 trillion yen in 2017."
    arguments = ("read", "-", "--published-on", "2018-03-01", "--format", "json")
    (one,) = objects(bilateral(*arguments, "--reporter", "South Korea", stdin=text))
    assert (one["reporter"], one["partner"]) == ("KOR", "JPN")


def test_without_a_file_it_says_what_to_name(bilateral: Callable[..., Result]) -> None:
    result = bilateral("read")
    assert result.exit_code == 2
    assert "--open" in result.stderr
