"""Finds what a whole text is about: its country, partner, products, agreement and dollar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dagster_project.reading.amounts import MONEY
from dagster_project.reading.context import Context
from dagster_project.reading.flow import IT, OURS
from dagster_project.reading.grammar import Grammar
from dagster_project.reading.items import PLACE, SOURCE
from dagster_project.reading.pairs import UNKNOWN
from dagster_project.reading.parts import Part

PRONOUN_PLACES = ("", IT, OURS, UNKNOWN)
_US_DOLLAR = "USD"
_BALANCES = frozenset({"deficit", "surplus", "balance", "balance_size"})


def first_context(parts: Sequence[Part], reporter: str, words: Grammar) -> Context:
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
            is_owner = flow.owner not in PRONOUN_PLACES and not flow.is_between
            owners.update([flow.owner] if is_owner else [])
            partners.update([flow.partner] if flow.partner not in PRONOUN_PLACES else [])
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
    del named[UNKNOWN], named[IT], currencies[""]
    money = _most(currencies)
    home = reporter or _most(owners, money) or _most(sources, money) or money
    others = [one for one, _ in (partners.most_common() + named.most_common()) if one != home]
    partner = others[0] if others else ""
    return Context(
        home=home,
        main_partner=partner,
        is_of_two=len(set(others)) == 1,
        is_of_office=sources[home] > 0,
        only_sector=_only_sector(parts),
        agreement=_most(agreements) or _agreement_with(partner, words),
    )


def _only_sector(parts: Sequence[Part]) -> str:
    """The product group of the first flow of a text, if no flow is of another or of all."""
    found = [flow for part in parts for flow in part.flows]
    sectors = {flow.sector for flow in found if flow.sector}
    is_of_all = any(flow.is_whole or flow.kind or flow.quantity in _BALANCES for flow in found)
    first = found[0].sector if found else ""
    return first if first and len(sectors) == 1 and not is_of_all else ""


def name_dollars(parts: Sequence[Part], home: str, words: Grammar) -> None:
    """Give a bare $ the dollar that the text names, or that of the office that it quotes."""
    dollar = words.office(home).dollar
    if dollar in ("", _US_DOLLAR):
        return
    quoted = {item.value["place"] for part in parts for item in part.marked.of(SOURCE)}
    named = {one.unit.partition(" ")[0] for part in parts for one in part.marked.figures}
    explicit = [
        one
        for part in parts
        for one in part.marked.figures
        if one.unit.startswith(dollar) and part.marked.tokens[one.start].text != "$"
    ]
    if (home not in quoted and dollar not in named) or len(explicit) > 1:
        # Where A$ is written again and again, a bare $ is another dollar.
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
