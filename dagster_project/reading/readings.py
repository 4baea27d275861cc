"""The reading of a figure: what it asserts, and how certain that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

CERTAIN, LIKELY, UNDECIDED = "certain", "likely", "open"
NOT_UNDERSTOOD, NOT_ASSERTED = "not understood", "not asserted"
# The measure of a figure that asserts nothing that can be judged.
OTHER = "other"


@dataclass
class Reading:
    """One figure of a text and what it asserts.

    `start` and `end` are the positions of the figure in the text, `sentence_start` and
    `sentence_end` those of its sentence. Codes, periods and units are as in a claims file.
    `alternatives` are other readings, each given by the fields that differ. `rules` name the rules
    that were applied. A figure whose confidence is `not understood` or `not asserted` has the
    measure `other`, and `why` gives the reason.
    """

    start: int
    end: int
    sentence_start: int
    sentence_end: int
    value: Decimal
    unit: str
    rounding: Decimal
    hedge: str
    confidence: str
    measure: str = OTHER
    reporter: str = ""
    partner: str = ""
    sector: str = ""
    trade_kind: str = ""
    period: str = ""
    base_period: str = ""
    attributed_to: str = ""
    rules: list[str] = field(default_factory=list)
    alternatives: list[dict[str, str]] = field(default_factory=list)
    why: str = ""

    @property
    def is_claim(self) -> bool:
        """Whether it asserts something that can be judged."""
        return self.measure != OTHER


def not_understood(reading: Reading, why: str) -> Reading:
    """Mark the figure as one that is listed but not judged."""
    reading.confidence, reading.why = NOT_UNDERSTOOD, why
    return reading
