"""Documents that tell one reading of one pair, whole or with one figure spoiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from questions.held_figures import TOTAL, Cell, Period, Value
from questions.printed_claims import MULTIPLIER, Claim, print_number
from questions.random_figures import Truth, Writer

Menu = tuple[str, str, str]

_WHOLE: tuple[Menu, ...] = tuple(
    (quantity, transform, which)
    for quantity in ("exports", "imports", "balance", "two_way")
    for transform, which in (
        ("level", "end"),
        ("level", "start"),
        ("change", "end"),
        ("growth", "end"),
        ("ratio", "end"),
    )
)
_PART: tuple[Menu, ...] = tuple(
    (quantity, transform, "part")
    for quantity in ("exports", "imports", "two_way")
    for transform in ("level", "share")
)


@dataclass(frozen=True)
class Spoiled:
    """One figure of a document, as it stood and as it is printed."""

    claims: list[Claim]
    slip: str
    claim_id: str
    original: Decimal


@dataclass(frozen=True)
class Document:
    name: str
    truths: list[Truth]
    day: date
    start: Period

    @property
    def claims(self) -> list[Claim]:
        return [truth.claim for truth in self.truths]


def write(writer: Writer, name: str, *, with_part: bool = False) -> Document:
    """Five to nine figures of two periods and one reading, of a sector too where one is wanted."""
    chance, held = writer.chance, writer.held
    while True:
        reporter, partner = writer.pair()
        sector, definition = writer.sector(reporter, partner)
        if with_part != (definition != TOTAL):
            continue
        part = Cell(reporter, partner, "goods", definition, Period.of_year(2015))
        end = writer.period(part)
        part = part.at(period=end)
        start = end.shifted(-chance.choice((1, 2, 3, 5)))
        day = chance.choice(held.days(reporter, partner))
        values = held.known(part, "balance", day)
        whole = part.at(definition=TOTAL)
        if not values:
            continue
        legs = chance.choice(values).legs
        if not all(
            any(x.legs == legs for x in held.known(whole.at(period=p), "balance", day))
            for p in (end, start)
        ):
            continue
        # Texts print levels more often than anything made of them.
        menu = [*_WHOLE, *(choice for choice in _WHOLE if choice[1] == "level")]
        if with_part:
            menu += [*_PART, *_PART]
        size = chance.randint(5, 9)
        truths: dict[tuple[Menu, bool], Truth] = {}
        for _ in range(60):
            choice = chance.choice(menu)
            told = _tell(writer, choice, part, sector, start, legs, day)
            if told is None:
                continue
            in_euros = choice[1] == "level" and chance.random() < 0.12
            if in_euros:
                told = _in_euros(told, name)
                if told is None:
                    continue
            claim = replace(told.claim, document=name, speaker="the office")
            truths.setdefault((choice, in_euros), replace(told, claim=claim))
            if len(truths) == size:
                return Document(name, list(truths.values()), day, start)


def _tell(
    writer: Writer,
    choice: Menu,
    part: Cell,
    sector: str,
    start: Period,
    legs: frozenset[str],
    day: date,
) -> Truth | None:
    quantity, transform, which = choice
    cell = part if which == "part" else part.at(definition=TOTAL)
    if which == "start":
        cell = cell.at(period=start)
    told = [x for x in writer.held.known(cell, quantity, day) if x.legs <= legs]
    if len(told) != 1:
        return None
    truth = writer.tell(
        cell,
        sector if which == "part" else "total",
        told[0],
        quantity,
        transform,
        day,
        (2, 3, 4),
        base=start,
    )
    if truth is None or (truth.claim.value <= 0 and transform in ("ratio", "share")):
        return None
    return truth


def _in_euros(truth: Truth, name: str) -> Truth | None:
    """The same figure at the document's own rate of exchange."""
    rate = Decimal(100 + sum(name.encode()) % 40) / 100
    rounding = Decimal("0.01")
    value = print_number(truth.amount / rate / 10**9, rounding)
    if abs(value) < Decimal("0.2"):
        return None
    claim = replace(truth.claim, value=value, unit="EUR bn", rounding=rounding)
    return replace(truth, claim=claim)


# ---------------------------------------------------------------------------
# Slips
# ---------------------------------------------------------------------------


def spoil(writer: Writer, document: Document, slip: str) -> Spoiled | None:
    """The document with one figure spoiled; nothing where no figure of it can be so."""
    order = list(range(len(document.truths)))
    writer.chance.shuffle(order)
    for place in order:
        truth = document.truths[place]
        spoiled = SLIPS[slip](writer, document, truth)
        if spoiled is None or spoiled.value == 0 or spoiled == truth.claim:
            continue
        claims = document.claims
        claims[place] = spoiled
        return Spoiled(claims, slip, spoiled.claim_id, truth.claim.value)
    return None


def _digits(claim: Claim) -> str:
    return f"{abs(claim.value):f}"


def _with_digits(claim: Claim, text: str) -> Claim | None:
    if text in ("", ".") or text.startswith("."):
        return None
    value = Decimal(text) * (-1 if claim.value < 0 else 1)
    places = len(text.partition(".")[2])
    return replace(claim, value=value, rounding=min(claim.rounding, Decimal(1).scaleb(-places)))


def _digit_dropped(writer: Writer, _: Document, truth: Truth) -> Claim | None:
    claim = truth.claim
    whole = _digits(claim).partition(".")[0]
    if claim.transform != "level" or len(whole) < 2:
        return None
    place = writer.chance.randrange(len(whole))
    text = _digits(claim)
    return _with_digits(claim, text[:place] + text[place + 1 :])


def _digit_added(writer: Writer, _: Document, truth: Truth) -> Claim | None:
    claim = truth.claim
    if claim.transform != "level":
        return None
    text = _digits(claim)
    place = writer.chance.randint(0, len(text.partition(".")[0]))
    return _with_digits(claim, text[:place] + writer.chance.choice("123456789") + text[place:])


def _thousandfold(writer: Writer, _: Document, truth: Truth) -> Claim | None:
    claim = truth.claim
    if claim.transform != "level":
        return None
    units = list(MULTIPLIER)[:4]
    if claim.unit not in units:
        return None
    place = units.index(claim.unit) + writer.chance.choice((-1, 1))
    if not 0 < place < len(units):
        return None
    return replace(claim, unit=units[place])


def _moved(transform: str, quantity: str | None = None) -> Callable[..., Claim | None]:
    def move(writer: Writer, _: Document, truth: Truth) -> Claim | None:
        claim = truth.claim
        if claim.transform != transform or quantity not in (None, claim.quantity):
            return None
        factor = Decimal(writer.chance.choice((70, 80, 90, 95, 105, 110, 120, 140))) / 100
        moved = print_number(claim.value * factor, claim.rounding)
        return replace(claim, value=moved)

    return move


def _part_over_whole(writer: Writer, document: Document, truth: Truth) -> Claim | None:
    claim = truth.claim
    if claim.transform != "level" or claim.sector == "total" or claim.unit.startswith("EUR"):
        return None
    for other in document.claims:
        if (
            other.sector == "total"
            and other.transform == "level"
            and (other.quantity, other.cell.period) == (claim.quantity, claim.cell.period)
            and not other.unit.startswith("EUR")
        ):
            factor = Decimal(writer.chance.choice((102, 110, 150))) / 100
            over = other.value * MULTIPLIER[other.unit] / MULTIPLIER[claim.unit] * factor
            return replace(claim, value=print_number(over, claim.rounding))
    return None


def _another_base(writer: Writer, document: Document, truth: Truth) -> Claim | None:
    claim = truth.claim
    if claim.transform not in ("change", "growth", "ratio"):
        return None
    day, held = document.day, writer.held
    base = document.start.shifted(-1)
    values = [x for x in held.known(claim.cell, claim.quantity, day) if x.legs == truth.legs]
    other: Truth | None = None
    if values:
        other = writer.tell(
            claim.cell, claim.sector, values[0], claim.quantity, claim.transform, day, base=base
        )
    if other is None or other.claim.direction != claim.direction:
        return None
    told = Value(other.amount, Decimal(0), True, truth.legs, "")
    scale = MULTIPLIER[claim.unit]
    return replace(claim, value=print_number(told.value / scale, claim.rounding))


def _sign_turned(_writer: Writer, _: Document, truth: Truth) -> Claim | None:
    claim = truth.claim
    if claim.transform == "level" and claim.quantity == "balance":
        return replace(claim, direction=-claim.direction)
    if claim.transform in ("change", "growth"):
        return replace(claim, value=-claim.value)
    return None


SLIPS: dict[str, Callable[[Writer, Document, Truth], Claim | None]] = {
    "a digit dropped": _digit_dropped,
    "a digit added": _digit_added,
    "a thousandfold": _thousandfold,
    "wrong growth": _moved("growth"),
    "wrong ratio": _moved("ratio"),
    "wrong sum": _moved("level", "two_way"),
    "wrong change": _moved("change"),
    "wrong share": _moved("share"),
    "part over whole": _part_over_whole,
    "another base year": _another_base,
    "sign turned": _sign_turned,
}
