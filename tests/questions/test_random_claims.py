"""Claims drawn at random from what is held: the reading they were drawn from is given back.

What makes a claim true is worked out here from `observations` alone. Where one set of series is
left, it must be the one named; where several are, the verdict must say so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest
from questions.held_figures import Cell, HeldFigures, Period
from questions.printed_claims import (
    MULTIPLIER,
    Claim,
    Fit,
    amounts,
    definitions,
    documents_given,
    fits,
    given,
    is_headline,
    is_own,
    is_true_of,
    print_number,
)
from questions.random_figures import Truth, Writer

from dagster_project.questions.replay import Replay

SEEDS = (7, 1985, 2018)
SINGLE_EACH = 300
LESSER_EACH = 150
DOCUMENTS_EACH = 100
UNSUPPORTED_EACH = 150
TOLD_ON = date(2027, 1, 1)


@dataclass(frozen=True)
class Judged:
    """A claim and its verdict.

    `alone` are all series that make it true; `fits` those that the speaker's other figures leave.
    """

    truth: Truth
    alone: frozenset[Fit]
    fits: frozenset[Fit]
    own: frozenset[Fit]
    headline: frozenset[Fit]
    verdict: dict

    @staticmethod
    def of(held: HeldFigures, truth: Truth, alone: set[Fit], left: set[Fit], told: dict) -> Judged:
        claim = truth.claim
        own = frozenset(fit for fit in alone if is_own(held, claim, fit))
        headline = frozenset(fit for fit in own if is_headline(held, claim, fit))
        return Judged(truth, frozenset(alone), frozenset(left), own, headline, told)

    @property
    def is_exact(self) -> bool:
        return self.truth.claim.hedge == "exact"

    @property
    def ways_of_counting(self) -> set[Fit]:
        """The fits; seasonal adjustment is no other way of counting."""
        return {
            (frozenset(leg.removesuffix(".sa").removesuffix(".nsa") for leg in legs), definition)
            for legs, definition in self.fits
        }

    @property
    def named(self) -> Fit:
        legs = frozenset((self.verdict["basis_key"] or "").split(" + "))
        return legs, self.verdict["product_group"]

    @property
    def outcome(self) -> tuple[str, str | None]:
        """The status, and why where the partner alone gives the figure."""
        status = self.verdict["status"]
        return status, self.verdict["reason_code"] if status == "other_basis" else None

    @property
    def is_right(self) -> bool:
        return self.named == (self.truth.legs, self.truth.definition)


def verdicts(warehouse: Replay, claims: list[Claim]) -> dict[str, dict]:
    names = {claim.document for claim in claims if claim.document}
    warehouse.answer(
        {
            "claims_given": given(claims),
            "documents_given": documents_given(sorted(names), TOLD_ON),
        },
        ["claim_verdicts"],
    )
    return {row["claim_id"]: row for row in warehouse.rows("claim_verdicts", "claim_id")}


@pytest.fixture(scope="module")
def single(warehouse: Replay, held: HeldFigures) -> list[Judged]:
    judged = []
    for seed in SEEDS:
        writer = Writer(held, seed)
        truths = [writer.draw(digits=(1, 2, 3, 4, 5), softened=0.15) for _ in range(SINGLE_EACH)]
        truths += [_of_a_lesser_basis(held, writer) for _ in range(LESSER_EACH)]
        told = verdicts(warehouse, [truth.claim for truth in truths])
        for x in truths:
            alone = fits(held, x.claim)
            judged.append(Judged.of(held, x, alone, alone, told[x.claim.claim_id]))
    return judged


def _of_a_lesser_basis(held: HeldFigures, writer: Writer) -> Truth:
    """A coarse figure of the reporter's, not of its headline basis: often of several others."""
    while True:
        truth = writer.draw(("level", "size"), digits=(1, 2, 3))
        fit = (truth.legs, truth.definition)
        if (
            len(truth.legs) == 2
            and is_own(held, truth.claim, fit)
            and not is_headline(held, truth.claim, fit)
        ):
            return truth


@pytest.fixture(scope="module")
def spoken(warehouse: Replay, held: HeldFigures) -> list[Judged]:
    """The claims of documents, with only those fits that the speaker's other figures leave."""
    judged = []
    for seed in SEEDS:
        writer = Writer(held, seed + 1)
        documents = [
            writer.document(
                f"s{seed}_{n}",
                writer.chance.choice((2, 2, 3, 4, 5)),
                digits=(1, 2, 3),
                softened=0.1,
            )
            for n in range(DOCUMENTS_EACH)
        ]
        told = verdicts(warehouse, [truth.claim for truths in documents for truth in truths])
        for truths in documents:
            alone = {x.claim.claim_id: fits(held, x.claim) for x in truths}
            left = _bases_left(held, truths, alone)
            for x in truths:
                each = alone[x.claim.claim_id]
                those = {fit for fit in each if any(fit[0] <= basis for basis in left)}
                judged.append(Judged.of(held, x, each, those, told[x.claim.claim_id]))
    return judged


def _bases_left(
    held: HeldFigures, truths: list[Truth], alone: dict[str, set[Fit]]
) -> list[frozenset[str]]:
    """Pairs of series on which each exact figure of the speaker is true."""
    bases: set[frozenset[str]] = set()
    for truth in truths:
        for day in held.days(truth.claim.cell.reporter, truth.claim.cell.partner):
            bases |= {x.legs for x in held.known(truth.claim.cell, "balance", day)}
    return [
        basis
        for basis in bases
        if all(
            any(legs <= basis for legs, _ in alone[truth.claim.claim_id])
            for truth in truths
            if truth.claim.hedge == "exact"
        )
    ]


_BY_THE_PARTNER = ("other_basis", "counted_by_the_partner")


def _are_judged_as_they_fit(name: str, judged: list[Judged], measured: list[str]) -> Counter[str]:
    """Check how often a claim is judged as its fits demand; how many there are of each sort."""
    exact = [x for x in judged if x.is_exact]
    several = [x for x in exact if len(x.ways_of_counting) > 1]
    sorts = {
        # Where the reporter's own figures fit too, the partner's give way to them.
        "of one reading, confirmed as it": [
            x.is_right and x.verdict["status"] == "confirmed"
            for x in exact
            if len(x.fits) == 1 and x.fits <= x.own
        ],
        "of the partner alone, left to it": [
            x.named in x.alone and x.outcome == _BY_THE_PARTNER for x in exact if not x.own
        ],
        "of several without the headline, ambiguous": [
            x.verdict["status"] == "ambiguous" for x in several if x.fits & x.own and not x.headline
        ],
        "of several with the headline, confirmed as it": [
            x.named in x.headline and x.verdict["status"] == "confirmed"
            for x in several
            if x.fits & x.headline
        ],
    }
    measured.append(
        f"{name}: {len(judged)} claims; "
        + "; ".join(f"{sort} {sum(kept)} of {len(kept)}" for sort, kept in sorts.items())
        + f"; statuses {dict(Counter(x.verdict['status'] for x in judged))}"
    )
    for sort, kept in sorts.items():
        assert sum(kept) >= 0.98 * len(kept), sort
    return Counter({sort: len(kept) for sort, kept in sorts.items()})


def test_the_draw_is_wide(single: list[Judged]) -> None:
    """A rate over one partner or one measure would say little."""
    claims = [x.truth.claim for x in single]
    assert len(claims) >= 300
    assert len({c.cell.partner for c in claims}) >= 15
    assert len({c.measure for c in claims}) >= 20
    assert len({c.hedge for c in claims}) >= 4
    assert len({c.unit for c in claims}) >= 4
    assert len({c.sector for c in claims}) >= 20
    assert {c.cell.period.months for c in claims} >= {1, 11, 12}
    assert len({x.truth.legs for x in single}) >= 10
    assert {len(x.fits) > 1 for x in single} == {True, False}


def test_a_claim_by_itself_is_given_its_reading(single: list[Judged], measured: list[str]) -> None:
    sorts = _are_judged_as_they_fit("single claims", single, measured)
    assert min(sorts.values()) >= 20


def test_the_figures_of_one_speaker_are_judged_together(
    spoken: list[Judged], measured: list[str]
) -> None:
    _are_judged_as_they_fit("claims in documents", spoken, measured)
    # Where a claim alone would leave several readings, the others must have decided.
    decided = [
        x
        for x in spoken
        if x.is_exact and len(x.fits) == 1 and len(x.alone) > 1 and (x.fits <= x.own or not x.own)
    ]
    measured.append(f"decided by the speaker's other figures: {len(decided)}")
    assert len(decided) >= 20
    assert sum(x.is_right for x in decided) >= 0.95 * len(decided)


def test_the_partners_figures_confirm_what_the_partner_says(
    warehouse: Replay, single: list[Judged]
) -> None:
    offices = {"KOR": "the customs service of South Korea", "USA": "the United States government"}
    foreign = [x for x in single if not x.own and x.truth.claim.cell.partner in offices]
    assert len(foreign) >= 20
    claims = [replace(x.truth.claim, speaker=offices[x.truth.claim.cell.partner]) for x in foreign]
    told = verdicts(warehouse, claims)
    for x in foreign:
        verdict = told[x.truth.claim.claim_id]
        is_one = len(x.ways_of_counting) == 1 or not x.is_exact
        assert verdict["status"] == ("confirmed" if is_one else "ambiguous"), x.truth


def test_a_softened_figure_is_confirmed_by_a_reading_it_allows(
    single: list[Judged], spoken: list[Judged]
) -> None:
    softened = [x for x in [*single, *spoken] if not x.is_exact]
    assert len(softened) >= 100
    for x in softened:
        assert x.outcome == (("confirmed", None) if x.own else _BY_THE_PARTNER), x.truth
        assert x.named in (x.fits & x.own or x.own or x.fits), x.truth


def test_the_value_shown_is_one_the_rows_give(held: HeldFigures, single: list[Judged]) -> None:
    """The release too must be one that makes the figure true."""
    for x in single:
        claim = x.truth.claim
        legs, definition = x.named
        shown = x.verdict["value"] * MULTIPLIER[claim.unit]
        values = [
            y.value
            for y in amounts(held, claim, definition)
            if y.legs == legs and is_true_of(claim, y)
        ]
        allowed = MULTIPLIER[claim.unit] * Decimal("0.000002") + abs(shown) * Decimal("1e-12")
        assert any(abs(shown - value) <= allowed for value in values), x.truth


def test_every_attribution_carries_rows_that_are_held(
    warehouse: Replay, single: list[Judged]
) -> None:
    flows = {
        row["reference_id"]: row
        for row in warehouse.published(
            "select r.reference_id, o.reporter_iso3, o.flow, o.value_usd, o.evidence_kind"
            " from warehouse.marts.raw_references as r"
            " inner join warehouse.marts.observations as o"
            " on r.observation_id = o.observation_id"
        ).iter_rows(named=True)
    }
    added_up = 0
    for x in single:
        claim, evidence = x.truth.claim, x.verdict["evidence"]
        assert evidence, x.truth
        assert flows.keys() >= set(evidence), x.truth
        rows = [flows[reference_id] for reference_id in evidence]
        if claim.transform == "level" and all(r["evidence_kind"] == "statistic" for r in rows):
            total = sum(_signed(claim, row) for row in rows)
            assert claim.direction * total == x.verdict["value_usd"], x.truth
            added_up += 1
    assert added_up > 100


def _signed(claim: Claim, row: dict) -> Decimal:
    outbound = (row["flow"] == "export") == (row["reporter_iso3"] == claim.cell.reporter)
    return row["value_usd"] if outbound or claim.quantity != "balance" else -row["value_usd"]


# A claim is left open for these though no row is missing.
_NOTHING_MISSING = ("figure_too_coarse", "rests_on_an_open_claim", "sign_changes")


def test_what_no_reading_supports_is_never_confirmed(
    warehouse: Replay, held: HeldFigures, measured: list[str]
) -> None:
    statuses: Counter[str] = Counter()
    for seed in SEEDS:
        writer = Writer(held, seed + 2)
        claims = [_unsupported(held, writer) for _ in range(UNSUPPORTED_EACH)]
        told = verdicts(warehouse, claims)
        statuses.update(row["status"] for row in told.values())
        for claim in claims:
            verdict = told[claim.claim_id]
            assert verdict["status"] not in ("confirmed", "ambiguous", "other_basis"), claim
            if verdict["status"] in ("mislabelled", "revised"):
                assert claim.hedge == "exact", claim
            if verdict["status"] == "mislabelled":
                # Two digits agree by chance.
                assert abs(claim.value) >= 100 * claim.rounding, claim
                assert claim.interval.holds(verdict["value"] * MULTIPLIER[claim.unit]), claim
            if verdict["status"] == "undetermined":
                reason = verdict["reason_code"]
                assert verdict["missing_rows"] or reason in _NOTHING_MISSING, claim
    measured.append(f"unsupported figures: {dict(statuses)}")
    assert statuses["contradicted"] > 0.7 * statuses.total()


def _unsupported(held: HeldFigures, writer: Writer) -> Claim:
    """A figure several roundings off everything its words could mean."""
    while True:
        claim = writer.draw(digits=(2, 3, 4), softened=0.2).claim
        factor = writer.chance.choice(
            (writer.chance.uniform(1.02, 3), writer.chance.uniform(0.3, 0.98), 10, -1, 1000)
        )
        value = print_number(claim.value * Decimal(str(round(factor, 3))), claim.rounding)
        if value == 0 or (claim.transform == "size" and value < 0):
            continue
        claim = replace(claim, value=value)
        unit = claim.rounding * MULTIPLIER[claim.unit]
        if all(
            claim.interval.distance(x.value) > 4 * unit + x.half
            for definition in definitions(held, claim.sector)
            for x in amounts(held, claim, definition)
        ):
            return claim


# ---------------------------------------------------------------------------
# Places and runs
# ---------------------------------------------------------------------------


def _years_of_all_partners(warehouse: Replay) -> dict[tuple[int, str], tuple[Decimal, Decimal]]:
    """Exports and imports by year and partner in the release that holds every partner."""
    rows = warehouse.published(
        "select year(period_start) as reference_year, partner_code, flow, value_usd"
        " from warehouse.marts.observations"
        " where raw_table = 'us_census__country_file' and period_kind = 'year'"
        " and seasonal_adjustment = 'nsa' and release_id = '2017-01' and not is_aggregate"
        " and coalesce(export_concept, 'total') = 'total'"
        " and coalesce(import_concept, 'general') = 'general' and measure = 'trade_value'"
    )
    flows: dict[tuple[int, str], dict[str, Decimal]] = defaultdict(dict)
    for year, partner, flow, value in rows.iter_rows():
        flows[(year, partner)][flow] = value
    return {key: (f["export"], f["import"]) for key, f in flows.items() if len(f) == 2}


def _claim(partner: str, year: int, measure: tuple[str, str, int], value: int, unit: str) -> Claim:
    cell = Cell("USA", partner, "goods", "total:total", Period.of_year(year))
    name = f"{measure[1]} {partner} {year} {value}"
    return Claim(name, cell, "total", *measure, Decimal(value), unit, Decimal(1))


def test_places_among_partners_are_counted_right(warehouse: Replay) -> None:
    flows = _years_of_all_partners(warehouse)
    years: dict[int, list[tuple[Decimal, str]]] = defaultdict(list)
    for (year, partner), (exports, imports) in flows.items():
        years[year].append((exports + imports, partner))
    right, wrong = [], []
    for year in range(1993, 2016, 2):
        ranked = sorted(years[year], reverse=True)
        for place in (1, 2, 3, 6, 10, 25, 60):
            partner = ranked[place - 1][1]
            if sum(amount == ranked[place - 1][0] for amount, _ in ranked) > 1:
                continue
            measure = ("two_way", "rank", 1)
            right.append(_claim(partner, year, measure, place, "rank"))
            wrong.append(_claim(partner, year, measure, place + 2, "rank"))
    told = verdicts(warehouse, [*right, *wrong])
    assert len(right) > 50
    assert {told[c.claim_id]["status"] for c in right} == {"confirmed"}
    assert {told[c.claim_id]["status"] for c in wrong} == {"contradicted"}


def test_a_place_is_left_open_where_partners_are_missing(warehouse: Replay) -> None:
    """The partners held for 1988 make up less than 99 per cent of all trade."""
    claim = _claim("JPN", 1988, ("two_way", "rank", 1), 2, "rank")
    verdict = verdicts(warehouse, [claim])[claim.claim_id]
    assert (verdict["status"], verdict["reason_code"]) == ("undetermined", "rows_missing")
    # The row is of the reporter and the year, and of no one partner.
    (missing,) = verdict["missing_rows"]
    assert "USA" in missing.split()
    assert missing.endswith(", 1988")
    assert "JPN" not in missing


def test_runs_of_one_sign_are_counted_right(warehouse: Replay) -> None:
    flows = _years_of_all_partners(warehouse)
    right, wrong = [], []
    partners = sorted({partner for _, partner in flows} - {"KOR"})
    for partner in partners[::2]:
        for year in (2009, 2014):
            signs = {
                y: (flows[(y, partner)][0] > flows[(y, partner)][1])
                for y in range(1985, year + 1)
                if (y, partner) in flows and flows[(y, partner)][0] != flows[(y, partner)][1]
            }
            # The sign of a small trade differs between sources.
            if year not in signs or min(flows[(year, partner)]) < 10**8:
                continue
            run = 1
            while signs.get(year - run) == signs[year]:
                run += 1
            if year - run not in signs:
                continue  # The run may have begun before what is held.
            measure = ("balance", "streak", 1 if signs[year] else -1)
            right.append(_claim(partner, year, measure, run, "years"))
            wrong.append(_claim(partner, year, measure, run + 3, "years"))
    told = verdicts(warehouse, [*right, *wrong])
    assert len(right) > 50
    for claim in right:
        assert told[claim.claim_id]["status"] in ("confirmed", "ambiguous"), claim
        assert told[claim.claim_id]["value"] == claim.value
    assert {told[c.claim_id]["status"] for c in wrong} == {"contradicted"}
