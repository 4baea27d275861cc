"""Reads a text: every trade figure in it, completed with what the sentences before have said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from dagster_project.reading.amounts import RANK, RATIO, Figure
from dagster_project.reading.flows import IT, Flow, flows
from dagster_project.reading.grammar import Grammar, grammar
from dagster_project.reading.items import PLACE, SECTOR, SOURCE, Marked, marked, read_times
from dagster_project.reading.periods import BASE, RANGE, Span, Time
from dagster_project.reading.roles import OPEN, PART, SHARE, Told, told
from dagster_project.reading.signs import signs
from dagster_project.reading.speakers import speaker
from dagster_project.reading.times import Known, When, when
from dagster_project.reading.tokens import Sentence, divided, sentences, tokens

CERTAIN, LIKELY, UNDECIDED, NOT_UNDERSTOOD, NOT_ASSERTED = (
    *("certain", "likely", "open", "not understood", "not asserted"),
)
_PREFIXES = {"change": "change_", "sign": "change_", "growth": "growth_pct_", "ratio": "ratio_"}
_TOTAL, _GOODS, _WORLD = "total", "goods", "WLD"


@dataclass
class Reading:
    """One figure of a text and what it asserts.

    `start` and `end` are the places of the figure in the text, `sentence_start` and
    `sentence_end` those of its sentence. Codes, periods and units are those of a claims file.
    `alternatives` are other readings, each as the fields that differ. `rules` say how it was read.
    A figure whose confidence is `not understood` or `not asserted` has the measure `other`.
    """

    start: int
    end: int
    sentence_start: int
    sentence_end: int
    measure: str
    reporter: str
    partner: str
    sector: str
    trade_kind: str
    period: str
    base_period: str
    value: Decimal
    unit: str
    rounding: Decimal
    hedge: str
    attributed_to: str
    confidence: str
    rules: list[str] = field(default_factory=list)
    alternatives: list[dict[str, str]] = field(default_factory=list)
    why: str = ""


@dataclass
class _Context:
    """What the text has said so far."""

    home: str
    partner: str
    reporter: str = ""
    period: Span | None = None
    range: tuple[Span, Span] | None = None
    since: Time | None = None
    paragraph: int = -1
    kind: str = ""
    topic: Flow | None = None
    last: Flow | None = None
    topic_sector: str = ""
    sector: str = ""
    agreement: str = ""


@dataclass
class _Part:
    sentence: Sentence
    marked: Marked
    flows: list[Flow]
    told: list[Told]


def read(text: str, day: date, reporter: str = "") -> list[Reading]:
    """The trade figures of a text, in its order.

    Args:
        text: the main text of an article.
        day: the day of print, which "last year" is counted from.
        reporter: the code of the country whose figures are meant where the text does not say.
    """
    words = grammar()
    parts = list(_parts(text, words))
    context = _first_context(parts, reporter, words)
    result: list[Reading] = []
    for part in parts:
        result.extend(_read_part(part, context, words, day, text))
    return result


def _parts(text: str, words: Grammar) -> Iterable[_Part]:
    for sentence in sentences(text):
        for found in divided(tokens(text, sentence.start, sentence.end)):
            part = marked(found, words)
            of_part = flows(part)
            yield _Part(sentence, part, of_part, told(part, of_part))


def _first_context(parts: Sequence[_Part], reporter: str, words: Grammar) -> _Context:
    """The country whose figures the text tells most, and the partner it names most."""
    owners: Counter[str] = Counter()
    partners: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    named: Counter[str] = Counter()
    agreements: Counter[str] = Counter()
    for part in parts:
        for flow in part.flows:
            if flow.owner not in ("", IT):
                owners[flow.owner] += 1
            if flow.partner not in ("", IT):
                partners[flow.partner] += 1
        for item in part.marked.items:
            if item.table == SOURCE and item.value["place"]:
                sources[item.value["place"]] += 1
            elif item.table == PLACE:
                named[item.value["place"]] += 1
            if item.match and item.value["table"] == "event_phrases":
                for row in item.match.slots.get("event", []):
                    agreements[words.events[row].event] += 1
    del agreements[""]
    home = reporter or _most(owners) or _most(sources)
    if not home and "USA" in named:
        home = "USA"
    both = [one for one, _ in (partners + named).most_common() if one != home]
    return _Context(
        home=home or "",
        partner=next((one for one, _ in partners.most_common() if one != home), "")
        or (both[0] if both else ""),
        agreement=_most(agreements) or "korus",
    )


def _most(counted: Counter[str]) -> str:
    return counted.most_common(1)[0][0] if counted else ""


# -- one sentence -------------------------------------------------------------------------


def _read_part(
    part: _Part, context: _Context, words: Grammar, day: date, text: str
) -> list[Reading]:
    sentence = part.marked
    if part.sentence.paragraph != context.paragraph:
        context.paragraph = part.sentence.paragraph
        context.topic_sector = context.sector = ""
        context.topic = None
    near = context.period
    read_times(sentence, words, day, near, context.reporter or context.home, context.agreement)
    all_told = sorted([*part.told, *signs(sentence, part.flows, part.told, context.since is not None)], key=lambda one: one.figure.start)
    known = Known(context.period, context.range, context.since)
    times = when(sentence, all_told, known, day)
    who = speaker(sentence, text)
    result = []
    pairs: list[tuple[str, str]] = []
    _topic_sector(sentence, context, part.flows)
    before: Reading | None = None
    for one, time in zip(all_told, times, strict=True):
        reading = _reading(part, one, time, context, before)
        if reading is None:
            continue
        reading.attributed_to = who
        result.append(reading)
        if reading.measure != "other":
            before = reading
            pairs.append((reading.reporter, reading.partner))
    _remember(part, all_told, times, result, context)
    return result


def _topic_sector(sentence: Marked, context: _Context, found: list[Flow]) -> None:
    """When it comes to textiles, …: the products that the paragraph is about."""
    if [sentence.word(place) for place in range(4)] == ["when", "it", "comes", "to"]:
        item = sentence.at.get(4)
        if item and item.table == SECTOR:
            context.topic_sector = item.value["sector"]


def _reading(
    part: _Part, one: Told, time: When, context: _Context, before: Reading | None
) -> Reading | None:
    sentence, figure = part.marked, one.figure
    flow = one.flow
    rules = [one.rule]
    likely = False
    quantity = figure.quantity or (flow.quantity if flow else "")
    if one.beside is not None and one.beside.figure.kind == RANK and flow is None:
        quantity = one.beside.figure.quantity
    if not quantity and one.role != OPEN:
        carried = _carried_flow(sentence, one, context)
        if carried is None:
            return _not_understood(part, one, "no flow of trade is named") if before or context.last else None
        flow, quantity, likely = carried, carried.quantity, True
        rules.append("the flow told of before")
    if one.role == OPEN or not quantity:
        if flow is None and before is None:
            return None
        return _not_understood(part, one, one.rule)
    if figure.kind == RANK:
        reporter, partner, is_said = _rank_pair(sentence, figure, context)
    elif one.beside is not None and one.beside.figure.kind == RANK and before is not None:
        reporter, partner, is_said = before.reporter, before.partner, True
    elif one.role == SHARE:
        reporter, partner, is_said = _share_pair(sentence, one, flow, context)
    else:
        reporter, partner, is_said = _pair(flow, context, before)
    sector, kind = _scope(part, one, flow, context, before, reporter, partner)
    measure = _measure(one, quantity, sector, flow, sentence)
    if not reporter or not partner or reporter == partner or time.period is None:
        return _not_understood(part, one, "the text does not say whose trade with whom, or when")
    if one.role in ("change", "growth", "ratio", "sign") and time.base is None:
        return _not_understood(part, one, "the text does not say what it is compared with")
    if one.role == "streak" and quantity not in ("deficit", "surplus"):
        return _not_understood(part, one, "years in a row of no deficit or surplus")
    rules += [rule for rule in (time.period_rule, time.base_rule) if rule]
    if not is_said:
        rules.append("the countries told of before")
    value = figure.value * (one.sign if one.role in ("change", "growth", "sign") else 1)
    confidence = CERTAIN
    if likely or not is_said or time.period_rule not in ("after the figure", "before the figure"):
        confidence = LIKELY
    alternatives = [
        *({"period": str(other)} for other in time.other_periods),
        *({"base_period": str(other)} for other in time.other_bases if time.base),
    ]
    if time.is_open or alternatives:
        confidence = UNDECIDED
    reading = Reading(
        start=sentence.tokens[figure.start].start,
        end=sentence.tokens[figure.end - 1].end,
        sentence_start=part.sentence.start,
        sentence_end=part.sentence.end,
        measure=measure,
        reporter=reporter,
        partner=partner,
        sector=sector,
        trade_kind=kind,
        period=str(time.period),
        base_period=str(time.base) if time.base and one.role in ("change", "growth", "ratio", "sign") else "",
        value=value,
        unit="sign" if one.role == "sign" else figure.unit,
        rounding=figure.rounding,
        hedge=_hedge(figure),
        attributed_to="",
        confidence=confidence,
        rules=rules,
        alternatives=alternatives,
    )
    if one.why_not:
        reading.why = f"not asserted: {one.why_not}"
        reading.confidence = NOT_ASSERTED
        reading.measure = "other"
    return reading


def _hedge(figure: Figure) -> str:
    if figure.kind == RATIO and figure.hedge == "exact":
        return {2: "doubled", 3: "tripled", 4: "quadrupled"}.get(
            int(figure.value), "halved" if figure.value < 1 else "exact"
        )
    return figure.hedge


def _not_understood(part: _Part, one: Told, why: str) -> Reading:
    sentence, figure = part.marked, one.figure
    return Reading(
        start=sentence.tokens[figure.start].start,
        end=sentence.tokens[figure.end - 1].end,
        sentence_start=part.sentence.start,
        sentence_end=part.sentence.end,
        measure="other",
        reporter="",
        partner="",
        sector="",
        trade_kind="",
        period="",
        base_period="",
        value=figure.value,
        unit=figure.unit,
        rounding=figure.rounding,
        hedge=figure.hedge,
        attributed_to="",
        confidence=NOT_UNDERSTOOD,
        rules=[one.rule],
        why=why,
    )


def _measure(one: Told, quantity: str, sector: str, flow: Flow | None, sentence: Marked) -> str:
    if one.figure.kind == RANK:
        return f"rank_{quantity}"
    if one.role == "streak":
        return f"streak_{quantity}_years"
    if one.role == SHARE:
        return f"share_pct_{quantity}" if sector != _TOTAL else f"share_of_world_{quantity}"
    return _PREFIXES.get(one.role, "") + quantity


# -- whose trade with whom ------------------------------------------------------------------


def _carried_flow(sentence: Marked, one: Told, context: _Context) -> Flow | None:
    """The flow that a sentence without one is about: this, it, the previous high."""
    words = {token.word for token in sentence.tokens[: one.figure.start]}
    if words & {"high", "record", "peak", "low", "highs"}:
        return context.topic
    if words & {"it", "this", "that", "they", "which", "these", "figure", "total", "amount", "those"}:
        return context.last
    return None


def _pair(flow: Flow | None, context: _Context, before: Reading | None) -> tuple[str, str, bool]:
    """Reporter and partner of a flow, and whether the sentence names both."""
    owner = "" if flow is None or flow.owner == IT else flow.owner
    partner = "" if flow is None or flow.partner == IT else flow.partner
    first = before.reporter if before else context.reporter or context.home
    second = before.partner if before else context.partner
    if owner and partner:
        return owner, partner, True
    if partner:
        if partner == first:
            return second, partner, False
        return first or context.home, partner, False
    if owner:
        if owner == first:
            return owner, second, False
        if owner == second:
            return owner, first, False
        return owner, _WORLD if flow and flow.is_whole else second, False
    if flow is not None and flow.is_whole and not flow.is_overall and False:
        return first, _WORLD, False
    return first, second, False


def _rank_pair(sentence: Marked, figure: Figure, context: _Context) -> tuple[str, str, bool]:
    """Japan was the fourth largest partner of the United States, and its …"""
    reporter = partner = ""
    places = sentence.of(PLACE)
    taken = -1
    for item in places:
        if figure.start <= item.start < figure.end:
            reporter, taken = item.value["place"], item.start
    if not reporter:
        last = figure.start - 1
        if sentence.word(last) in ("'s", "’", "'") or sentence.word(last) == '"':  # noqa: RUF001
            last -= 1
        item = sentence.at.get(last)
        if item is not None and item.table == PLACE:
            reporter, taken = item.value["place"], item.start
    after = figure.end
    if not reporter and sentence.word(after) in ("of", "to", "for"):
        after += 1
        for _ in range(4):
            item = sentence.at.get(after)
            if item is not None and item.table == PLACE:
                reporter, taken = item.value["place"], item.start
                break
            after = item.end if item else after + 1
    before = [item for item in places if item.end <= figure.start and item.start != taken]
    if before:
        partner = before[-1].value["place"]
        if partner == reporter and len(before) > 1:
            partner = before[-2].value["place"]
    if not partner or partner == reporter:
        later = [item for item in places if item.start >= figure.end and item.start != taken]
        partner = later[0].value["place"] if later and not before else ""
    is_said = bool(reporter and partner)
    reporter = reporter or (context.reporter or context.home)
    if partner == reporter:
        reporter = context.partner if partner == context.home else context.home
    partner = partner or context.partner
    return reporter, partner, is_said


def _share_pair(
    sentence: Marked, one: Told, flow: Flow | None, context: _Context
) -> tuple[str, str, bool]:
    """China accounted for half of the U.S. deficit; autos for 80 percent of that with Korea."""
    reporter, partner, is_said = _pair(flow, context, None)
    if flow is None or flow.partner:
        return reporter, partner, is_said
    before = [
        item.value["place"]
        for item in sentence.of(PLACE)
        if item.end <= one.figure.start and item.value["place"] != reporter
    ]
    if before:
        return reporter, before[-1], True
    return reporter, partner, is_said


# -- of what ----------------------------------------------------------------------------------


def _scope(
    part: _Part,
    one: Told,
    flow: Flow | None,
    context: _Context,
    before: Reading | None,
    reporter: str,
    partner: str,
) -> tuple[str, str]:
    """The product group and the kind of trade of a figure."""
    sentence = part.marked
    kind = flow.kind if flow else ""
    sector = flow.sector if flow else ""
    subject = _subject_sector(sentence, one)
    if one.role in (SHARE, PART):
        sector = subject or (before.sector if before and before.sector != _TOTAL else "")
        if not sector and one.role == SHARE:
            sector = _sector_after(sentence, one)
    elif not sector and flow is not None and not flow.is_whole:
        if flow.end <= one.figure.start:
            sector = _sector_between(sentence, flow, one)
        if not sector and not flow.kind:
            sector = _sector_after(sentence, one) if one.role == "level" else ""
    if sector == "autos" and before and before.sector == "autos_and_parts":
        sector = "autos_and_parts"
    if not sector and not kind and flow is not None and not flow.is_whole:
        same = [other for other in part.flows if other is not flow and other.start < flow.start]
        if context.topic_sector and not one.role == SHARE:
            sector = context.topic_sector
        elif flow.owner == IT and not same:
            sector = ""
    if flow is not None and flow.is_overall and flow.quantity != "exports" and not kind and one.role != SHARE:
        kind = "goods_services"
    if not kind and flow is not None:
        kinds = [other.kind for other in part.flows if other.start < flow.start and other.kind]
        kind = kinds[-1] if kinds else ""
        if kind == "services" and not sector:
            kind = "services"
    if not kind and context.kind and flow is context.last:
        kind = context.kind
    return sector or _TOTAL, kind or _GOODS


def _subject_sector(sentence: Marked, one: Told) -> str:
    found = [item for item in sentence.of(SECTOR) if item.end <= one.figure.start]
    return found[-1].value["sector"] if found else ""


def _sector_between(sentence: Marked, flow: Flow, one: Told) -> str:
    for item in sentence.of(SECTOR):
        if flow.end <= item.start < one.figure.start:
            if sentence.word(item.start - 1) in ("of", "in") or flow.is_verb:
                return item.value["sector"]
    return ""


def _sector_after(sentence: Marked, one: Told) -> str:
    """$18.8 billion in cars; 80 percent … coming from the auto sector."""
    place = one.figure.end
    for _ in range(16):
        item = sentence.at.get(place)
        if item is None and sentence.word(place) in (",", ";", ":", "."):
            return ""
        if sentence.figure_at(place):
            return ""
        if item is not None and item.table == SECTOR:
            before = sentence.word(item.start - 1)
            before = sentence.word(item.start - 2) if before == "the" else before
            return item.value["sector"] if before in ("in", "of", "from", "worth") else ""
        place = item.end if item else place + 1
    return ""


# -- what the sentences after may rely on -------------------------------------------------------


def _remember(
    part: _Part,
    all_told: list[Told],
    times: list[When],
    found: list[Reading],
    context: _Context,
) -> None:
    said = [one for one in found if one.measure != "other"]
    ranges = [(t.base, t.span) for t in part.marked.times if t.kind == RANGE and t.base and t.span]
    since = [t for t in part.marked.times if t.kind == BASE and t.base]
    for one, time in zip(all_told, times, strict=True):
        if time.period is None or one.why_not:
            continue
        if time.base is not None and one.role in ("change", "growth", "ratio", "sign"):
            ranges.append((time.base, time.period))
        if one.level == "main":
            context.period = time.period
    mains = [t.period for one, t in zip(all_told, times, strict=True) if one.level == "main" and t.period]
    befores = [t.period for one, t in zip(all_told, times, strict=True) if one.level == "from" and t.period]
    if mains and befores:
        ranges.append((befores[-1], mains[-1]))
    if ranges:
        context.range = ranges[-1]
    context.since = since[0] if since else None
    if said:
        context.reporter, context.partner = said[-1].reporter, said[-1].partner
    flows_told = [one.flow for one in all_told if one.flow is not None]
    if flows_told:
        context.last = flows_told[0]
        context.topic = context.topic or flows_told[0]
