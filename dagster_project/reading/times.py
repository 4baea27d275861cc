"""Gives each figure of a sentence its period, and the base that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from dagster_project.reading.items import KIND, PLACE, SECTOR, Marked
from dagster_project.reading.periods import (
    BASE,
    EARLIER,
    PERIOD,
    RANGE,
    THAT,
    Span,
    Time,
    latest_year,
)
from dagster_project.reading.roles import COMPARED, FROM, LEVEL, MAIN, PART, Told
from dagster_project.reading.word_lists import small_words

LAST_YEAR = "the latest published year"
SAME_AS_BASE = "the same months as the base"
# Rules that find a base in the words of the text.
EARLIER_TIME, COMPARED_WITH = "an earlier time", "compared with"
COMPARISONS = frozenset({EARLIER_TIME, COMPARED_WITH})
# How many words before a time "had" may stand.
_NEAR = 5
WITH_BASE = frozenset({"change", "growth", "ratio", "sign"})


@dataclass
class When:
    """The period of a figure and its base; `other_…` are further readings of them.

    `period_rule` says where the period came from, `is_open` that the text does not state it.
    """

    period: Span | None = None
    base: Span | None = None
    other_periods: tuple[Span, ...] = ()
    other_bases: tuple[Span, ...] = ()
    period_rule: str = ""
    base_rule: str = "start of the span"
    is_open: bool = False
    has_own: bool = False

    @property
    def is_part_year(self) -> bool:
        """Whether it has months, and not whole years."""
        return self.period is not None and self.period.months < 12


@dataclass(frozen=True)
class Known:
    """What the text has said about time before this sentence."""

    period: Span | None
    range: tuple[Span, Span] | None
    since: Time | None
    months_back: int = 12


def when(sentence: Marked, told: list[Told], known: Known, day: date) -> list[When]:
    """The period and base of each figure."""
    owned = {id(one): _own(sentence, one, told) for one in told}
    for one in told:
        own = owned[id(one)]
        is_owners = sentence.word(one.figure.left - 1) == "'s"
        if own is None or one.role != LEVEL or one.level != MAIN:
            continue
        is_beside = is_owners or one.is_paren
        is_base = own.kind == PERIOD and is_beside and _is_base_year(sentence, own)
        if is_base or (own.kind == EARLIER and one.is_paren):
            one.level = COMPARED
    others = {
        id(owned[id(one)])
        for one in told
        if one.level in (FROM, COMPARED) and owned[id(one)] is not None
    }
    result: dict[int, When] = {}
    # Main levels come first, because the levels compared with them depend on them.
    for one in sorted(told, key=_order):
        if one.level in (FROM, COMPARED):
            result[id(one)] = _level_before(sentence, one, told, owned, result, known)
        else:
            result[id(one)] = _main(sentence, one, told, owned, others, result, known, day)
    for one in told:
        if one.role in WITH_BASE:
            _find_base(sentence, one, told, result, known, owned)
    return [result[id(one)] for one in told]


def _order(one: Told) -> int:
    """The order of evaluation: main levels, other figures, levels compared with the main ones."""
    if one.level in (FROM, COMPARED):
        return 2
    return 0 if one.role == LEVEL and one.beside is None else 1


def _level_after(sentence: Marked, one: Told, told: list[Told]) -> Told | None:
    """The level that a change leads to: rose 4 percent to $10.8 billion."""
    for other in told:
        if other.role == LEVEL and other.level == MAIN and other.figure.start >= one.figure.end:
            between = [sentence.word(p) for p in range(one.figure.end, other.figure.left)]
            return other if "to" in between and len(between) <= 3 else None
    return None


def _own(sentence: Marked, one: Told, told: list[Told]) -> Time | None:
    """The time right after a figure: $27.6 billion last year from …"""
    starts = {other.figure.start for other in told}
    if one.is_paren and one.role == LEVEL:
        # slightly less than the year before ($24.8 billion)
        before = [time for time in sentence.times if time.end == one.figure.left - 1]
        if before and before[0].kind in (PERIOD, EARLIER):
            return before[0]
        if before and before[0].rule == "base_year":
            # greater than in 2007 ($831 billion)
            return replace(before[0], kind=PERIOD, span=before[0].base, rule="year")
    if sentence.word(one.figure.left - 1) == "'s":
        # above 2017's $375.6 billion
        before = [time for time in sentence.times if time.end == one.figure.left - 1]
        if before and before[0].kind in (PERIOD, EARLIER):
            return before[0]
    place = one.figure.end
    for _ in range(16):
        if place in starts:
            return None
        for time in sentence.times:
            if time.start == place:
                if time.kind == BASE and one.role == LEVEL:
                    return None
                return time
        item = sentence.at.get(place)
        if item is None:
            word = sentence.word(place)
            if word == ")" and one.is_paren:
                pass
            elif (word == "," and not _is_short_comma(sentence, place)) or word not in small_words(
                "before a time"
            ):
                return None
            place += 1
            continue
        is_passed = item.table in (KIND, PLACE, SECTOR) or (
            item.table == "flows" and item.value["quantity"] != "none"
        )
        if not is_passed and item.table != "changes":
            return None
        place = item.end
    return None


def _is_short_comma(sentence: Marked, place: int) -> bool:
    return False


def _main(
    sentence: Marked,
    one: Told,
    told: list[Told],
    owned: dict[int, Time | None],
    others: set[int],
    result: dict[int, When],
    known: Known,
    day: date,
) -> When:
    own = owned[id(one)]
    if one.beside is not None and id(one.beside) in result and own is None:
        beside = result[id(one.beside)]
        if one.role != PART:
            return When(
                beside.period,
                beside.base if one.role in WITH_BASE else None,
                beside.other_periods,
                beside.other_bases,
                "as the figure before",
                beside.base_rule,
            )
    if own is not None and own.kind in (PERIOD, RANGE) and own.span is not None:
        if own.is_latest and _is_later_year(known.period, own.span):
            return When(known.period, None, (), (), "named before", has_own=True)
        if not (one.role in WITH_BASE and _is_base_year(sentence, own)):
            return When(own.span, own.base, own.others, (), "after the figure", has_own=True)
    level = _level_after(sentence, one, told) if one.role in WITH_BASE else None
    if level is not None and id(level) in result and result[id(level)].has_own:
        of_level = result[id(level)]
        return When(of_level.period, None, of_level.other_periods, (), "as its level")
    if own is not None and own.kind == THAT and known.range and one.role != "streak":
        return When(known.range[1], None, (), (), "the same as before", has_own=True)
    if span := _when_it_was(sentence, one):
        return When(span, None, (), (), "before the figure")
    is_base = own is not None and own.kind == PERIOD and _is_base_year(sentence, own)
    if is_base and own and own.span and one.role in WITH_BASE and not own.span.is_year:
        # 1.1 % less than in September: of the month told of before.
        span = known.period
        if span is not None and span.months == own.span.months and span > own.span:
            return When(span, None, (), (), "named before")
        years = (span.year if span else day.year) - own.span.year
        if years > 0 and own.span.months > 1:
            return When(own.span.moved(12 * years), None, (), (), SAME_AS_BASE)
    times = [time for time in sentence.times if id(time) not in others]
    periods = [time for time in times if time.kind in (PERIOD, RANGE) and time.span is not None]
    periods = [time for time in periods if not time.is_latest or len(periods) == 1]
    before = [time for time in periods if time.end <= one.figure.start]
    after = [time for time in periods if time.start >= one.figure.end]
    that = [time for time in times if time.kind == THAT]
    before = [time for time in before if not _is_base_year(sentence, time)]
    after = [time for time in after if not _is_base_year(sentence, time)]
    if known.period is not None:
        # The deficit was $31.3 billion, and is down 14.6 % so far this year.
        of_others = {id(owned[id(other)]) for other in told if other is not one}
        after = [time for time in after if time.rule != "year_to_date" or id(time) not in of_others]
    first = min(other.figure.start for other in told)
    first = min([first, *(other.flow.start for other in told if other.flow is not None)])
    earlier = [time for time in times if time.kind == EARLIER and time.end <= first]
    if earlier and not before and one.role == LEVEL and known.period is not None:
        return When(earlier[-1].earlier_than(known.period), None, (), (), "before the figure")
    if own is not None and own.kind == BASE and one.role in WITH_BASE:
        after = [time for time in after if not _has_comma(sentence, one, time)]
    if before and before[-1].is_latest and _is_later_year(known.period, before[-1].span):
        return When(known.period, None, (), (), "named before")
    if before:
        time = before[-1]
        # A level later in the clause has the period of the change before it.
        return When(time.span, time.base, time.others, (), "before the figure")
    if after and _reaches(sentence, one, after[0], told):
        time = after[0]
        return When(time.span, time.base, time.others, (), "later in the sentence")
    if that and known.range:
        return When(known.range[1], known.range[0], (), (), "the same as before")
    if one.role in WITH_BASE:
        levels = [
            result[id(other)]
            for other in told
            if other.level == MAIN
            and id(other) in result
            and other.role == LEVEL
            and not (own is not None and own.base == result[id(other)].period)
        ]
        if levels and levels[0].period:
            return When(levels[0].period, None, levels[0].other_periods, (), "as its level")
        if known.range and any(time.kind == BASE for time in sentence.times):
            return When(known.range[1], None, (), (), "the last one mentioned")
    bases = [t.span for t in times if t.kind == PERIOD and t.span and _is_base_year(sentence, t)]
    if bases and known.period is not None and bases[0].year < known.period.year:
        # Compared with the first eight months of 2018, the deficit has narrowed.
        span = bases[0].moved((known.period.year - bases[0].year) * 12)
        return When(span, None, (), (), SAME_AS_BASE)
    if known.period is not None:
        return When(known.period, None, (), (), "named before")
    return When(latest_year(day), None, (), (), LAST_YEAR, is_open=True)


def _when_it_was(sentence: Marked, one: Told) -> Span | None:
    """The time before "when": more than doubled since 2014, when it was $24.9 billion."""
    reach = 6 if one.role == LEVEL else 11
    for place in range(one.figure.left - 1, max(one.figure.left - reach, 0), -1):
        if sentence.figure_at(place):
            return None
        if sentence.word(place) == "when":
            before = place - 1 if sentence.word(place - 1) == "," else place
            return next(
                (t.base or t.span for t in sentence.times if t.end in (place, before)), None
            )
    return None


def _is_later_year(period: Span | None, span: Span | None) -> bool:
    return period is not None and span is not None and period.is_year and period > span


def _has_comma(sentence: Marked, one: Told, time: Time) -> bool:
    return any(sentence.word(place) == "," for place in range(one.figure.end, time.start))


def _reaches(sentence: Marked, one: Told, time: Time, told: list[Told]) -> bool:
    """Whether a later time may belong to a figure: no semicolon comes between."""
    return not any(
        sentence.word(place) in (";", "|") for place in range(one.figure.end, time.start)
    )


def _is_base_year(sentence: Marked, time: Time) -> bool:
    """Whether a change is measured from this year: compared with 2015, than in 2015."""
    place = time.start - 1
    while sentence.word(place) in ("in", "the", "that", "those", "of"):
        place -= 1
    word, two = sentence.word(place), sentence.word(place - 1)
    if word in ("from", "on", "over"):
        return time.rule == "year"
    return word in ("than", "against", "versus", "vs", "above", "below") or (
        word in ("with", "to") and two in ("compared", "relative")
    )


def _level_before(
    sentence: Marked,
    one: Told,
    told: list[Told],
    owned: dict[int, Time | None],
    result: dict[int, When],
    known: Known,
) -> When:
    """The period of a level with which the main level is compared."""
    own = owned[id(one)]
    mains = [
        result[id(other)]
        for other in told
        if id(other) in result and other.flow is one.flow and result[id(other)].period
    ]
    mains = mains or [result[id(other)] for other in told if id(other) in result]
    main = next((time.period for time in mains if time.period), known.period)
    if own is not None:
        if own.kind in (PERIOD, RANGE) and own.span is not None:
            return When(own.span, None, own.others, (), "after the figure", has_own=True)
        if own.kind == EARLIER and main is not None:
            return When(own.earlier_than(main), None, (), (), "after the figure", has_own=True)
    if known.range and any(time.kind == THAT for time in sentence.times):
        return When(known.range[0], None, (), (), "start of the same span")
    bases = [time for time in sentence.times if time.base is not None]
    if bases:
        return When(
            bases[0].base,
            None,
            bases[0].others if bases[0].kind == BASE else (),
            (),
            "start of the span",
        )
    said = [
        result[id(other)].period
        for other in told
        if other.level == one.level and id(other) in result and result[id(other)].has_own
    ]
    if said:
        return When(said[-1], None, (), (), "as of the earlier level")
    earlier = [time for time in sentence.times if time.kind == EARLIER]
    if main is not None and earlier:
        return When(earlier[-1].earlier_than(main), None, (), (), "a year earlier")
    if main is not None and known.range and known.range[1] == main:
        return When(known.range[0], None, (), (), "start of the span named before")
    quantities = {
        other.flow.quantity for other in told if other.level == MAIN and other.flow is not None
    }
    is_other_flow = one.flow is not None and one.flow.quantity not in quantities
    if main is not None and quantities and is_other_flow:
        # $39.26 billion of imports, compared to $518 million in exports
        return When(main, None, (), (), "as the figure that it is compared with")
    if main is not None:
        return When(main.moved(-12), None, (), (), "a year before, not stated", is_open=False)
    return When(None, is_open=True)


def _find_base(
    sentence: Marked,
    one: Told,
    told: list[Told],
    result: dict[int, When],
    known: Known,
    owned: dict[int, Time | None],
) -> None:
    time = result[id(one)]
    if time.base is not None or time.period is None:
        return
    right = _right_limit(one, told)
    near = [t for t in sentence.times if one.figure.end <= t.start < right]
    for found in near:
        if found.kind == BASE and found.base:
            base = found.base
            if found.rule == "base_year":
                base = _same_months(base, time.period) or base
            time.base, time.other_bases, time.base_rule = base, found.others, "since then"
            return
        if found.kind == EARLIER:
            time.base, time.base_rule = found.earlier_than(time.period), EARLIER_TIME
            return
        if found.kind == PERIOD and found.span and _is_base_year(sentence, found):
            time.base = _same_months(found.span, time.period)
            time.base_rule = COMPARED_WITH
            if time.base is not None:
                return
    levels = [
        result[id(other)]
        for other in told
        if other.level in (FROM, COMPARED)
        and other.role == LEVEL
        and other.flow is one.flow
        and result[id(other)].period
    ]
    if known.range and any(t.kind == THAT and t.rule != "that_year" for t in near):
        time.base, time.base_rule = known.range[0], "the same as before"
        return
    if levels:
        time.base, time.base_rule = levels[0].period, "as of the earlier level"
        time.other_bases = levels[0].other_periods
        return
    before = [t for t in sentence.times if t.end <= one.figure.start]
    for found in reversed(before):
        if found.kind in (BASE, RANGE) and found.base and found.base != time.period:
            time.base, time.base_rule = found.base, "since then"
            time.other_bases = found.others if found.kind == BASE else ()
            return
        if found.kind == EARLIER:
            time.base, time.base_rule = found.earlier_than(time.period), EARLIER_TIME
            return
    for found in sentence.times:
        if found.kind == BASE and found.base and found.start >= one.figure.end:
            time.base, time.other_bases, time.base_rule = found.base, found.others, "since then"
            return
    for found in before:
        if found.kind == PERIOD and found.span and _is_base_year(sentence, found):
            time.base = _same_months(found.span, time.period)
            time.base_rule = COMPARED_WITH
            if time.base is not None:
                return
    if any(t.kind == THAT for t in sentence.times) and known.range:
        time.base, time.base_rule = known.range[0], "the same as before"
    elif one.role in ("ratio", "sign"):
        if known.since and known.since.base:
            time.base, time.other_bases = known.since.base, known.since.others
            time.base_rule = "since then, stated earlier"
        else:
            time.is_open = True
    else:
        is_month = time.period.first == time.period.last
        back = known.months_back if is_month else 12
        time.base, time.base_rule = time.period.moved(-back), "the period before, not stated"
        if is_month:
            time.other_bases = (time.period.moved(-(13 - back)),)


def is_of_the_past(sentence: Marked, time: Time) -> bool:
    """Exports had last fallen in August; the sharpest fall since May: no time of what follows."""
    words = [sentence.word(place) for place in range(time.start)]
    if _is_base_year(sentence, time) or "had" in words[-_NEAR:]:
        return True
    is_since = bool({"since"} & set(words[-3:])) or sentence.word(time.start) == "since"
    return is_since or any(one == "had" and two == "last" for one, two in pairwise(words))


def _same_months(base: Span, period: Span) -> Span | None:
    """The base that a period is compared with: of a year, the same months; None if none fits."""
    if base.months == period.months:
        return base
    if base.is_year and period.months < base.months and base.year < period.year:
        return period.moved((base.year - period.year) * 12)
    return None


def _right_limit(one: Told, told: list[Told]) -> int:
    """The start of the next figure that is not in brackets."""
    for other in told:
        if other.figure.start >= one.figure.end and not other.is_paren:
            return other.figure.start
    return 10**9
