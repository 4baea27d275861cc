"""Read a question about two figures, and build the bridge that answers it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

import polars as pl

from dagster_project.claims.wording import Verdict, verdict_in_words
from dagster_project.questions.check import judged
from dagster_project.questions.replay import Replay
from dagster_project.questions.words import InputError, Period, Words, read_period
from dagster_project.sources.amounts import Unit, read_amount
from dagster_project.sources.place_names import Country

_BRIDGE = "requested"
# A balance is quoted with its sign or, as most are, by its size alone.
_BALANCE, _BALANCE_SIZE = "balance", "balance_size"
_SIDES = ("a", "b")
_DOLLARS, _BILLIONS = "USD", "bn"
_CLAIMS_SCHEMA = {
    "claim_id": pl.String,
    "says": pl.String,
    "trade_kind": pl.String,
    "measure": pl.String,
    "reporter_iso3": pl.String,
    "partner_code": pl.String,
    "sector": pl.String,
    "period": pl.String,
    "reported_value": pl.Decimal(20, 6),
    "unit": pl.String,
    "rounding": pl.Decimal(20, 6),
    "hedge": pl.String,
}
_BRIDGES_SCHEMA = {
    "bridge_id": pl.String,
    "reporter_iso3": pl.String,
    "partner_code": pl.String,
    "trade_kind": pl.String,
    "quantity": pl.String,
    "direction": pl.Int32,
    **{
        f"{side}_{column}": kind
        for side in _SIDES
        for column, kind in {
            "claim_id": pl.String,
            "basis_id": pl.String,
            "as_of": pl.Date,
            "product_group": pl.String,
            "period_start": pl.Date,
            "period_end": pl.Date,
        }.items()
    },
}


@dataclass(frozen=True)
class Quoted:
    """A quoted figure; `rounding` is one unit of its last digit."""

    text: str
    value: Decimal
    unit: str
    rounding: Decimal
    is_signed: bool


@dataclass(frozen=True)
class Named:
    """A named basis, as known on a day if one is given."""

    text: str
    basis_id: str
    as_of: date | None


@dataclass(frozen=True)
class End:
    """One side of the question: the figure, and the period and products it covers."""

    figure: Quoted | Named
    period: Period
    sector: str
    product_group: str


@dataclass(frozen=True)
class Question:
    a: End
    b: End
    reporter: Country
    partner: Country
    trade_kind: str
    measure: str
    quantity: str
    # None takes the sign from the figures themselves.
    direction: int | None


@dataclass(frozen=True)
class Answer:
    """The bridge and its evidence; `bridge` is None if a side has no figure.

    `verdicts` has the verdict on each quoted figure by side, `in_words` its sentences. Without a
    bridge, `available` lists the bases to name instead. `bases` describes all named bases.
    """

    question: Question
    bridge: Mapping[str, object] | None
    steps: list[dict]
    ends: list[dict]
    verdicts: Mapping[str, Mapping[str, object]]
    in_words: Mapping[str, Verdict]
    available: Mapping[str, list[str]]
    rows: Mapping[int, Mapping[str, object]]
    bases: list[dict]
    causes: Mapping[str, Mapping[str, str]]


def read_figure(text: str, where: str) -> Quoted | None:
    """Read a quoted figure (27.6, -27.6, 27.6bn or "426 mn"); None if the text is a word.

    Raises:
        InputError: a number whose unit is not an amount of US dollars.
    """
    amount = read_amount(text)
    if amount is None:
        if re.match(r"[+\-−$(]?\s*[0-9]", text.strip()):  # noqa: RUF001
            raise InputError(
                f"{where}: {text!r} is not a figure. For example: 27.6, 27.6bn or 426mn (US"
                " dollars; billions by default)."
            )
        return None
    if amount.unit is None or amount.unit.currency not in (None, _DOLLARS):
        raise InputError(
            f"{where}: unknown scale {amount.words!r}. Write bn, mn, th, tn or usd. Without a"
            " scale, a figure is in billions of US dollars."
        )
    # Only a currency after the number means plain dollars: 3 usd, but $27.6 is in billions.
    default = None if amount.words else _BILLIONS
    return Quoted(
        text=text.strip(),
        value=amount.value,
        unit=Unit(_DOLLARS, amount.unit.scale or default).code,
        rounding=Decimal(1).scaleb(-amount.decimals),
        is_signed=amount.is_signed,
    )


def read_question(
    words: Words,
    *,
    a: str,
    b: str,
    reporter: str,
    partner: str,
    a_period: str,
    b_period: str,
    a_sector: str,
    b_sector: str,
    trade_kind: str,
    measure: str,
) -> Question:
    """Translate the typed words into the codes of the warehouse.

    Raises:
        InputError: an unknown word, which the message names.
    """
    if measure not in words.measures:
        raise InputError(
            f"--measure: {measure!r} is not an amount of money. Choose one of"
            f" {', '.join(words.measures)}."
        )
    trade_kind = words.trade_kind(trade_kind, "--kind")
    country = words.country(reporter, "--reporter", may_be_group=False)
    counterpart = words.country(partner, "--partner", may_be_group=True)

    def end(text: str, period: str, sector: str, side: str) -> End:
        option = "" if side == "A" else "to-"
        product_groups = words.product_groups(sector, f"--{option}sector")
        return End(
            figure=read_figure(text, side)
            or _read_named(words, text, country, counterpart, trade_kind, side),
            period=read_period(period, f"--{option}period"),
            sector=sector,
            product_group=product_groups[0],
        )

    ends = end(a, a_period, a_sector, "A"), end(b, b_period, b_sector, "B")
    signs = {one.figure.is_signed for one in ends if isinstance(one.figure, Quoted)}
    if measure == "balance" and len(signs) > 1:
        raise InputError(
            f"A and B: {a} and {b}: one has a sign and the other has none. Write both with a sign"
            " (-27.6 +10.7) to compare balances, or neither to compare their sizes."
        )
    is_signed = True in signs
    meant = words.measures[measure]
    return Question(
        a=ends[0],
        b=ends[1],
        reporter=country,
        partner=counterpart,
        trade_kind=trade_kind,
        measure=measure,
        quantity=str(meant["quantity"]),
        direction=None
        if measure == _BALANCE_SIZE or (measure == _BALANCE and not is_signed)
        else int(str(meant["direction"])),
    )


def explain(replay: Replay, question: Question) -> Answer:
    """Build the bridge between the two figures."""
    inputs = {
        "claims_given": pl.DataFrame(
            [
                _claim(question, side, end, end.figure)
                for side, end in (("a", question.a), ("b", question.b))
                if isinstance(end.figure, Quoted)
            ],
            schema=_CLAIMS_SCHEMA,
            orient="row",
        ),
        "bridges_requested": pl.DataFrame(
            [_request(question)], schema=_BRIDGES_SCHEMA, orient="row"
        ),
    }
    replay.answer(inputs, ["claims", "claim_verdicts", "bridges", "bridge_steps", "bridge_ends"])
    bridges = [row for row in replay.rows("bridges", "bridge_id") if row["bridge_id"] == _BRIDGE]
    steps = [
        row
        for row in replay.rows("bridge_steps", "bridge_id, step_order")
        if row["bridge_id"] == _BRIDGE
    ]
    ends = [
        row
        for row in replay.rows("bridge_ends", "bridge_id, side, direction, series_code")
        if row["bridge_id"] == _BRIDGE
    ]
    verdicts = judged(replay)
    words = Words(replay)
    cited: set[int] = set()
    for row in (*steps, *ends, *verdicts.values()):
        cited.update(cast("list[int]", row["evidence"]) or ())
    return Answer(
        question=question,
        bridge=bridges[0] if bridges else None,
        steps=steps,
        ends=ends,
        verdicts=verdicts,
        in_words={side: verdict_in_words(row, words.names) for side, row in verdicts.items()},
        available={} if bridges else _available(replay, question, inputs),
        rows=cited_rows(replay, cited),
        bases=replay.published(
            "select * from warehouse.seeds.bases_named where trade_kind = ?",
            [question.trade_kind],
        ).to_dicts(),
        causes={
            row["cause_code"]: row
            for row in replay.published(
                "select cause_code, name, explanation from warehouse.seeds.cause_codes"
            ).to_dicts()
        },
    )


def cited_rows(replay: Replay, references: Iterable[int]) -> dict[int, Mapping[str, object]]:
    """The raw row behind each reference: file, line, column and value."""
    wanted = sorted(references)
    if not wanted:
        return {}
    found = replay.published(
        "select r.reference_id, r.source_id, r.release_id, r.snapshot_file, r.row_number,"
        " r.column_name, r.reported_value, r.reported_unit, r.value_usd, s.address"
        " from (select unnest(?::bigint[]) as reference_id) as w"
        " inner join warehouse.marts.raw_references as r on w.reference_id = r.reference_id"
        " left join warehouse.marts.releases as s"
        " on r.source_id = s.source_id and r.release_id = s.release_id"
        " order by r.reference_id",
        [wanted],
    )
    return {row["reference_id"]: row for row in found.to_dicts()}


def _read_named(
    words: Words, text: str, reporter: Country, partner: Country, trade_kind: str, where: str
) -> Named:
    name, at, release = text.partition("@")
    return Named(
        text=text,
        basis_id=words.basis(name, reporter, partner, trade_kind, where),
        as_of=words.day_of(release, where) if at else None,
    )


def _claim(question: Question, side: str, end: End, figure: Quoted) -> dict[str, object]:
    measure = question.measure
    if measure == _BALANCE and not figure.is_signed:
        measure = _BALANCE_SIZE
    return {
        "claim_id": side,
        "says": figure.text,
        "trade_kind": question.trade_kind,
        "measure": measure,
        "reporter_iso3": question.reporter.code,
        "partner_code": question.partner.code,
        "sector": end.sector,
        "period": end.period.text,
        "reported_value": figure.value,
        "unit": figure.unit,
        "rounding": figure.rounding,
        "hedge": "exact",
    }


def _request(question: Question) -> dict[str, object]:
    request: dict[str, object] = {
        "bridge_id": _BRIDGE,
        "reporter_iso3": question.reporter.code,
        "partner_code": question.partner.code,
        "trade_kind": question.trade_kind,
        "quantity": question.quantity,
        "direction": question.direction,
    }
    for side, end in (("a", question.a), ("b", question.b)):
        is_named = isinstance(end.figure, Named)
        request |= {
            f"{side}_claim_id": None if is_named else side,
            f"{side}_basis_id": end.figure.basis_id if is_named else None,
            f"{side}_as_of": end.figure.as_of if is_named else None,
            f"{side}_product_group": end.product_group,
            f"{side}_period_start": end.period.start,
            f"{side}_period_end": end.period.end,
        }
    return request


def _available(
    replay: Replay, question: Question, inputs: Mapping[str, pl.DataFrame]
) -> dict[str, list[str]]:
    """The bases available for each side."""
    replay.answer(inputs, ["balances_by_basis"])
    rows = replay.rows("balances_by_basis", "policy_rank, basis_id, known_from")
    return {
        side: list(
            dict.fromkeys(
                str(row["basis_id"])
                for row in rows
                if (row["period_start"], row["period_end"]) == (end.period.start, end.period.end)
                and row["product_group"] == end.product_group
            )
        )
        for side, end in (("a", question.a), ("b", question.b))
    }
