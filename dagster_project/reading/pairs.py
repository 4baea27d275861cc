"""Finds the reporter and the partner of a figure."""

from __future__ import annotations

from dagster_project.reading.amounts import Figure
from dagster_project.reading.context import Context, Pair
from dagster_project.reading.flow import IT, OURS, SEVERAL, WORLD, Flow
from dagster_project.reading.items import PLACE, Item, Marked
from dagster_project.reading.roles import Told
from dagster_project.reading.word_lists import small_words

UNKNOWN = SEVERAL


def pair_of(flow: Flow | None, context: Context, before: Pair | None) -> Pair:
    """The reporter and partner of a flow; earlier sentences supply what this one leaves out.

    If the partner is the current reporter, the two are swapped: "shipments to the U.S." after
    "Korea's surplus with the United States" are Korea's.
    """
    codes = {IT: "", OURS: context.home}
    owner = "" if flow is None else codes.get(flow.owner, flow.owner)
    partner = "" if flow is None else codes.get(flow.partner, flow.partner)
    told = before or Pair(
        context.reporter or context.home, context.partner or context.main_partner, False
    )
    is_of_no_place = flow is not None and flow.is_verb and not flow.owner and not flow.partner
    if UNKNOWN in (owner, partner) or is_of_no_place:
        # "A company ships cars" does not say whose trade it is.
        return Pair("", "", False)
    if owner and partner:
        if flow is not None and flow.is_between and partner == context.home:
            return Pair(partner, owner, True)
        return Pair(owner, partner, True)
    if partner:
        if partner == told.reporter:
            reporter = context.home if told.partner in (WORLD, partner) else told.partner
            return Pair(reporter, partner, False)
        # A third country is taken as a partner of the country that the text is about.
        is_third = partner != told.partner and context.home == told.partner
        return Pair(context.home if is_third else told.reporter, partner, False)
    if not owner:
        is_of_all = flow is not None and flow.is_whole and flow.quantity != "two_way_trade"
        is_overall = not context.partner or (flow is not None and flow.is_overall)
        if is_of_all and is_overall and before is None and not context.is_of_two:
            return Pair(told.reporter, WORLD, False)
        is_first = before is None and not context.partner and not context.named
        if is_first and flow is not None and not context.is_of_two and flow.owner != OURS:
            if context.is_of_office and not flow.is_verb:
                # The Commerce Department tells of the country's trade with the world.
                return Pair(told.reporter, WORLD, False)
            return Pair("", "", False)
        topic = context.topic_pair or context.world_pair
        if topic and topic.partner == WORLD and before is None and flow and flow.partner != IT:
            return Pair(topic.reporter, topic.partner, False)
        return Pair(told.reporter, told.partner, False)
    if flow is not None and flow.is_whole and flow.partner != IT:
        return Pair(owner, WORLD, True)
    if not context.partner and before is None and not context.named:
        # "South Korea's exports slipped" with no other country named yet.
        is_world = flow is not None and flow.partner != IT and not context.is_of_two
        return Pair(owner, WORLD if is_world else told.partner, False)
    world = context.world_pair
    is_new = before is None and context.topic_pair is None
    if is_new and world and owner == world.reporter:
        return Pair(owner, WORLD, False)
    if owner == told.partner:
        return Pair(owner, told.reporter, False)
    is_new = owner != told.reporter and before is None and context.topic_pair is None
    if is_new and not context.is_of_two:
        return Pair(owner, WORLD, False)
    return Pair(owner, told.partner, False)


def with_partner(pair: Pair, partner: str) -> Pair:
    """The pair with another partner; if that is the reporter, the two are swapped."""
    if not partner or partner == UNKNOWN:
        return pair
    if partner == pair.reporter:
        return Pair(pair.partner, partner, pair.is_said)
    return Pair(pair.reporter, partner, pair.is_said)


def partner_beside(sentence: Marked, before: int, *, is_list: bool) -> str:
    """The partner in a sentence without a flow: with Ireland it topped $38 billion.

    In a list, any country before the figure counts, as in "Ireland: $38 billion".
    """
    places = [
        item.value["place"]
        for item in sentence.of(PLACE)
        if item.end <= before
        and (is_list or sentence.word(item.start - 1) in ("with", "to", "from"))
    ]
    return places[-1] if places else ""


def pair_of_rank(sentence: Marked, figure: Figure, context: Context, before: Pair | None) -> Pair:
    """The two countries of a rank: Japan was the fourth largest partner of the United States."""
    places = sentence.of(PLACE)
    taken = list(before.taken) if before else []
    owner = _rank_owner(sentence, figure)
    is_its = sentence.word(figure.left - 1) in ("its", "their")
    if owner is not None:
        taken.append(owner.start)
    free = [item for item in places if item.start not in taken]
    earlier = [item for item in free if item.end <= figure.start]
    later = [item for item in free if item.start >= figure.end]
    reporter = owner.value["place"] if owner else ""
    if not reporter and before is not None and before.taken:
        reporter = before.reporter
    beside = [item for item in later if sentence.word(item.start - 1) == "with"]
    if is_its and not reporter and earlier and beside:
        # The U.S. has its largest deficit with China.
        reporter = earlier[-1].value["place"]
        earlier = []
    partner = _rank_partner(sentence, figure, earlier, later, reporter, is_its)
    if is_its and not reporter and earlier and earlier[-1].value["place"] != partner:
        reporter = earlier[-1].value["place"] if partner else ""
    is_said = bool(reporter and partner)
    if not reporter:
        reporter = context.reporter or context.home
        if partner == reporter:
            reporter = context.partner or context.main_partner
    if not partner:
        partner = before.partner if before else context.partner or context.main_partner
    return Pair(reporter, partner, is_said, taken or [-1])


def _rank_owner(sentence: Marked, figure: Figure) -> Item | None:
    """The country whose partner is ranked: before "'s", in the rank, or after of, to or for."""
    for place in range(figure.start, figure.end):
        item = sentence.at.get(place)
        if item is not None and item.table == PLACE:
            return item
    last = figure.left - 1
    while sentence.word(last) in ("'s", '"', "top", "single"):
        last -= 1
    item = sentence.at.get(last)
    if item is not None and item.table == PLACE:
        return item
    after = figure.end
    if sentence.word(after) in ("of", "to", "for"):
        for _ in range(5):
            after += 1
            item = sentence.at.get(after)
            if item is not None and item.table == PLACE:
                return item
            if item is None and sentence.word(after) not in ("the", "american", "goods", "u.s"):
                return None
    return None


def _rank_partner(
    sentence: Marked,
    figure: Figure,
    earlier: list[Item],
    later: list[Item],
    reporter: str,
    is_its: bool,
) -> str:
    others = [
        item
        for item in earlier
        if item.value["place"] != reporter
        and not {sentence.word(item.start - 1), sentence.word(item.start - 2)}
        & small_words("overtaken")
    ]
    apposed = figure.left - 2 if is_its else figure.left - 1
    item = sentence.at.get(apposed - 1)
    if sentence.word(apposed) == "," and item is not None and item.table == PLACE:
        return item.value["place"]
    if others:
        return others[-1].value["place"]
    for item in later:
        if item.value["place"] != reporter and sentence.word(item.start - 1) in (
            *("with", "is", "was", ",", "be", "the", "remained"),
        ):
            return item.value["place"]
    return ""


def pair_of_share(
    sentence: Marked, one: Told, flow: Flow | None, context: Context, before: Pair | None
) -> Pair:
    """The two countries of a share: China accounted for half of the U.S. deficit."""
    pair = pair_of(flow, context, before)
    if flow is None or flow.partner:
        return pair
    if flow.owner == IT and flow.end > one.figure.end:
        owners = [item for item in sentence.of(PLACE) if item.end <= one.figure.start]
        if owners and owners[0].value["place"] == pair.partner:
            # Mexico sends us 80 percent of its exports.
            return Pair(pair.partner, pair.reporter, False)
    subjects = [
        item.value["place"]
        for item in sentence.of(PLACE)
        if item.end <= one.figure.start and item.value["place"] != pair.reporter
    ]
    if subjects:
        return Pair(pair.reporter, subjects[-1], True)
    told = context.partner or context.main_partner
    return Pair(pair.reporter, told if pair.partner == WORLD else pair.partner, False)
