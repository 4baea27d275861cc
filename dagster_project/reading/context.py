"""What a text has said so far, which later sentences rely on."""

from __future__ import annotations

from dataclasses import dataclass, field

from dagster_project.reading.flow import Flow
from dagster_project.reading.periods import Span, Time


@dataclass
class Pair:
    """Reporter and partner, and whether the sentence names both."""

    reporter: str
    partner: str
    is_said: bool
    taken: list[int] = field(default_factory=list)


@dataclass
class Context:
    """The countries, times, flows and products mentioned so far; codes not yet known are empty.

    `home` is the country whose figures the text gives most often, `main_partner` the partner that
    it names most often, and `is_of_two` says that it names no third country. `named` is the last
    other country named. `range` and `since` are the last span and the base of the sentence
    before, `compared` how many months back it has compared months.
    `topic` is the first flow of the paragraph and `topic_pair` its countries, `last` the first flow
    of the sentence before, and `list_flow` that of the line above a list. `only_sector` is the
    product group of a text that is about no other.
    """

    home: str
    main_partner: str
    is_of_two: bool = False
    reporter: str = ""
    partner: str = ""
    named: str = ""
    period: Span | None = None
    newest: Span | None = None
    range: tuple[Span, Span] | None = None
    since: Time | None = None
    compared: set[int] = field(default_factory=set)
    paragraph: int = -1
    kind: str = ""
    topic: Flow | None = None
    last: Flow | None = None
    last_share: Flow | None = None
    topic_sector: str = ""
    only_sector: str = ""
    is_of_office: bool = False
    topic_pair: Pair | None = None
    world_pair: Pair | None = None
    list_flow: Flow | None = None
    agreement: str = ""
