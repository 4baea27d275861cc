"""Attaches each figure of a sentence to the flow that it measures."""

from __future__ import annotations

import itertools

from dagster_project.reading.amounts import PERCENT, RANK, RUN
from dagster_project.reading.exclusions import (
    is_followed_by_other_things,
    is_of_other_things,
    is_of_volume,
    unasserted,
)
from dagster_project.reading.flow import IT, Flow
from dagster_project.reading.items import CHANGE, FLOW, KIND, PLACE, SECTOR, TIME, Item, Marked
from dagster_project.reading.roles import (
    CHANGE_OF,
    GROWTH,
    LEVEL,
    OPEN,
    PART,
    SHARE,
    SHARE_IS,
    Told,
    role_of,
    share_before,
)
from dagster_project.reading.word_lists import small_words


def told(sentence: Marked, found: list[Flow]) -> list[Told]:
    """The figures of a sentence with their roles, without figures that are not about trade."""
    result: list[Told] = []
    for figure in sentence.figures:
        before = result[-1] if result else None
        one = role_of(sentence, figure, before)
        if one is None:
            continue
        _attach(sentence, one, found, before)
        if is_of_other_things(sentence, figure, one.flow, is_following=one.is_following):
            continue
        if one.figure.kind == PERCENT and is_of_volume(sentence, figure):
            continue
        if (
            one.role == SHARE
            and one.is_following
            and is_followed_by_other_things(sentence, one.flow)
        ):
            continue
        one.why_not = unasserted(sentence, figure, one.flow)
        result.append(one)
    _parts(sentence, result)
    _respectively(sentence, result, found)
    return result


def _attach(sentence: Marked, one: Told, found: list[Flow], before: Told | None) -> None:
    if one.figure.kind == RANK:
        preceding = [flow for flow in found if flow.end <= one.figure.start]
        if not one.figure.quantity and preceding:
            one.flow = preceding[-1]
        return
    if one.beside is not None:
        one.flow = one.beside.flow
        return
    following = _following(sentence, one, found)
    if following is not None:
        one.flow, one.is_following = following, True
        return
    if one.rule == SHARE_IS:
        share = share_before(sentence, one.figure.left - 1) or 0
        named = [item for item in sentence.of(PLACE) if item.end <= share]
        one.partner = named[-1].value["place"] if named else ""
    elif one.role == SHARE and not _is_of_the_whole(sentence, one):
        one.role, one.rule = OPEN, "a share of something that is not a trade flow"
    if one.is_paren and before is not None:
        one.beside = before
        if before.figure.kind == RANK and one.role == LEVEL:
            return
        item = sentence.at.get(one.figure.left - 2)
        if item is not None and item.table == SECTOR:
            # beef ($1.9 billion), corn ($2.2 billion)
            one.sector, one.beside = item.value["sector"], None
        is_of_rank = before.figure.kind == RANK and not (item and _is_outranked(sentence, item))
        if item is not None and item.table == PLACE and not is_of_rank:
            # second only to Germany ($74.2 billion)
            one.partner = item.value["place"]
            one.beside = before.beside if before.flow is None else None
        one.flow = before.flow
        if one.role == before.role and one.sector == "":
            one.level = before.level
        if before.flow is not None:
            return
    elif one.is_paren:
        item = sentence.at.get(one.figure.left - 2)
        if item is not None and item.table == SECTOR:
            one.sector = item.value["sector"]
        elif item is not None and item.table == PLACE:
            one.partner = item.value["place"]
    verbs = [flow for flow in found if flow.start >= one.figure.end and flow.is_verb]
    if one.role == LEVEL and verbs and _is_passive(sentence, one, verbs[0]):
        _attach_passive(sentence, one, verbs[0])
        return
    preceding = [flow for flow in found if flow.end <= one.figure.start]
    if preceding:
        one.flow = preceding[-1]
        one.partner = one.partner or _partner_beside(sentence, one, before)
        return
    if one.is_paren and one.sector and found:
        one.flow = found[0]
        return
    if one.figure.kind == RUN:
        one.flow = next(iter(found), None)
    elif before is not None and before.figure.kind == RANK and before.figure.quantity:
        # The largest deficit remained the one with China, at $375.2 billion.
        one.beside = before


def _is_outranked(sentence: Marked, item: Item) -> bool:
    """Whether a place comes after "ahead of", "followed by", "behind" or "over"."""
    words = (sentence.word(item.start - 2), sentence.word(item.start - 1))
    return words in (("ahead", "of"), ("followed", "by")) or words[1] in small_words("overtaken")


def _is_of_the_whole(sentence: Marked, one: Told) -> bool:
    """Whether a share is of "the total" or "the whole", named earlier."""
    after = [sentence.word(place) for place in range(one.figure.end, one.figure.end + 3)]
    return bool({"total", "whole"} & set(after))


def _partner_beside(sentence: Marked, one: Told, before: Told | None) -> str:
    """The partner of a listed figure: with Hong Kong of $27.5 billion and with Chile of …"""
    item = sentence.at.get(one.figure.end + 1 + (sentence.word(one.figure.end + 1) == "the"))
    if sentence.word(one.figure.end) == "with" and item is not None and item.table == PLACE:
        return item.value["place"]
    contributor = sentence.at.get(one.figure.left - 2)
    if one.role == LEVEL and sentence.word(one.figure.left - 1) == "with":
        if contributor is not None and contributor.table == PLACE:
            return contributor.value["place"]
        first = sentence.at.get(0)
        if (
            before is None
            and first is not None
            and first.table == PLACE
            and "contributed" in {token.word for token in sentence.tokens}
        ):
            return first.value["place"]
    if before is None or one.flow is None or before.flow is not one.flow or one.role != LEVEL:
        return ""
    places = [
        item.value["place"]
        for item in sentence.of(PLACE)
        if before.figure.end <= item.start < one.figure.start
        and sentence.word(item.start - 1 - (sentence.word(item.start - 1) == "the")) == "with"
    ]
    return places[-1] if places else ""


def _attach_passive(sentence: Marked, one: Told, verb: Flow) -> None:
    """Find country and products before a figure: Chinese goods worth … were imported."""
    before = range(max(one.figure.left - 5, 0), one.figure.left)
    items = [sentence.at[place] for place in before if place in sentence.at]
    places = [item.value["place"] for item in items if item.table == PLACE]
    sectors = [item.value["sector"] for item in items if item.table == SECTOR]
    one.flow, one.sector = verb, sectors[-1] if sectors else ""
    verb.owner = IT
    if places and verb.quantity == "imports":
        verb.partner = verb.partner or places[-1]
    elif places:
        verb.owner = places[-1]


def _is_passive(sentence: Marked, one: Told, verb: Flow) -> bool:
    """Whether a passive verb follows: cars worth $6.6 billion were shipped to the U.S."""
    between = {
        sentence.word(place)
        for place in range(one.figure.end, verb.start)
        if not sentence.figure_at(place) and sentence.word(place) not in ("(", ")")
    }
    return bool(between) and between <= {"were", "was", "has", "have", "had", "been"}


def _following(sentence: Marked, one: Told, found: list[Flow]) -> Flow | None:
    """The flow named right after a figure: $195 billion in two-way trade."""
    place = one.figure.end
    seen_change = one.rule not in ("growth after", "change after")
    is_that = False
    for _ in range(14):
        if place >= len(sentence.tokens):
            return None
        item, word = sentence.at.get(place), sentence.word(place)
        figure = sentence.figure_at(place)
        if figure is not None:
            if one.role != SHARE:
                return None
            place = figure.end
            continue
        if item is None:
            if word == ":" and one.figure.left == 0 and place == one.figure.end:
                # $25.2 billion: the U.S. trade deficit with India.
                pass
            elif word in ("that", "which"):
                is_that = True
            elif (is_that and word in ("has", "had")) or (
                word in ("(", ")")
                and "two"
                in (
                    sentence.word(place + 1),
                    sentence.word(place - 2),
                    sentence.word(place - 3),
                )
            ):
                pass
            elif word not in small_words("after a figure") and word not in ('"', "-"):
                return None
            place += 1
            continue
        if item.table == FLOW:
            if item.value["quantity"] == "none":
                return None
            flow = next((flow for flow in found if flow.start == item.start), None)
            if flow is None or (flow.is_verb and not is_that):
                return None
            return flow
        if item.table == CHANGE and not seen_change:
            seen_change = True
        elif item.table == TIME and one.role in (GROWTH, CHANGE_OF):
            pass
        elif item.table not in (KIND, SECTOR, PLACE):
            return None
        place = item.end
    return None


def _parts(sentence: Marked, result: list[Told]) -> None:
    """Give a part the flow of its whole: $24 billion of the $69.9 billion in goods that …"""
    for part, whole in itertools.pairwise(result):
        between = [sentence.word(p) for p in range(part.figure.end, whole.figure.left)]
        if between[:1] != ["of"] or len(between) > 3 or part.role != LEVEL:
            continue
        part.flow, part.rule = whole.flow, "part of the next figure"
        part.role = PART
        part.beside = whole


def _respectively(sentence: Marked, result: list[Told], found: list[Flow]) -> None:
    """Match flows and figures in order: exports and imports were … and …, respectively."""
    places = [place for place, one in enumerate(sentence.tokens) if one.word == "respectively"]
    if not places:
        return
    figures = [one for one in result if one.figure.end <= places[0]]
    named = [one for one in found if figures and one.end <= figures[0].figure.start]
    for one, flow in zip(reversed(figures), reversed(named), strict=False):
        one.flow = flow
