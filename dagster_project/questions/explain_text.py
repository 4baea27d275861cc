"""Write the bridge between two figures as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dagster_project.claims.phrases import KINDS
from dagster_project.claims.words import series_in_words, with_unit
from dagster_project.questions.explain import Answer, End, Quoted
from dagster_project.questions.values import AMOUNT, millions, wrapped

_ROWS_SHOWN = 3
_WITHOUT_FIGURE = frozenset({"undetermined", "contradicted", "mislabelled"})
_NAMES = {
    "balance": "balance",
    "deficit": "deficit",
    "exports": "exports",
    "imports": "imports",
    "two_way": "two-way trade",
}


def answer_json(answer: Answer) -> dict[str, object]:
    """The bridge as an object; `gap_usd` is the sum of the steps and the residual."""
    bridge = answer.bridge
    assert bridge is not None, "an answer without a bridge has only text"
    return {
        "reporter": answer.question.reporter.code,
        "partner": answer.question.partner.code,
        "trade_kind": answer.question.trade_kind,
        "display_measure": bridge["display_measure"],
        "a": _end_json(answer, "a", answer.question.a),
        "b": _end_json(answer, "b", answer.question.b),
        "gap_usd": bridge["gap_usd"],
        "steps": [
            {
                "cause_code": step["cause_code"],
                "name": _cause_name(answer, str(step["cause_code"])),
                "amount_usd": step["amount_usd"],
                "share": step["share_of_gap"],
                "min": step["amount_min_usd"],
                "max": step["amount_max_usd"],
                "before_series": step["before_series"],
                "after_series": step["after_series"],
                "evidence": step["evidence"],
            }
            for step in _named_steps(answer)
        ],
        "residual_usd": bridge["residual_usd"],
        "allowance_usd": bridge["allowance_usd"],
        "closes": bridge["closes"],
        "rows": [
            {
                column: row[column]
                for column in (
                    "reference_id",
                    "source_id",
                    "release_id",
                    "snapshot_file",
                    "row_number",
                    "column_name",
                    "reported_value",
                    "reported_unit",
                    "address",
                )
            }
            for row in answer.rows.values()
        ],
    }


def answer_text(answer: Answer, width: int) -> str:
    """The bridge as text that can be pasted into an article."""
    bridge = answer.bridge
    assert bridge is not None, "an answer without a bridge has only text"
    question = answer.question
    periods = dict.fromkeys((question.a.period.text, question.b.period.text))
    sectors = dict.fromkeys((str(bridge["a_product_group"]), str(bridge["b_product_group"])))
    about = (
        f"{question.reporter.name}–{question.partner.name} {KINDS[question.trade_kind]}"  # noqa: RUF001
        f" {_NAMES[str(bridge['display_measure'])]}, {' and '.join(periods)}"
    )
    if list(sectors) != ["total:total"]:
        about += f", {' and '.join(sectors)}"
    lines = [f"{about}: from {_label(question.a)} to {_label(question.b)}"]
    lines += [*wrapped(_short(answer), width, ""), ""]
    for side, end in (("a", question.a), ("b", question.b)):
        lines += [*_end_lines(answer, side, end, width), ""]
    lines += ["From A to B, in millions of US dollars:"]
    lines.append(f"{millions(bridge['a_value_usd']):>{AMOUNT}}  A, from the source rows")
    steps = _named_steps(answer)
    for step in steps:
        lines += _step_lines(answer, step, width)
    if not steps:
        lines.append(f"{'+0.0':>{AMOUNT}}  same series, same release: no difference")
    lines.append(f"{millions(bridge['b_value_usd']):>{AMOUNT}}  B, from the source rows")
    lines += ["", *wrapped(_closing(answer), width, "")]
    return "\n".join(lines)


def unanswered_text(answer: Answer) -> str:
    """Why there is no bridge: what each side lacks."""
    question = answer.question
    what = (
        f"{question.reporter.name}–{question.partner.name} {KINDS[question.trade_kind]}"  # noqa: RUF001
        f" {_NAMES[question.quantity]}"
    )
    placed = {str(row["side"]) for row in answer.ends}
    reasons = []
    lacking = False
    for side, end in (("a", question.a), ("b", question.b)):
        if isinstance(end.figure, Quoted):
            # Where one figure has no place, what the other is still answers half the question.
            reasons.append(f"{_label(end)} ({end.period.text}): {answer.in_words[side].text}")
            lacking |= answer.verdicts[side]["status"] in _WITHOUT_FIGURE
        elif side not in placed:
            lacking = True
            names = answer.available[side]
            bases = f"Available bases: {', '.join(names)}" if names else "No basis is available"
            reasons.append(
                f"{end.figure.text} has no figure for {end.period.text}, {end.product_group}."
                f" {bases}."
            )
    if not lacking:
        reasons.append("The two figures have no source rows in common.")
    return f"No bridge for the {what}. " + " ".join(reasons)


def notes(answer: Answer) -> list[str]:
    """Warnings about quoted figures whose basis is not certain."""
    found = []
    for side, end in (("a", answer.question.a), ("b", answer.question.b)):
        verdict = answer.verdicts.get(side)
        if verdict is None or answer.bridge is None or verdict["status"] == "confirmed":
            continue
        found.append(f"{_label(end)}: {answer.in_words[side].text}")
        if verdict["status"] == "ambiguous":
            found[-1] += f" The bridge uses the first: {answer.bridge[f'{side}_basis_id']}."
    return found


def _end_json(answer: Answer, side: str, end: End) -> dict[str, object]:
    bridge = answer.bridge or {}
    series = [row for row in answer.ends if row["side"] == side]
    return {
        "printed": end.figure.text if isinstance(end.figure, Quoted) else None,
        "status": answer.verdicts[side]["status"] if side in answer.verdicts else None,
        "basis": bridge[f"{side}_basis_id"] or bridge[f"{side}_basis_key"],
        "definition": bridge[f"{side}_product_group"],
        "period": bridge[f"{side}_period"],
        "release": bridge[f"{side}_release_key"],
        "series": [
            {
                "direction": row["direction"],
                "series": row["series_code"],
                "release": row["release_key"],
                "value_usd": row["value_usd"],
                "evidence": row["evidence"],
            }
            for row in series
        ],
        "printed_usd": bridge[f"{side}_usd"] if isinstance(end.figure, Quoted) else None,
        "value_usd": bridge[f"{side}_value_usd"],
        "evidence": sorted({str(one) for row in series for one in row["evidence"]}),
    }


def _end_lines(answer: Answer, side: str, end: End, width: int) -> Iterator[str]:
    bridge = answer.bridge or {}
    basis = str(bridge[f"{side}_basis_id"] or bridge[f"{side}_basis_key"])
    verdict = answer.verdicts.get(side)
    status = f", {verdict['status']}" if verdict else ""
    period = bridge[f"{side}_period"]
    yield f"{side.upper()}  {_label(end)}: {basis} basis, {period}{status}"
    yield from wrapped(_description(answer, basis, str(bridge[f"{side}_basis_key"])), width, "   ")
    for row in answer.ends:
        if row["side"] != side:
            continue
        yield f"{millions(row['value_usd']):>{AMOUNT}}  {_series(answer, str(row['series_code']))}"
        yield from _row_lines(answer, row["evidence"], width, " " * (AMOUNT + 2))
    measure = _NAMES[str(bridge["display_measure"])]
    if str(bridge["display_measure"]) not in {"exports", "imports"}:
        yield f"{millions(bridge[f'{side}_value_usd']):>{AMOUNT}}  {measure}"


def _description(answer: Answer, basis: str, basis_key: str) -> str:
    """The description of a basis; one name may cover two ways to value exports."""
    parts = {"export": ("", ""), "import": ("", "")}
    for series in basis_key.split(" + "):
        _, flow, concept, valuation, *_ = series.split(".")
        parts[flow] = concept, valuation
    for row in answer.bases:
        if row["basis_id"] == basis and all(
            part in {("", ""), (row[f"{flow}_concept"], row[f"{flow}_valuation"])}
            for flow, part in parts.items()
        ):
            return str(row["description"])
    return ""


def _step_lines(answer: Answer, step: Mapping[str, Any], width: int) -> Iterator[str]:
    code = str(step["cause_code"])
    share = step["share_of_gap"]
    of_gap = "" if share is None else f", {share * 100:.1f} % of the gap"
    indent = " " * (AMOUNT + 2)
    title = wrapped(f"{_cause_name(answer, code)} ({code}){of_gap}", width, indent)
    yield f"{millions(step['amount_usd'], signed=True):>{AMOUNT}}  {title[0].strip()}"
    yield from title[1:]
    for part in code.split(" + "):
        yield from wrapped(answer.causes[part]["explanation"] + ".", width, indent)
    if step["before_series"] != step["after_series"]:
        for sign, name in (("", "before_series"), ("→ ", "after_series")):
            yield f"{indent}{sign}{_series(answer, str(step[name]))}"
    if step["amount_min_usd"] != step["amount_max_usd"]:
        yield from wrapped(
            f"Between {millions(step['amount_min_usd'], signed=True)} and"
            f" {millions(step['amount_max_usd'], signed=True)}, depending on the order of the"
            " steps.",
            width,
            indent,
        )


def _short(answer: Answer) -> str:
    """The whole bridge in one sentence."""
    bridge = answer.bridge or {}
    parts = [
        f"{_cause_name(answer, str(step['cause_code']))} ({step['cause_code']})"
        f" {millions(step['amount_usd'], signed=True)} million"
        for step in _named_steps(answer)
    ]
    if bridge["residual_usd"]:
        name = "rounding" if bridge["closes"] else "unexplained"
        parts.append(f"{name} {millions(bridge['residual_usd'], signed=True)} million")
    gap = f"{millions(bridge['gap_usd'], signed=True)} million US dollars"
    return f"{gap}: {', '.join(parts)}." if parts else f"{gap}: the figures are equal."


def _closing(answer: Answer) -> str:
    bridge = answer.bridge or {}
    residual = millions(bridge["residual_usd"], signed=True)
    allowance = millions(bridge["allowance_usd"])
    ends = answer.question.a, answer.question.b
    if not any(isinstance(end.figure, Quoted) for end in ends):
        return "Fully explained: the steps add up to the whole difference."
    if bridge["closes"]:
        return f"Fully explained: only {residual} million is left, within rounding (±{allowance})."
    return (
        f"Not fully explained: {residual} million is left, more than rounding allows"
        f" (±{allowance})."
    )


def _row_lines(answer: Answer, evidence: Iterable[int], width: int, indent: str) -> Iterator[str]:
    cited = [answer.rows[one] for one in evidence]
    for row in cited[:_ROWS_SHOWN]:
        yield from wrapped(
            f"{row['source_id']} {row['release_id']}: {row['snapshot_file']}, row"
            f" {row['row_number']}, {row['column_name']}",
            width,
            indent,
        )
    if len(cited) > _ROWS_SHOWN:
        yield f"{indent}and {len(cited) - _ROWS_SHOWN} more rows (--format json lists them)"


def _named_steps(answer: Answer) -> list[dict]:
    return [step for step in answer.steps if step["cause_code"] not in {"ROUNDING", "RESIDUAL"}]


def _cause_name(answer: Answer, code: str) -> str:
    return " and ".join(str(answer.causes[part]["name"]) for part in code.split(" + "))


def _series(answer: Answer, codes: str) -> str:
    """Series in words, with the country that compiled them if it is not the reporter."""
    partner = answer.question.partner
    return " and ".join(
        series_in_words(code)
        + (f" ({partner.name})" if code.partition(".")[0] == partner.code else "")
        for code in codes.split(" + ")
    )


def _label(end: End) -> str:
    figure = end.figure
    if isinstance(figure, Quoted):
        return with_unit(f"{figure.value}", figure.value, figure.unit)
    return figure.text
