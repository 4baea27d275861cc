"""Writes the figures of an article and their verdicts: text and objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from dagster_project.questions.check import inconsistency_lines
from dagster_project.questions.read import Judged, ReadAnswer
from dagster_project.questions.values import plural, wrapped

# Why a text does not assert a figure, by the reasons in the table `unasserted`.
_NOT_ASSERTED = {
    "hypothesis": "the text says what could happen, not what did",
    "forecast": "the text forecasts it",
    "plan": "the text describes a plan or a wish",
    "negation": "the text denies it",
    "loose talk": "the text does not say what it means by a loss",
    "rate": "it is an amount per day, week, month or person",
    "average": "it is an average, which is not supported yet",
}
_FIELDS = {"period": "period", "base_period": "base", "trade_kind": "kind of trade"}


def answer_text(answer: ReadAnswer, width: int) -> str:
    """Each sentence with its figures marked, and under it each claim with its verdict."""
    article = answer.article
    heading = ", ".join(
        one
        for one in (
            article.title or answer.name,
            article.publisher,
            str(article.published_on) if article.published_on else "",
        )
        if one
    )
    lines = wrapped(heading, width, "")
    for sentence, figures in by_sentence(answer):
        lines += ["", *wrapped(sentence, width, "")]
        for one in figures:
            lines += ["", *_figure_lines(answer, one, width)]
    for row in answer.checked.inconsistencies:
        lines += ["", *inconsistency_lines(row, width)]
    return "\n".join([*lines, "", summary(answer)])


def _figure_lines(answer: ReadAnswer, one: Judged, width: int) -> list[str]:
    if one.words is None:
        heading = _as_printed(answer, one)
        lines = wrapped(f"{one.claim_id}  {one.status.upper()}  {heading}", width, "  ")
        return lines + wrapped(why_not(one), width, "      ")
    lines = wrapped(f"{one.claim_id}  {one.words.status.upper()}  {one.words.about}", width, "  ")
    lines += wrapped(one.words.evidence, width, "      ")
    if one.words.needed:
        lines += wrapped(one.words.needed, width, "      ")
    if one.reading.confidence != "certain":
        lines += wrapped(reading_in_words(one), width, "      ")
    return lines


def why_not(one: Judged) -> str:
    """Why a figure is not judged, as a sentence."""
    reason = _NOT_ASSERTED.get(one.why_not, one.why_not)
    return f"{reason[:1].upper()}{reason[1:]}."


def _as_printed(answer: ReadAnswer, one: Judged) -> str:
    return " ".join(answer.article.text[one.reading.start : one.reading.end].split())


def reading_in_words(one: Judged) -> str:
    """How certain the reading is, and which other readings there are."""
    parts = [f"Reading {one.reading.confidence}: {'; '.join(one.reading.rules)}."]
    for fields, status in one.alternatives:
        said = ", ".join(f"{_FIELDS.get(key, key)} {value}" for key, value in fields.items())
        parts.append(f"With {said}: {status or 'not judged'}.")
    return " ".join(parts)


def by_sentence(answer: ReadAnswer) -> Iterator[tuple[str, list[Judged]]]:
    """Each sentence with figures, which are marked [f1: $27.6 billion], and these figures."""
    for (start, end), group in groupby(
        answer.judged, lambda one: (one.reading.sentence_start, one.reading.sentence_end)
    ):
        figures = list(group)
        parts, position = [], start
        for one in sorted(figures, key=lambda one: one.reading.start):
            first, last = max(one.reading.start, position), one.reading.end
            parts.append(answer.article.text[position:first])
            parts.append(f"[{one.claim_id}: {answer.article.text[first:last]}]")
            position = last
        parts.append(answer.article.text[position:end])
        yield " ".join("".join(parts).split()), figures


def summary(answer: ReadAnswer) -> str:
    """How many figures were found, by status."""
    counts = Counter(one.status for one in answer.judged)
    counted = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    text = f"{plural(len(answer.judged), 'figure')}: {counted or 'no trade figure was found'}"
    if found := answer.checked.inconsistencies:
        text += f"; {plural(len(found), 'inconsistency', 'inconsistencies')}"
    return text


def answer_objects(answer: ReadAnswer) -> list[dict[str, object]]:
    """One object per figure, in the order of the text."""
    text = answer.article.text
    return [
        {
            "claim_id": one.claim_id,
            "measure": one.reading.measure,
            "reporter": one.reading.reporter,
            "partner": one.reading.partner,
            "sector": one.reading.sector,
            "trade_kind": one.reading.trade_kind,
            "period": one.reading.period,
            "base_period": one.reading.base_period,
            "value": one.reading.value,
            "unit": one.reading.unit,
            "rounding": one.reading.rounding,
            "hedge": one.reading.hedge,
            "attributed_to": one.reading.attributed_to,
            "char_start": one.reading.start,
            "char_end": one.reading.end,
            "quoted": text[one.reading.start : one.reading.end],
            "sentence_start": one.reading.sentence_start,
            "sentence_end": one.reading.sentence_end,
            "sentence": text[one.reading.sentence_start : one.reading.sentence_end],
            "confidence": one.reading.confidence,
            "rules": one.reading.rules,
            "status": one.status,
            "reason_code": one.verdict.get("reason_code"),
            "reason": one.words.text if one.words else why_not(one),
            "basis": one.verdict.get("basis_id"),
            "release": one.verdict.get("release_key"),
            "found_value": one.verdict.get("value"),
            "evidence": one.verdict.get("evidence"),
            "alternatives": [{**fields, "status": status} for fields, status in one.alternatives],
            "inconsistencies": [
                {"equation": row["equation"], "about": row["about"], "claim_ids": row["claim_ids"]}
                for row in answer.checked.inconsistencies
                if one.claim_id in row["claim_ids"]
            ],
        }
        for one in answer.judged
    ]
