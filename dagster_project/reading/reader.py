"""Reads a text: finds every trade figure and completes it from earlier sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dagster_project.reading.amounts import RANK, RATIO, Figure
from dagster_project.reading.context import Context, Pair
from dagster_project.reading.flow import IT, SAME, WORLD, Flow
from dagster_project.reading.grammar import Grammar, grammar
from dagster_project.reading.items import (
    KIND,
    NOT_TRADE,
    PLACE,
    SECTOR,
    Item,
    Marked,
    read_times,
)
from dagster_project.reading.overview import PRONOUN_PLACES, first_context, name_dollars
from dagster_project.reading.pairs import (
    UNKNOWN,
    pair_of,
    pair_of_rank,
    pair_of_share,
    partner_beside,
    with_partner,
)
from dagster_project.reading.parts import Part, parts_of
from dagster_project.reading.periods import BASE, PERIOD, RANGE
from dagster_project.reading.readings import (
    CERTAIN,
    LIKELY,
    NOT_ASSERTED,
    UNDECIDED,
    Reading,
    not_understood,
)
from dagster_project.reading.roles import (
    COMPARED,
    FROM,
    GROWTH,
    MAIN,
    OPEN,
    SHARE,
    SHARE_OF_THEM,
    SHARE_UNNAMED,
    Told,
)
from dagster_project.reading.scope import GOODS, TOTAL, scope_of
from dagster_project.reading.signs import SIGN, signs
from dagster_project.reading.speakers import speaker
from dagster_project.reading.table_readings import table_readings
from dagster_project.reading.times import (
    COMPARISONS,
    LAST_YEAR,
    WITH_BASE,
    Known,
    When,
    is_of_the_past,
    when,
)
from dagster_project.reading.word_lists import small_words

_PREFIXES = {"change": "change_", SIGN: "change_", "growth": "growth_pct_", "ratio": "ratio_"}
_SAID_BESIDE = frozenset({"after the figure", "before the figure", "as the figure before"})
_MULTIPLES = {2: "doubled", 3: "tripled", 4: "quadrupled"}
_FLOWS = frozenset({"exports", "imports", "two_way_trade"})
# How many sentences above a table may say what it is of: a title, a unit, a note.
_CAPTIONS = 3


def read(text: str, day: date, reporter: str = "") -> list[Reading]:
    """The trade figures of a text, in order.

    Args:
        text: the main text of an article.
        day: the publication date, from which "last year" is counted.
        reporter: the code of the country whose figures are meant where the text does not say.
    """
    words = grammar()
    parts = list(parts_of(text, words))
    context = first_context(parts, reporter, words)
    name_dollars(parts, context.home, words)
    result: list[Reading] = []
    captions: list[Marked] = []
    for part in parts:
        if part.table is not None:
            result.extend(table_readings(part.table, captions, context, words, day))
            continue
        result.extend(_read_part(part, context, words, day, text))
        captions = [part.marked, *captions][:_CAPTIONS]
    _date_headlines(result)
    return result


def _date_headlines(found: list[Reading]) -> None:
    """Date an undated headline by the figure that it rounds."""
    for place, one in enumerate(found):
        if f"period: {LAST_YEAR}" not in one.rules or not one.is_claim:
            continue
        for other in found[place + 1 :]:
            same = (other.measure, other.reporter, other.partner, other.unit)
            if same != (one.measure, one.reporter, one.partner, one.unit):
                continue
            if abs(other.value - one.value) <= one.rounding:
                one.period, one.base_period = other.period, other.base_period
                one.rules.append("period: that of the figure it rounds")
                one.confidence = LIKELY
                break


# -- one sentence -------------------------------------------------------------------------


def _read_part(part: Part, context: Context, words: Grammar, day: date, text: str) -> list[Reading]:
    sentence = part.marked
    if part.sentence.paragraph != context.paragraph:
        context.paragraph = part.sentence.paragraph
        context.topic_sector = context.kind = ""
        context.topic = context.topic_pair = None
        if not part.sentence.is_heading:
            _return_to_newest(context)
    place = context.reporter or context.home
    read_times(sentence, words, day, context.period, place, context.agreement)
    for flow in part.flows:
        if flow.quantity == SAME:
            flow.quantity = context.last.quantity if context.last else ""
            flow.kind = flow.kind or (context.last.kind if context.last else "")
    _find_topic(sentence, context)
    found = [*part.told, *signs(sentence, part.flows, part.told, context.since is not None)]
    found.sort(key=lambda one: one.figure.start)
    months_back = words.office(place).months
    # A text that compares months in two ways leaves open which of them is meant.
    back = next(iter(context.compared)) if len(context.compared) == 1 else months_back
    known = Known(context.period, context.range, context.since, back)
    times = when(sentence, found, known, day)
    who = speaker(sentence, text)
    result: list[Reading] = []
    pairs: dict[int, Pair] = {}
    before: Told | None = None
    for one, time in zip(found, times, strict=True):
        last = result[-1] if result and result[-1].is_claim else None
        reading = _reading(part, one, time, context, words, last, pairs, before)
        if reading is None:
            continue
        reading.attributed_to = who
        result.append(reading)
        if reading.is_claim:
            before = one
    _remember(part, found, times, pairs, result, context)
    return result


def _return_to_newest(context: Context) -> None:
    """After a look back, the next paragraph is about the newest period again."""
    newest, period = context.newest, context.period
    if newest is not None and period is not None and period.last < newest.last:
        context.period = newest


def _find_topic(sentence: Marked, context: Context) -> None:
    """Find the products that a paragraph is about, as in "When it comes to textiles, …"."""
    if [sentence.word(place) for place in range(4)] == ["when", "it", "comes", "to"]:
        item = sentence.at.get(4)
        if item and item.table == SECTOR:
            context.topic_sector = item.value["sector"]


def _reading(
    part: Part,
    one: Told,
    time: When,
    context: Context,
    words: Grammar,
    last: Reading | None,
    pairs: dict[int, Pair],
    before: Told | None,
) -> Reading | None:
    sentence, figure, flow = part.marked, one.figure, one.flow
    reading = Reading(
        start=sentence.tokens[figure.start].start,
        end=sentence.tokens[figure.end - 1].end,
        sentence_start=part.sentence.start,
        sentence_end=part.sentence.end,
        value=figure.value * (one.sign if one.role in ("change", "growth", SIGN) else 1),
        unit=figure.unit,
        rounding=figure.rounding,
        hedge=_hedge(figure),
        confidence=CERTAIN,
        rules=[one.rule],
    )
    is_of_rank = one.beside is not None and one.beside.figure.kind == RANK and flow is None
    is_carried = False
    quantity = figure.quantity or (flow.quantity if flow else "")
    if is_of_rank and one.beside is not None:
        quantity = one.beside.figure.quantity
    is_listed_share = one.rule == SHARE_UNNAMED and before is not None and before.role == SHARE
    has_flow = any(found.end <= figure.start for found in part.flows)
    if _is_share_of_place(sentence, one) and not has_flow and context.last_share:
        one.role, one.flow = SHARE, replace(context.last_share, start=0, end=0)
        one.partner = sentence.at[figure.left - 2].value["place"]
        flow = one.flow
        quantity = flow.quantity
    elif (one.rule == SHARE_OF_THEM or is_listed_share) and not has_flow:
        _read_share_of_them(part, one, context)
        flow = one.flow
        quantity = flow.quantity if flow else ""
    if one.role == OPEN:
        return not_understood(reading, one.rule) if flow or last else None
    if not quantity:
        flow = _carried_flow(part, one, context)
        is_carried = flow is not None
        if flow is None:
            is_near = last is not None or context.topic is not None
            return not_understood(reading, "no trade flow is named") if is_near else None
        quantity = flow.quantity
        reading.rules.append("flow: named before")
        reading.confidence = LIKELY
    pair_before = pairs.get(id(before)) if before is not None else None
    if figure.kind == RANK and figure.quantity:
        pair = pair_of_rank(sentence, figure, context, pair_before)
    elif is_of_rank and pair_before is not None:
        pair = pair_before
    elif one.role == SHARE:
        pair = pair_of_share(sentence, one, flow, context, pair_before)
    else:
        pair = pair_of(flow, context, pair_before)
    if is_carried and flow is not None:
        label = [item for item in sentence.of(KIND) if item.end <= figure.left]
        flow = replace(flow, kind=label[-1].value["trade_kind"]) if label else flow
        is_list = part.sentence.is_heading
        pair = with_partner(pair, partner_beside(sentence, figure.start, is_list=is_list))
    if one.partner and not pair.reporter:
        pair = Pair(context.reporter or context.home, one.partner, False)
    pair = with_partner(pair, one.partner)
    sector, kind = scope_of(
        sentence, part.flows, one, flow, context, last.sector if last else TOTAL
    )
    if one.why_not:
        reading.confidence, reading.why = NOT_ASSERTED, one.why_not
        return reading
    has_base = one.role in WITH_BASE
    is_headline = pair.partner == WORLD and sector == TOTAL and kind == "" and time.is_part_year
    others: list[dict[str, str]] = []
    if is_headline and (headline := words.office(pair.reporter).headline) != GOODS:
        kind, others = headline, [{"trade_kind": GOODS}]
    kind = kind or GOODS
    if not pair.reporter or not pair.partner or pair.reporter == pair.partner:
        return not_understood(reading, "the text does not say which two countries are meant")
    if time.period is None or (has_base and time.base is None):
        return not_understood(reading, "the text does not give the period or its base")
    if one.role == "streak" and quantity not in ("deficit", "surplus"):
        return not_understood(reading, "years in a row of neither a deficit nor a surplus")
    pairs[id(one)] = pair
    if figure.value < 0 and quantity in ("deficit", "surplus"):
        quantity = "balance"
    reading.measure = _measure(one, quantity, sector)
    reading.reporter, reading.partner = pair.reporter, pair.partner
    reading.sector, reading.trade_kind = sector, kind
    reading.period = str(time.period)
    reading.base_period = str(time.base) if has_base else ""
    reading.unit = "sign" if one.role == SIGN else figure.unit
    reading.rules.append(f"period: {time.period_rule}")
    if has_base:
        reading.rules.append(f"base: {time.base_rule}")
    if not pair.is_said:
        reading.rules.append("countries: named before")
    reading.alternatives = [
        *others,
        *({"period": str(other)} for other in time.other_periods),
        *({"base_period": str(other)} for other in time.other_bases if has_base),
    ]
    if not pair.is_said or time.period_rule not in _SAID_BESIDE:
        reading.confidence = LIKELY
    if time.is_open or reading.alternatives:
        reading.confidence = UNDECIDED
    return reading


def _hedge(figure: Figure) -> str:
    if figure.kind == RATIO and figure.hedge == "exact":
        return "halved" if figure.value < 1 else _MULTIPLES.get(int(figure.value), "exact")
    return figure.hedge


def _measure(one: Told, quantity: str, sector: str) -> str:
    if one.figure.kind == RANK:
        return f"rank_{quantity}"
    if one.role == "streak":
        return f"streak_{quantity}_years"
    if one.role == SHARE:
        is_of_world = sector == TOTAL or (one.flow is not None and sector == one.flow.sector)
        return f"share_of_world_{quantity}" if is_of_world else f"share_pct_{quantity}"
    return _PREFIXES.get(one.role, "") + quantity


def _carried_flow(part: Part, one: Told, context: Context) -> Flow | None:
    """The flow of a sentence that names none: this, it, the previous high, a list."""
    sentence = part.marked
    if part.sentence.is_heading and context.list_flow is not None:
        item = sentence.at.get(one.figure.left - 1)
        if item is not None and item.table == SECTOR:
            one.sector = item.value["sector"]
        return context.list_flow
    is_of_flow = context.last is not None and context.last.quantity in _FLOWS
    is_of_trade = not part.flows and not sentence.of(NOT_TRADE)
    if context.last is not None and is_of_flow and is_of_trade and _is_of_products(sentence, one):
        return replace(context.last, start=0, end=0, sector="")
    words = {token.word for token in sentence.tokens[: one.figure.start]}
    if words & small_words("peaks"):
        return context.topic
    return context.last if words & small_words("pronouns") else None


def _is_of_products(sentence: Marked, one: Told) -> bool:
    """Footwear followed with $1.15 billion, up 24.5 percent: the products are in `one.sector`."""
    if not one.sector:
        before = [item for item in sentence.of(SECTOR) if item.end <= one.figure.left]
        outside = [item for item in before if not _is_in_brackets(sentence, item)]
        is_said = one.role == GROWTH or sentence.word(one.figure.left - 1) in small_words("amounts")
        if not outside or not is_said:
            return False
        one.sector = outside[-1].value["sector"]
    return True


def _is_share_of_place(sentence: Marked, one: Told) -> bool:
    """The United States (7.4%), after a sentence with China's share."""
    item = sentence.at.get(one.figure.left - 2)
    is_paren = sentence.word(one.figure.left - 1) == "("
    return one.rule == SHARE_UNNAMED and is_paren and item is not None and item.table == PLACE


def _read_share_of_them(part: Part, one: Told, context: Context) -> None:
    """Machinery accounted for 22 percent of them, of the imports named before."""
    products = [item for item in part.marked.of(SECTOR) if item.end <= one.figure.left]
    if products and context.last is not None:
        one.role, one.sector = SHARE, products[-1].value["sector"]
        one.flow = replace(context.last, start=0, end=0, sector="")


def _is_in_brackets(sentence: Marked, item: Item) -> bool:
    return sentence.word(item.start - 1) == "(" and sentence.word(item.end) == ")"


# -- what later sentences may rely on ----------------------------------------------------------


def _is_told_of(sentence: Marked, one: Told, time: When, context: Context) -> bool:
    """Whether later figures may be of the same time; not where exports "had plunged" before."""
    if context.period is None or time.period is None or time.period >= context.period:
        return True
    before = {sentence.word(place) for place in range(one.figure.left - 4, one.figure.left)}
    return not before & {"had", "after"}


def _pair_of_heading(part: Part, context: Context) -> tuple[str, str]:
    pair = pair_of(part.flows[0], context, None)
    if not pair.reporter or not pair.partner or pair.partner == WORLD:
        return context.reporter, context.partner
    return pair.reporter, pair.partner


def _remember(
    part: Part,
    found: list[Told],
    times: list[When],
    pairs: dict[int, Pair],
    result: list[Reading],
    context: Context,
) -> None:
    ranges = [(t.base, t.span) for t in part.marked.times if t.kind == RANGE and t.base and t.span]
    since = [t for t in part.marked.times if t.kind == BASE and t.base]
    mains, befores = [], []
    for one, time in zip(found, times, strict=True):
        if time.period is None or one.why_not or id(one) not in pairs:
            continue
        if time.base is not None and one.role in WITH_BASE:
            ranges.append((time.base, time.period))
            if time.period.months == 1 and time.base_rule in COMPARISONS:
                context.compared.add(time.period.first - time.base.first)
        if one.level == MAIN and _is_told_of(part.marked, one, time, context):
            mains.append(time.period)
        elif one.level in (FROM, COMPARED):
            befores.append(time.period)
    said = [
        t.span
        for t in part.marked.times
        if t.kind == PERIOD and t.span and not t.is_latest and not is_of_the_past(part.marked, t)
    ]
    if not pairs and said and part.flows:
        context.period = said[-1]
    if mains:
        # "…, and is down 14.6 % so far this year" is said aside.
        aside = {t.span for t in part.marked.times if t.rule == "year_to_date"}
        context.period = next((one for one in reversed(mains) if one not in aside), mains[-1])
        for one in mains:
            if context.newest is None or one.last > context.newest.last:
                context.newest = one
        if befores:
            ranges.append((befores[-1], mains[-1]))
    if ranges:
        context.range = ranges[-1]
    context.since = since[0] if since else None
    if pairs:
        last = list(pairs.values())[-1]
        context.topic_pair = context.topic_pair or next(iter(pairs.values()))
        worlds = [one for one in pairs.values() if one.partner == WORLD]
        context.world_pair = context.world_pair or next(iter(worlds), None)
        context.reporter, context.partner = last.reporter, last.partner
    elif any(flow.partner == WORLD for flow in part.flows):
        owners = [flow.owner for flow in part.flows if flow.owner not in PRONOUN_PLACES]
        reporter = owners[0] if owners else context.reporter or context.home
        context.reporter, context.partner = reporter, WORLD
        context.topic_pair = context.topic_pair or Pair(reporter, WORLD, False)
    named = [item.value["place"] for item in part.marked.of(PLACE)]
    home = context.reporter or context.home
    others = [one for one in named if one not in (home, WORLD, UNKNOWN, IT)]
    context.named = others[-1] if others else context.named
    ends_in_colon = part.marked.word(len(part.marked.tokens) - 1) == ":"
    if part.flows and (part.sentence.is_heading or ends_in_colon):
        if not pairs or context.list_flow is None:
            context.list_flow = part.flows[0]
        if not pairs:
            context.reporter, context.partner = _pair_of_heading(part, context)
    elif not part.sentence.is_heading:
        context.list_flow = None
    told_of = [one.flow for one in found if one.flow is not None] or part.flows
    shares = [one.flow for one in found if one.role == SHARE and one.flow is not None]
    context.last_share = shares[-1] if shares else None
    if told_of:
        context.last = told_of[0]
        context.topic = context.topic or told_of[0]
        context.kind = told_of[-1].kind or context.kind
    if result and result[-1].trade_kind:
        context.kind = result[-1].trade_kind
