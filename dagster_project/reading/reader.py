"""Reads a text: finds every trade figure and completes it from earlier sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dagster_project.reading.amounts import MONEY, RANK, RATIO, Figure
from dagster_project.reading.attachments import told
from dagster_project.reading.context import Context, Pair
from dagster_project.reading.flows import IT, OURS, SAME, Flow, flows
from dagster_project.reading.grammar import Grammar, grammar
from dagster_project.reading.items import PLACE, SECTOR, SOURCE, Item, Marked, marked, read_times
from dagster_project.reading.pairs import (
    UNKNOWN,
    WORLD,
    pair_of,
    pair_of_rank,
    pair_of_share,
    partner_beside,
    with_partner,
)
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
    Told,
)
from dagster_project.reading.scope import GOODS, TOTAL, scope_of
from dagster_project.reading.signs import SIGN, signs
from dagster_project.reading.speakers import speaker
from dagster_project.reading.table_readings import table_readings
from dagster_project.reading.tables import Table, find_tables
from dagster_project.reading.times import (
    COMPARISONS,
    LAST_YEAR,
    WITH_BASE,
    Known,
    When,
    is_of_the_past,
    when,
)
from dagster_project.reading.tokens import Sentence, divided, sentences, tokens
from dagster_project.reading.word_lists import small_words

_PREFIXES = {"change": "change_", SIGN: "change_", "growth": "growth_pct_", "ratio": "ratio_"}
_SAID_BESIDE = frozenset({"after the figure", "before the figure", "as the figure before"})
_MULTIPLES = {2: "doubled", 3: "tripled", 4: "quadrupled"}
_US_DOLLAR = "USD"
_BALANCES = frozenset({"deficit", "surplus", "balance", "balance_size"})
_PRONOUN_PLACES = ("", IT, OURS, UNKNOWN)


@dataclass
class _Part:
    """A sentence with its marked items, flows and figures, before the context is known."""

    sentence: Sentence
    marked: Marked
    flows: list[Flow]
    told: list[Told]
    table: Table | None = None


def read(text: str, day: date, reporter: str = "") -> list[Reading]:
    """The trade figures of a text, in order.

    Args:
        text: the main text of an article.
        day: the publication date, from which "last year" is counted.
        reporter: the code of the country whose figures are meant where the text does not say.
    """
    words = grammar()
    parts = list(_parts(text, words))
    context = _first_context(parts, reporter, words)
    _name_dollars(parts, context.home, words)
    result: list[Reading] = []
    caption: Marked | None = None
    for part in parts:
        if part.table is not None:
            result.extend(table_readings(part.table, caption, context, words, day))
            continue
        result.extend(_read_part(part, context, words, day, text))
        caption = part.marked
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


def _parts(text: str, words: Grammar) -> Iterable[_Part]:
    position = 0
    for table in [*find_tables(text), None]:
        end = table.start if table else len(text)
        for sentence in sentences(text, position, end):
            for found in divided(tokens(text, sentence.start, sentence.end)):
                part = marked(found, words)
                of_part = flows(part)
                yield _Part(sentence, part, of_part, told(part, of_part))
        if table is not None:
            yield _Part(Sentence(table.start, table.end, table.start), Marked(()), [], [], table)
            position = table.end


def _first_context(parts: Sequence[_Part], reporter: str, words: Grammar) -> Context:
    """The country whose figures the text gives most often, and its most frequent partner."""
    owners: Counter[str] = Counter()
    partners: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    named: Counter[str] = Counter()
    agreements: Counter[str] = Counter()
    currencies: Counter[str] = Counter()
    for part in parts:
        named.update(part.table.places(words) if part.table else ())
        for figure in part.marked.figures:
            if figure.kind == MONEY:
                currencies[words.home_of(figure.unit)] += 1
        for flow in part.flows:
            is_owner = flow.owner not in _PRONOUN_PLACES and not flow.is_between
            owners.update([flow.owner] if is_owner else [])
            partners.update([flow.partner] if flow.partner not in _PRONOUN_PLACES else [])
        for item in part.marked.items:
            if item.table == SOURCE and item.value["place"]:
                sources[item.value["place"]] += 1
            elif item.table == PLACE:
                named[item.value["place"]] += 1
            if item.match and item.value["table"] == "event_phrases":
                for row in item.match.slots.get("event", []):
                    event = words.events[row]
                    agreements.update([event.event] if event.kind == "agreement" else [])
                    named.update(event.places if len(event.places) == 1 else [])
    del named[UNKNOWN], currencies[""]
    money = _most(currencies)
    home = reporter or _most(owners, money) or _most(sources, money) or money
    others = [one for one, _ in (partners.most_common() + named.most_common()) if one != home]
    partner = others[0] if others else ""
    return Context(
        home=home,
        main_partner=partner,
        is_of_two=len(set(others)) == 1,
        only_sector=_only_sector(parts),
        agreement=_most(agreements) or _agreement_with(partner, words),
    )


def _only_sector(parts: Sequence[_Part]) -> str:
    """The product group of the first flow of a text, if no flow is of another or of all."""
    found = [flow for part in parts for flow in part.flows]
    sectors = {flow.sector for flow in found if flow.sector}
    is_of_all = any(flow.is_whole or flow.kind or flow.quantity in _BALANCES for flow in found)
    first = found[0].sector if found else ""
    return first if first and len(sectors) == 1 and not is_of_all else ""


def _name_dollars(parts: Sequence[_Part], home: str, words: Grammar) -> None:
    """Give a bare $ the dollar that the text names, or that of the office that it quotes."""
    dollar = words.office(home).dollar
    if dollar in ("", _US_DOLLAR):
        return
    quoted = {item.value["place"] for part in parts for item in part.marked.of(SOURCE)}
    named = {one.unit.partition(" ")[0] for part in parts for one in part.marked.figures}
    if home not in quoted and dollar not in named:
        return
    for part in parts:
        for one in part.marked.figures:
            first = part.marked.tokens[one.start : one.start + 2]
            is_bare = first[0].text == "$" and first[-1].is_number
            if is_bare and one.unit.startswith(_US_DOLLAR):
                one.unit = one.unit.replace(_US_DOLLAR, dollar, 1)


def _agreement_with(partner: str, words: Grammar) -> str:
    """The agreement meant by a text that names none: the only one with its partner."""
    found = {one.event for one in words.events if one.kind == "agreement" and partner in one.places}
    return found.pop() if len(found) == 1 else ""


def _most(counted: Counter[str], preferred: str = "") -> str:
    """The code counted most often; in a tie, the preferred one."""
    if not counted:
        return ""
    most = max(counted.values())
    return preferred if counted[preferred] == most else counted.most_common(1)[0][0]


# -- one sentence -------------------------------------------------------------------------


def _read_part(
    part: _Part, context: Context, words: Grammar, day: date, text: str
) -> list[Reading]:
    sentence = part.marked
    if part.sentence.paragraph != context.paragraph:
        context.paragraph = part.sentence.paragraph
        context.topic_sector = context.kind = ""
        context.topic = context.topic_pair = None
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
    known = Known(context.period, context.range, context.since, months_back, context.months_told)
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


def _find_topic(sentence: Marked, context: Context) -> None:
    """Find the products that a paragraph is about, as in "When it comes to textiles, …"."""
    if [sentence.word(place) for place in range(4)] == ["when", "it", "comes", "to"]:
        item = sentence.at.get(4)
        if item and item.table == SECTOR:
            context.topic_sector = item.value["sector"]


def _reading(
    part: _Part,
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
    if one.rule == SHARE_OF_THEM and context.last is not None and not part.flows:
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
    if is_carried:
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


def _carried_flow(part: _Part, one: Told, context: Context) -> Flow | None:
    """The flow of a sentence that names none: this, it, the previous high, a list."""
    sentence = part.marked
    if part.sentence.is_heading and context.list_flow is not None:
        return context.list_flow
    if not part.flows and context.last is not None and _is_of_products(sentence, one):
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


def _read_share_of_them(part: _Part, one: Told, context: Context) -> None:
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
    before = range(one.figure.left - 4, one.figure.left)
    return "had" not in {sentence.word(place) for place in before}


def _pair_of_heading(part: _Part, context: Context) -> tuple[str, str]:
    pair = pair_of(part.flows[0], context, None)
    if not pair.reporter or not pair.partner or pair.partner == WORLD:
        return context.reporter, context.partner
    return pair.reporter, pair.partner


def _remember(
    part: _Part,
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
                context.months_told = time.period.first - time.base.first
        if one.level == MAIN and _is_told_of(part.marked, one, time, context):
            mains.append(time.period)
        elif one.level in (FROM, COMPARED):
            befores.append(time.period)
    said = [
        t.span
        for t in part.marked.times
        if t.kind == PERIOD and t.span and not t.is_latest and not is_of_the_past(part.marked, t)
    ]
    if not mains and said and part.flows:
        context.period = said[-1]
    if mains:
        # "…, and is down 14.6 % so far this year" is said aside.
        aside = {t.span for t in part.marked.times if t.rule == "year_to_date"}
        context.period = next((one for one in reversed(mains) if one not in aside), mains[-1])
        if befores:
            ranges.append((befores[-1], mains[-1]))
    if ranges:
        context.range = ranges[-1]
    context.since = since[0] if since else None
    if pairs:
        last = list(pairs.values())[-1]
        context.topic_pair = context.topic_pair or next(iter(pairs.values()))
        context.first_pair = context.first_pair or context.topic_pair
        context.reporter, context.partner = last.reporter, last.partner
    elif any(flow.partner == WORLD for flow in part.flows):
        owners = [flow.owner for flow in part.flows if flow.owner not in _PRONOUN_PLACES]
        reporter = owners[0] if owners else context.reporter or context.home
        context.reporter, context.partner = reporter, WORLD
        context.topic_pair = context.topic_pair or Pair(reporter, WORLD, False)
    named = [item.value["place"] for item in part.marked.of(PLACE)]
    home = context.reporter or context.home
    others = [one for one in named if one not in (home, WORLD, UNKNOWN)]
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
    if told_of:
        context.last = told_of[0]
        context.topic = context.topic or told_of[0]
        context.kind = told_of[-1].kind or context.kind
    if result and result[-1].trade_kind:
        context.kind = result[-1].trade_kind
