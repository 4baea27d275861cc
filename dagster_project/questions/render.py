"""Format answers as text, tables and JSON objects."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from dagster_project.claims.phrases import KINDS
from dagster_project.questions.check import Checked
from dagster_project.questions.explain import Answer, End, Quoted
from dagster_project.questions.status import Status
from dagster_project.questions.values import exact

_TENTH = Decimal("0.1")
_MILLION = Decimal(1_000_000)
_AMOUNT = 12
_ROWS_SHOWN = 3
_NAMES = {
    "balance": "balance",
    "deficit": "deficit",
    "exports": "exports",
    "imports": "imports",
    "two_way": "two-way trade",
}


# ---------------------------------------------------------------------------
# Explain
# ---------------------------------------------------------------------------


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
        f"{question.reporter.code}–{question.partner.code} {KINDS[question.trade_kind]}"  # noqa: RUF001
        f" {_NAMES[str(bridge['display_measure'])]}, {' and '.join(periods)}"
    )
    if list(sectors) != ["total:total"]:
        about += f", {' and '.join(sectors)}"
    lines = [f"{about}: from {_label(question.a)} to {_label(question.b)}"]
    lines += [*_wrapped(_short(answer), width, ""), ""]
    for side, end in (("a", question.a), ("b", question.b)):
        lines += [*_end_lines(answer, side, end, width), ""]
    lines += ["From A to B, in millions of US dollars:"]
    lines.append(f"{_millions(bridge['a_value_usd']):>{_AMOUNT}}  A, from the source rows")
    steps = _named_steps(answer)
    for step in steps:
        lines += _step_lines(answer, step, width)
    if not steps:
        lines.append(f"{'+0.0':>{_AMOUNT}}  same series, same release: no difference")
    lines.append(f"{_millions(bridge['b_value_usd']):>{_AMOUNT}}  B, from the source rows")
    lines += ["", *_wrapped(_closing(answer), width, "")]
    return "\n".join(lines)


def unanswered_text(answer: Answer) -> str:
    """Why there is no bridge: what each side lacks."""
    question = answer.question
    what = (
        f"{question.reporter.code}–{question.partner.code} {KINDS[question.trade_kind]}"  # noqa: RUF001
        f" {_NAMES[question.quantity]}"
    )
    placed = {str(row["side"]) for row in answer.ends}
    reasons = []
    for side, end in (("a", question.a), ("b", question.b)):
        if isinstance(end.figure, Quoted):
            verdict = answer.verdicts[side]
            if verdict["status"] in {"undetermined", "contradicted", "mislabelled"}:
                reasons.append(f"{_label(end)} ({end.period.text}): {answer.in_words[side].text}")
        elif side not in placed:
            names = answer.available[side]
            bases = f"Available bases: {', '.join(names)}" if names else "No basis is available"
            reasons.append(
                f"{end.figure.text} has no figure for {end.period.text}, {end.product_group}."
                f" {bases}."
            )
    return f"No bridge for the {what}. " + " ".join(
        reasons or ["The two figures have no source rows in common."]
    )


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
    yield from _wrapped(_description(answer, basis, str(bridge[f"{side}_basis_key"])), width, "   ")
    for row in answer.ends:
        if row["side"] != side:
            continue
        name = _NAMES[str(row["direction"])]
        yield f"{_millions(row['value_usd']):>{_AMOUNT}}  {name}, {row['series_code']}"
        yield from _row_lines(answer, row["evidence"], width, " " * (_AMOUNT + 2))
    measure = _NAMES[str(bridge["display_measure"])]
    if str(bridge["display_measure"]) not in {"exports", "imports"}:
        yield f"{_millions(bridge[f'{side}_value_usd']):>{_AMOUNT}}  {measure}"


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
    indent = " " * (_AMOUNT + 2)
    title = _wrapped(f"{_cause_name(answer, code)} ({code}){of_gap}", width, indent)
    yield f"{_millions(step['amount_usd'], signed=True):>{_AMOUNT}}  {title[0].strip()}"
    yield from title[1:]
    for part in code.split(" + "):
        yield from _wrapped(answer.causes[part]["explanation"] + ".", width, indent)
    if step["before_series"] != step["after_series"]:
        yield f"{indent}{step['before_series']}"
        yield f"{indent}→ {step['after_series']}"
    if step["amount_min_usd"] != step["amount_max_usd"]:
        yield from _wrapped(
            f"Between {_millions(step['amount_min_usd'], signed=True)} and"
            f" {_millions(step['amount_max_usd'], signed=True)}, depending on the order of the"
            " steps.",
            width,
            indent,
        )


def _short(answer: Answer) -> str:
    """The whole bridge in one sentence."""
    bridge = answer.bridge or {}
    parts = [
        f"{_cause_name(answer, str(step['cause_code']))} ({step['cause_code']})"
        f" {_millions(step['amount_usd'], signed=True)} million"
        for step in _named_steps(answer)
    ]
    if bridge["residual_usd"]:
        name = "rounding" if bridge["closes"] else "unexplained"
        parts.append(f"{name} {_millions(bridge['residual_usd'], signed=True)} million")
    gap = f"{_millions(bridge['gap_usd'], signed=True)} million US dollars"
    return f"{gap}: {', '.join(parts)}." if parts else f"{gap}: the figures are equal."


def _closing(answer: Answer) -> str:
    bridge = answer.bridge or {}
    residual = _millions(bridge["residual_usd"], signed=True)
    allowance = _millions(bridge["allowance_usd"])
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
        yield from _wrapped(
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


def _label(end: End) -> str:
    figure = end.figure
    if isinstance(figure, Quoted):
        return f"{figure.value} {figure.unit}"
    return figure.text


# ---------------------------------------------------------------------------
# Check
# ---------------------------------------------------------------------------


def checked_objects(checked: Checked) -> list[dict[str, object]]:
    """One object per claim, in the order of the file."""
    objects = []
    for claim in checked.claims:
        verdict = checked.verdicts[str(claim["claim_id"])]
        words = checked.in_words[str(claim["claim_id"])]
        objects.append(
            {
                "claim_id": claim["claim_id"],
                "document_id": claim["document_id"],
                "says": claim["says"],
                "reported_value": claim["reported_value"],
                "unit": claim["unit"],
                "status": verdict["status"],
                "basis": verdict["basis_id"],
                "definition": verdict["product_group"],
                "release": verdict["release_key"],
                "known_at_publication": verdict["known_at_publication"],
                "value": verdict["value"],
                "value_usd": verdict["value_usd"],
                "reason_code": verdict["reason_code"],
                "reason": words.text,
                "missing": list(words.needs),
                "fitting_bases": verdict["fitting_bases"],
                "evidence": verdict["evidence"],
                "inconsistencies": [
                    {
                        "equation": row["equation"],
                        "about": row["about"],
                        "claim_ids": row["claim_ids"],
                        "suspect_claim_id": row["suspect_claim_id"],
                        "repairs": row["repairs"],
                    }
                    for row in checked.inconsistencies
                    if claim["claim_id"] in row["claim_ids"]
                ],
            }
        )
    return objects


def checked_text(checked: Checked, width: int) -> str:
    """Each claim with its verdict, then the contradictions within each article."""
    lines: list[str] = []
    document: object = None
    for claim in checked.claims:
        if claim["document_id"] != document:
            document = claim["document_id"]
            printed = f", {claim['published_on']}" if claim["published_on"] else ""
            publisher = f": {claim['document_publisher']}" if claim["document_publisher"] else ""
            lines += ["", f"{document}{publisher}{printed}"]
        words = checked.in_words[str(claim["claim_id"])]
        lines += [
            "",
            f"  {claim['claim_id']}  {words.status.upper()}"
            f"  {exact(claim['reported_value'])} {claim['unit']}, {claim['measure']}"
            f" {claim['period']}",
            *_wrapped(str(claim["says"]), width, "      "),
            *_wrapped(words.evidence, width, "      "),
        ]
        if words.needed:
            lines += _wrapped(words.needed, width, "      ")
    for row in checked.inconsistencies:
        lines += ["", f"  INCONSISTENT  {', '.join(row['claim_ids'])}"]
        lines += _wrapped(f"{row['equation']} ({row['about']}).", width, "      ")
        lines += _wrapped(
            f"{', '.join(row['left_claim_ids'])} allow {_interval(row, 'left')};"
            f" {', '.join(row['right_claim_ids'])} allow {_interval(row, 'right')}.",
            width,
            "      ",
        )
        for repair in row["repairs"] or ():
            lines += _wrapped(f"Likely correction: {repair}", width, "      ")
    counts = Counter(str(verdict["status"]) for verdict in checked.verdicts.values())
    counted = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    lines += ["", f"{_plural(len(checked.claims), 'claim')}: {counted or 'none could be read'}"]
    if checked.inconsistencies:
        lines[-1] += (
            f"; {_plural(len(checked.inconsistencies), 'inconsistency', 'inconsistencies')}"
        )
    return "\n".join(lines).lstrip("\n")


def _interval(row: Mapping[str, Any], side: str) -> str:
    low, high = row[f"{side}_low"], row[f"{side}_high"]
    if low <= -1e29:
        return f"at most {_number(high)}"
    if high >= 1e29:
        return f"at least {_number(low)}"
    return f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{_millions(Decimal(str(value)))} million"
    return f"{value:.6g}"


# ---------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------

Table = tuple[list[str], list[list[object]]]


def figures_text(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Every figure in USD million; `*` marks the preferred one of its product group."""
    name_width = max(len(_figure_name(row)) for row in rows) + 2
    title = "".join(f"{name:>{_AMOUNT}}" for name in ("exports", "imports", "balance", "two-way"))
    lines = ["Millions of US dollars; * marks the preferred figure.", ""]
    product_group: object = None
    for row in rows:
        if row["product_group"] != product_group:
            product_group = row["product_group"]
            lines += [] if len(lines) == 2 else [""]
            lines.append(f"{product_group:<{name_width + 2}}{title}")
        amounts = "".join(
            f"{'-' if row[column] is None else _millions(row[column]):>{_AMOUNT}}"
            for column in ("exports_usd", "imports_usd", "balance_usd", "two_way_usd")
        )
        mark = "*" if row["is_preferred"] else " "
        lines.append(f"{mark} {_figure_name(row):<{name_width}}{amounts}")
        until = f" until {row['known_to']}" if row["known_to"] else ""
        printed = ", as published" if row["is_page"] else ", from published figures"
        kind = {
            "statistic": "",
            "printed": printed,
            "mixed": ", partly from published figures",
        }.get(row["evidence_kind"], f", {row['evidence_kind']}")
        lines += _wrapped(
            f"{row['release_key']}, known from {row['known_from']}{until}{kind}",
            width,
            "    ",
        )
    reasons = {row["product_group"]: row for row in rows if row["is_preferred"]}
    for name, row in reasons.items():
        lines += [""] if name == next(iter(reasons)) else []
        why = row["reason"] or "No other basis is available"
        lines += _wrapped(f"Preferred for {name}: {row['basis_id']}. {why}.", width, "")
    return "\n".join(lines)


def _figure_name(row: Mapping[str, Any]) -> str:
    return str(row["basis_id"] or row["export_series_code"] or row["import_series_code"])


def figures_json(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    return [
        {
            "definition": row["product_group"],
            "basis": row["basis_id"],
            "reported_by": row["reported_by"],
            "export_series": row["export_series_code"],
            "import_series": row["import_series_code"],
            "exports_usd": row["exports_usd"],
            "imports_usd": row["imports_usd"],
            "balance_usd": row["balance_usd"],
            "two_way_usd": row["two_way_usd"],
            "rounding_margin_usd": row["rounding_margin_usd"],
            "evidence_kind": row["evidence_kind"],
            "is_page": row["is_page"],
            "release": row["release_key"],
            "known_from": row["known_from"],
            "known_to": row["known_to"],
            "policy_rank": row["policy_rank"],
            "is_preferred": row["is_preferred"],
            "reason": row["reason"],
        }
        for row in rows
    ]


def status_json(status: Status) -> dict[str, object]:
    publication = status.publication
    return {
        "published_at": publication.published_at,
        "run_id": publication.run_id,
        "code_version": publication.code_version,
        "content_hash": publication.content_hash,
        "as_of": publication.as_of,
        "is_current": status.is_current,
        "sources": status.sources,
        "releases": status.releases,
        "world": status.world,
        "rejects": status.rejects,
    }


def status_tables(status: Status) -> list[tuple[str, Table]]:
    """Tables of sources, releases and, if any, years of world trade, with titles."""
    tables = [
        (
            "Sources",
            _table(
                status.sources,
                {
                    "source_id": "source",
                    "publisher": "publisher",
                    "releases": "releases",
                    "observations": "figures",
                    "last_period_end": "last period",
                    "latest_known_from": "latest",
                    "days_since": "days old",
                },
            ),
        ),
        (
            "Releases",
            _table(
                status.releases,
                {
                    "source_id": "source",
                    "release_id": "release",
                    "known_from": "known from",
                    "observations": "figures",
                    "first_period_start": "from",
                    "last_period_end": "to",
                },
            ),
        ),
    ]
    if status.world:
        columns = {
            "year": "year",
            "exporters_reporting": "exporters",
            "importers_reporting": "importers",
            "flows": "flows",
            "flows_mirrored": "reported twice",
            "latest_release_id": "latest release",
        }
        tables.append(("World's trade", _table(status.world, columns)))
    return tables


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Table:
    return list(columns.values()), [[row[name] for name in columns] for row in rows]


# ---------------------------------------------------------------------------
# Numbers and lines
# ---------------------------------------------------------------------------


def _millions(value: Any, *, signed: bool = False) -> str:
    """US dollars in millions with one decimal, as trade tables show them."""
    amount = (Decimal(value) / _MILLION).quantize(_TENTH, rounding=ROUND_HALF_EVEN)
    return f"{amount:+,}" if signed else f"{amount:,}"


def _plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
