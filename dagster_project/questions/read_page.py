"""Writes the figures of an article and their verdicts as one self-contained page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template, select_autoescape

from dagster_project.display import for_page
from dagster_project.questions.read import ReadAnswer
from dagster_project.questions.read_text import by_sentence, reading_in_words, summary, why_not

_PAGE = Path(__file__).with_name("read_page.html")
_FORM = Path(__file__).with_name("read_form.html")
# The colour only repeats the words of the verdict.
_COLOURS = {
    "confirmed": "good",
    "revised": "good",
    "other_basis": "good",
    "contradicted": "bad",
    "mislabelled": "bad",
}


def answer_page(answer: ReadAnswer, *, is_served: bool = False) -> str:
    """The sentences with figures, each figure underlined and followed by its verdict.

    A served page leads back to the form.
    """
    sentences = [
        {"parts": list(_parts(answer, figures)), "figures": figures}
        for _, figures in by_sentence(answer)
    ]
    return for_page(
        _template(_PAGE).render(
            is_served=is_served,
            article=answer.article,
            name=answer.name,
            sentences=sentences,
            summary=summary(answer),
            inconsistencies=answer.checked.inconsistencies,
            colour=lambda one: _COLOURS.get(one.status, "open"),
            how=reading_in_words,
            why_not=why_not,
        )
    )


def form_page(
    token: str, text: str = "", published_on: str = "", reporter: str = "", error: str = ""
) -> str:
    """The form for a text, with what was entered before and what is wrong with it."""
    return for_page(
        _template(_FORM).render(
            token=token, text=text, published_on=published_on, reporter=reporter, error=error
        )
    )


def _template(path: Path) -> Template:
    environment = Environment(
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(path.read_text(encoding="utf-8"))


def _parts(answer: ReadAnswer, figures: list):
    """The text of a sentence in pieces, each with its figure, or None."""
    text = answer.article.text
    position, end = figures[0].reading.sentence_start, figures[0].reading.sentence_end
    for one in sorted(figures, key=lambda one: one.reading.start):
        first, last = max(one.reading.start, position), one.reading.end
        yield text[position:first], None
        yield text[first:last], one
        position = last
    yield text[position:end], None
