"""Finds what a sentence says about each flow: its reporter, its partner and its products."""

from __future__ import annotations

from dagster_project.reading.flow import IT, OURS, SAME, SEVERAL, WORLD, Flow
from dagster_project.reading.items import (
    CHANGE,
    FLOW,
    KIND,
    NOT_TRADE,
    PLACE,
    SECTOR,
    SOURCE,
    Item,
    Marked,
)
from dagster_project.reading.joined_flows import (
    find_other_subject,
    share_places,
    without_mere_trade,
    without_what_is_compared,
)
from dagster_project.reading.word_lists import small_words

_STRONG = frozenset({";", ".", "!", "?", ":", "|"})
_COMMAS = frozenset({",", "(", ")", "[", "]"})
_PRONOUNS = {"its": IT, "their": IT, "our": OURS}
_ITS = {"it": IT, "them": IT, "us": OURS}
_LEFT, _RIGHT = 8, 24
_PARTNER_WORDS = {
    "exports": frozenset({"to", "with", "into", "for"}),
    "imports": frozenset({"from", "of", "with"}),
}
_ANY_PARTNER = frozenset({"with", "to", "from", "against", "vis"})
_OWNER_WORDS = {
    "exports": frozenset({"from", "of", "by"}),
    "imports": frozenset({"into", "by", "to"}),
}


def flows(sentence: Marked) -> list[Flow]:
    """The flows of a sentence, from left to right."""
    result: list[Flow] = []
    for item in sentence.of(FLOW):
        quantity = item.value["quantity"]
        following = sentence.at.get(item.end)
        is_of_products = following is not None and following.table in (SECTOR, KIND)
        if quantity == "none" or (item.value["part"] == "of products" and not is_of_products):
            continue
        if quantity == SAME:
            # "the deficit with China fell, and that with Mexico rose"
            if not result and any(one.quantity for one in sentence.figures):
                # The largest deficit remained the one with China.
                continue
            quantity = result[-1].quantity if result else SAME
        flow = Flow(item.start, item.end, quantity, is_verb=item.value["part"] == "verb")
        _look_left(sentence, flow)
        _look_right(sentence, flow)
        if not flow.owner and (
            flow.is_verb or sentence.word(_noun_start(sentence, flow)) in small_words("has")
        ):
            _find_subject(sentence, flow, result)
        if flow.is_verb and flow.quantity == "two_way_trade" and not flow.partner:
            find_other_subject(sentence, flow)
        if not flow.kind:
            flow.kind = _kind_before(sentence, flow)
        _find_which(sentence, flow)
        _find_heading(sentence, flow)
        _find_lead(sentence, flow)
        _find_products(sentence, flow)
        _find_whole(sentence, flow)
        _find_provider(sentence, flow)
        # "Car sales fell" is not about trade.
        is_domestic = item.value["part"] == "weak" and not flow.partner
        if not is_domestic and not _is_in_brackets(sentence, item):
            result.append(flow)
    share_places(sentence, result)
    result = without_what_is_compared(result, sentence)
    return without_mere_trade(sentence, result)


def _look_left(sentence: Marked, flow: Flow) -> None:
    """Read the words before a flow: South Korea's growing goods trade surplus."""
    place = flow.start - 1
    for _ in range(_LEFT):
        if place < 0:
            return
        item, word = sentence.at.get(place), sentence.word(place)
        figure = sentence.figure_at(place)
        if figure:
            place = figure.start - 1
            continue
        if item is None:
            if word in small_words("whole"):
                flow.is_whole = True
                flow.is_overall = flow.is_overall or word == "overall"
            if word in _PRONOUNS:
                flow.owner, flow.owner_at = _PRONOUNS[word], place
                return
            if (
                word in small_words("before a noun")
                or word in small_words("verbs")
                or word in _STRONG
                or word in _COMMAS
            ):
                return
            if flow.is_verb and word not in ("'s", '"', "-"):
                return
            place -= 1
            continue
        if item.table == KIND and not flow.kind:
            flow.kind = item.value["trade_kind"]
        elif item.table == SECTOR and not flow.sector:
            flow.sector = item.value["sector"]
        elif item.table == PLACE:
            flow.owner, flow.owner_at = item.value["place"], item.start
            _pair_before(sentence, flow, item)
            for before in (item.start - 1, item.start - 2):
                word = sentence.word(before)
                flow.is_whole = flow.is_whole or word in small_words("whole")
                flow.is_overall = flow.is_overall or word == "overall"
            return
        elif item.table == FLOW and item.end == flow.start and flow.quantity != "none":
            # "trade" right before "deficit" is not a flow of its own.
            pass
        elif item.table != CHANGE or item.value["part"] == "adverb":
            return
        place = item.start - 1


def _find_provider(sentence: Marked, flow: Flow) -> None:
    """Find the partner that provides: China provided $1.27 billion of imports."""
    if (
        flow.partner
        or flow.quantity != "imports"
        or sentence.word(flow.start - 1) not in ("of", "in")
    ):
        return
    for item in sentence.of(PLACE):
        if item.end <= flow.start and sentence.word(item.end) in small_words("provides"):
            flow.partner, flow.partner_at = item.value["place"], item.start


def _find_whole(sentence: Marked, flow: Flow) -> None:
    """Extend a flow to all partners: German exports as a whole."""
    after = [sentence.word(place) for place in range(flow.end, flow.end + 3)]
    is_first = not any(item.end <= flow.start for item in sentence.of(FLOW))
    starts = [sentence.word(place) for place in range(3)]
    is_led = is_first and (starts[1] == "," and starts[0] in small_words("whole"))
    is_total = after[:2] == ["in", "total"] and not flow.sector
    if after == ["as", "a", "whole"] or is_total or is_led:
        flow.is_whole = True
        flow.partner = flow.partner or WORLD


def _is_in_brackets(sentence: Marked, item: Item) -> bool:
    """Whether a flow in brackets only explains another: trade (exports and imports) totaled."""
    place = item.end
    while place < min(item.end + 4, len(sentence.tokens)):
        if sentence.word(place) == ")":
            return any(sentence.word(one) == "(" for one in range(item.start - 4, item.start))
        if sentence.figure_at(place):
            return False
        place += 1
    return False


def _find_products(sentence: Marked, flow: Flow) -> None:
    """Find products named before a flow: chemicals, whose exports fell; imports in this sector."""
    if flow.sector or flow.is_whole:
        return
    before = [item for item in sentence.of(SECTOR) if item.end <= flow.start]
    if not before:
        return
    last = before[-1]
    between = [sentence.word(place) for place in range(last.end, flow.start)]
    after = {sentence.word(place) for place in range(flow.end, flow.end + 6)}
    is_whose = "whose" in between[:2] and len(between) <= 3
    is_seen = between[:1] in (["saw"], ["see"], ["sees"], ["where"])
    is_this = bool({"this", "that"} & after and {"sector", "category", "industry"} & after)
    if is_whose or is_seen or is_this:
        flow.sector = last.value["sector"]


def _find_which(sentence: Marked, flow: Flow) -> None:
    """Find a partner named before "which": Japan, with which the United States had a deficit."""
    if flow.partner:
        return
    place = flow.start - 1
    while place > 2:
        if sentence.word(place) == "which" and sentence.word(place - 1) in ("with", "to", "from"):
            item = sentence.at.get(place - 2 - (sentence.word(place - 2) == ","))
            if item is not None and item.table == PLACE:
                flow.partner, flow.partner_at = item.value["place"], item.start
            return
        place -= 1


def _find_heading(sentence: Marked, flow: Flow) -> None:
    """Find a partner named before a colon, as in "Mexico: exports $231 billion"."""
    colons = [place for place in range(flow.start) if sentence.word(place) == ":"]
    first = sentence.at.get(1 if sentence.word(0) == "-" else 0)
    if not colons and first is not None and first.table == PLACE:
        # Mexico - $557 billion traded, with a $71 billion deficit
        is_dash = sentence.word(first.end) == "-" and not sentence.tokens[first.end].glued
        colons = [first.end] if is_dash else []
    named = [item for item in sentence.of(FLOW) if item.value["quantity"] != "none"]
    if flow.partner or not colons or named[0].end <= colons[-1]:
        return
    for item in sentence.of(PLACE):
        if item.end <= colons[-1] and item.value["place"] != flow.owner:
            flow.partner, flow.partner_at = item.value["place"], item.start
            return


def _find_lead(sentence: Marked, flow: Flow) -> None:
    """Find a partner named before a comma: with Japan, the deficit was $68.9 billion."""
    place = flow.start - 1
    while place > 0 and (
        sentence.word(place) in small_words("before a figure") | small_words("has")
        or _is_kind(sentence, place)
        or place == flow.owner_at
    ):
        place -= 1
    beside = sentence.at.get(place)
    is_beside = beside is not None and flow.owner_at in (-1, beside.start)
    item = beside if is_beside else sentence.at.get(place - 1)
    is_apart = is_beside or sentence.word(place) == ","
    if flow.partner or not is_apart or item is None or item.table != PLACE:
        return
    start = item.start - 1 - (sentence.word(item.start - 1) == "the")
    if sentence.word(start) in _ANY_PARTNER:
        flow.partner, flow.partner_at = item.value["place"], item.start
        if flow.owner_at == item.start:
            flow.owner, flow.owner_at = "", -1


def _is_kind(sentence: Marked, place: int) -> bool:
    item = sentence.at.get(place)
    return item is not None and item.table == KIND


def _noun_start(sentence: Marked, flow: Flow) -> int:
    """The position of the verb before "a goods surplus", if there is one."""
    place = flow.start - 1
    while place >= 0 and flow.start - place < _LEFT:
        item, word = sentence.at.get(place), sentence.word(place)
        if figure := sentence.figure_at(place):
            place = figure.left - 1
            continue
        if item is not None and item.table not in (KIND, SECTOR, CHANGE):
            return place
        if item is None and (
            word in small_words("has") or word in small_words("before a noun") or not word.isalpha()
        ):
            return place
        place = item.start - 1 if item else place - 1
    return place


def _kind_before(sentence: Marked, flow: Flow) -> str:
    """The kind of trade named before a flow: in services alone … had a surplus."""
    place = flow.start - 1
    while place >= 0:
        item = sentence.at.get(place)
        if sentence.figure_at(place) or (item is None and sentence.word(place) in _STRONG):
            return ""
        if item is not None and item.table == KIND:
            is_counted = sentence.word(item.start) in ("counting", "including")
            is_counted = is_counted or sentence.word(item.end + 1) == "where"
            owner = sentence.at.get(item.start - 2)
            is_of_other = owner is not None and owner.table == FLOW
            if is_counted or (sentence.word(item.start - 1) == "in" and not is_of_other):
                return item.value["trade_kind"]
        place = item.start - 1 if item else place - 1
    return ""


def _pair_before(sentence: Marked, flow: Flow, item: Item) -> None:
    """Read "U.S.-Korea trade": the owner is before the hyphen, the partner after it."""
    before = item.start - 1
    if sentence.word(before) != "-" or not (other := sentence.at.get(before - 1)):
        return
    if other.table == PLACE:
        flow.partner, flow.partner_at = flow.owner, flow.owner_at
        flow.owner, flow.owner_at = other.value["place"], other.start
        # "Vietnam-U.S. trade" does not say whose figures these are.
        flow.is_between = flow.quantity == "two_way_trade"


def _look_right(sentence: Marked, flow: Flow) -> None:
    """Read the words after a flow: exports of vehicles to Korea, deficit in goods with China."""
    prepositions = _PARTNER_WORDS.get(flow.quantity, _ANY_PARTNER)
    owners = _OWNER_WORDS.get(flow.quantity, frozenset({"of"}))
    place, crossed = flow.end, False
    before = sentence.word(flow.end - 1)
    before = before if before in _ANY_PARTNER or before == "of" else ""
    end = min(flow.end + _RIGHT, len(sentence.tokens))
    while place < end:
        item, word = sentence.at.get(place), sentence.word(place)
        figure = sentence.figure_at(place)
        if figure:
            place, before = figure.end, ""
            continue
        if item is None:
            if word in _STRONG or word in _COMMAS or word in ("while", "but"):
                return
            if word in _ITS and before in prepositions and not flow.partner:
                flow.partner = _ITS[word]
            crossed = crossed or word in small_words("verbs") or word == "and"
            if word not in small_words("before a place"):
                before = word
            place += 1
            continue
        is_flow = item.table == FLOW and item.value["quantity"] != "none"
        # "exports to and imports from": the words after the second flow are its own.
        if is_flow and (not flow.is_verb or item.value["part"] == "verb"):
            return
        if item.table == KIND and (before in ("of", "in") or flow.is_verb) and not crossed:
            flow.kind = flow.kind or item.value["trade_kind"]
        elif item.table == SECTOR and before == "of" and item.start == flow.end + 1:
            # The products right after the flow, rather than any before it.
            flow.sector = item.value["sector"]
        elif item.table == SECTOR and before in ("of", "in", "for") and not flow.sector:
            if not crossed or flow.is_verb:
                flow.sector = item.value["sector"]
        elif item.table == PLACE:
            _place_after(sentence, flow, item, before, prepositions, owners)
        elif item.table in (SOURCE, NOT_TRADE):
            before = ""
        after = sentence.at.get(item.end)
        is_adjective = after is not None and after.table in (KIND, SECTOR)
        if item.table in (SOURCE, CHANGE) or (item.table == PLACE and not is_adjective):
            before = ""
        place = item.end


def _place_after(
    sentence: Marked,
    flow: Flow,
    item: Item,
    before: str,
    prepositions: frozenset[str],
    owners: frozenset[str],
) -> None:
    code = item.value["place"]
    if before in ("outside", "except", "excluding") and not flow.partner:
        flow.partner = SEVERAL
        return
    following = sentence.at.get(item.end)
    if before == "between":
        flow.is_between = True
        flow.owner, flow.owner_at = code, item.start
        place = item.end
        if sentence.word(place) in ("and", "-"):
            place += 1
        place += sentence.word(place) == "the"
        other = sentence.at.get(place)
        if other and other.table == PLACE:
            flow.partner, flow.partner_at = other.value["place"], other.start
        return
    is_adjective = following is not None and following.table in (KIND, SECTOR)
    if before == "of" and flow.quantity == "imports" and not is_adjective:
        if not flow.owner and not flow.is_verb:
            flow.owner, flow.owner_at = code, item.start
        return
    if before in prepositions and not flow.partner:
        flow.partner, flow.partner_at = code, item.start
        if _is_one_of_two(sentence, item):
            flow.partner = SEVERAL
    elif before in owners and not flow.owner and not is_adjective:
        flow.owner, flow.owner_at = code, item.start
    elif (
        flow.is_verb
        and not flow.partner
        and before == ""
        and code != flow.owner
        and item.start - flow.end <= 1
    ):
        # Korea sold the United States goods.
        flow.partner, flow.partner_at = code, item.start


def _is_one_of_two(sentence: Marked, item: Item) -> bool:
    """Whether one figure covers two partners: exports to Canada and Mexico."""
    place = item.end + 1 + (sentence.word(item.end + 1) == "the")
    other, after = sentence.at.get(place), sentence.at.get(place + 1)
    if sentence.word(item.end) != "and" or other is None or other.table != PLACE:
        return False
    # "to Korea and Japanese goods", "with China and Japan's exports" begin another flow.
    return (after is None or after.table not in (KIND, SECTOR, FLOW)) and (
        sentence.word(other.end) != "'s"
    )


def _find_subject(sentence: Marked, flow: Flow, earlier: list[Flow]) -> None:
    """Find the subject of a verb, unless another flow has it: the United States exported."""
    taken = {one.partner_at for one in earlier} | {one.owner_at for one in earlier}
    place = flow.start - 1
    while place >= 0:
        item, word = sentence.at.get(place), sentence.word(place)
        if word in _STRONG and item is None:
            return
        if item is None and word in ("we", "it", "they", "which", "that", "country"):
            flow.owner, flow.owner_at = OURS if word == "we" else IT, place
            return
        if item is not None:
            if item.table == FLOW and item.value["quantity"] != "none":
                verbs = [one for one in earlier if one.is_verb and one.start == item.start]
                if verbs:
                    flow.owner, flow.owner_at = verbs[0].owner, verbs[0].owner_at
                return
            before = item.start - 1 - (sentence.word(item.start - 1) == "the")
            is_located = sentence.word(before) in ("in", "with", "to", "from", "for")
            if item.table == PLACE and item.start not in taken and not is_located:
                flow.owner, flow.owner_at = item.value["place"], item.start
                return
            place = item.start
        place -= 1
