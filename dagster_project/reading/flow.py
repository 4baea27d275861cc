"""What a flow is: whose exports, imports, trade or balance, with whom, of what."""

from __future__ import annotations

from dataclasses import dataclass

IT, OURS = "it", "ours"
# A group without a code, or several partners together.
SEVERAL = "?"
WORLD = "WLD"
SAME = "same"


@dataclass
class Flow:
    """A flow in tokens `start` to `end`: exports, imports, two_way_trade or a balance.

    `owner` and `partner` are country codes, `it` for a pronoun, or empty. `is_whole` says that a
    word such as total or overall precedes the flow, `is_between` that neither is named as reporter.
    """

    start: int
    end: int
    quantity: str
    owner: str = ""
    partner: str = ""
    kind: str = ""
    sector: str = ""
    is_whole: bool = False
    is_overall: bool = False
    is_verb: bool = False
    is_between: bool = False
    owner_at: int = -1
    partner_at: int = -1
