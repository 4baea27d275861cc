"""The pages of claims and articles, made from composed marts: odd claims give complete pages.

The marts are empty tables with the columns of the contracts, so the real queries run.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from typing import Any, cast

import duckdb
import pytest
import yaml
from browser.reading import repeated_sentences
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.claims.cells import allowed, document_name
from dagster_project.claims.wording import timing, verdict_in_words
from dagster_project.sandbox.connection import Sandbox
from dagster_project.settings import PROJECT_ROOT
from dagster_project.site import addresses, numbers
from dagster_project.site.charts.interval import Band, Dot, near
from dagster_project.site.context import File, Outline, PageContext, Pair
from dagster_project.site.pages import claim as claims
from dagster_project.site.pages import document as documents
from dagster_project.site.queries import Marts, literal

_MODELS = PROJECT_ROOT / "dbt" / "models"
_SEEDS = PROJECT_ROOT / "dbt" / "seeds"
_MARTS = (
    "bases",
    "claims",
    "claim_verdicts",
    "claim_candidates",
    "claim_inconsistencies",
    "bridges",
    "bridge_steps",
    "lineage",
    "sectors",
    "sources",
    "countries",
)
_READ_SEEDS = (
    "claim_hedges",
    "claim_measures",
    "units",
    "bases_named",
    "cause_codes",
    "coded_values",
    "country_list",
)
_SERIES = "AAA.export.total.fas.census.nsa + AAA.import.general.customs.census.nsa"
_HOSTILE = (
    "<script>alert('x')</script> \"quoted\" & </script><img src=x onerror=y> \u202eturned "
    + "w" * 3_000
)

_CLAIM: dict[str, Any] = {
    "claim_id": "c1",
    "document_id": "doc",
    "document_publisher": "A Paper",
    "published_on": date(2017, 1, 2),
    "says": "goods deficit in 2016",
    "trade_kind": "goods",
    "measure": "deficit",
    "quantity": "balance",
    "transform": "level",
    "direction": -1,
    "is_in_scope": True,
    "reporter_iso3": "AAA",
    "partner_code": "BBB",
    "sector": "total",
    "period": "2016",
    "period_start": date(2016, 1, 1),
    "period_end": date(2016, 12, 31),
    "reported_value": Decimal("27.6"),
    "unit": "USD bn",
    "unit_kind": "money",
    "currency": "USD",
    "rounding": Decimal("0.1"),
    "hedge": "exact",
    "is_exact": True,
    "low": 27_550_000_000,
    "high": 27_650_000_000,
    "low_is_closed": True,
    "high_is_closed": True,
    "snapshot_file": "articles/claims.csv",
    "snapshot_sha256": "ab" * 32,
    "row_number": 2,
}
_VERDICT: dict[str, Any] = {
    "claim_id": "c1",
    "document_id": "doc",
    "status": "undetermined",
    "unit": "USD bn",
    "reason_code": "rows_missing",
    "missing_rows": ["the first row", "the second row"],
    "candidates_tried": 0,
    "bases_fitting": 0,
}
_DECIDED: dict[str, Any] = {
    "status": "confirmed",
    "reason_code": "one_basis_fits",
    "basis_id": "census",
    "basis_key": _SERIES,
    "product_group": "total:total",
    "hypothesis": "as_stated",
    "release_key": "office 2017-02",
    "known_at_publication": "later",
    "value": Decimal("27.6246"),
    "missing_rows": [],
    "distance": 0,
    "revision": Decimal("0.09"),
    "candidate_id": "c1 | best",
    "candidates_tried": 1,
    "bases_fitting": 1,
    "claims_explained": 1,
}
_CANDIDATE: dict[str, Any] = {
    "candidate_id": "c1 | best",
    "claim_id": "c1",
    "hypothesis": "as_stated",
    "product_group": "total:total",
    "definition_rank": 1,
    "quantity": "balance",
    "reported_by": "reporter",
    "export_series_code": _SERIES.split(" + ")[0],
    "import_series_code": _SERIES.split(" + ")[1],
    "basis_key": _SERIES,
    "release_key": "office 2017-02",
    "evidence_kind": "statistic",
    "value": 27_624_600_000,
    "rounding_margin": 50_000,
    "revision": 90_000_000,
    "fit": "exact",
    "distance": 0,
    "is_within_revision": False,
    "known_from": date(2017, 2, 1),
    "known_at_publication": "later",
}


class _Composed(Marts):
    """Marts in memory, with only the rows that a test adds."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        # It is asked as the published warehouse is.
        self._sandbox = cast(Sandbox, self._connection)
        for schema in ("marts", "seeds", "meta", "intermediate"):
            self._connection.execute(f"create schema {schema}")
        for name in _MARTS:
            [model] = yaml.safe_load(next(_MODELS.rglob(f"{name}.yml")).read_text())["models"]
            columns = ", ".join(f"{c['name']} {c['data_type']}" for c in model["columns"])
            self._connection.execute(f"create table marts.{name} ({columns})")
        for name in _READ_SEEDS:
            self._connection.execute(
                f"create table seeds.{name} as from read_csv('{_SEEDS / name}.csv', header = true)"
            )
        self._connection.execute(
            "create table meta.publication (published_at timestamp, content_hash varchar,"
            " code_version varchar, as_of date)"
        )
        self.add(
            "meta.publication",
            {"published_at": datetime(2020, 1, 2, tzinfo=UTC).date(), "content_hash": "ab" * 32},
            code_version="0",
        )
        self.add(
            "marts.bases",
            {
                "reporter_iso3": "AAA",
                "partner_code": "BBB",
                "trade_kind": "goods",
                "basis_id": "census",
                "is_named": True,
                "reported_by": "reporter",
                "export_series_code": _CANDIDATE["export_series_code"],
                "import_series_code": _CANDIDATE["import_series_code"],
                "basis_key": _SERIES,
                "policy_rank": 1,
            },
        )

    def add(self, table: str, row: Mapping[str, Any], **changed: Any) -> None:
        values = {**row, **changed}
        self._connection.execute(
            f"insert into {table} ({', '.join(values)})"
            f" values ({', '.join(literal(one) for one in values.values())})"
        )


@pytest.fixture
def marts() -> _Composed:
    return _Composed()


def _context(marts: Marts, claim_ids: Sequence[str] = ("c1",)) -> PageContext:
    pair = Pair("AAA", "BBB", "Aland", "Beland")
    outline = Outline(
        pairs=(pair,),
        years={("AAA", "BBB"): (2016,)},
        sectors={},
        claims=frozenset(claim_ids),
        documents={"doc": "A Paper"},
    )
    return PageContext(marts, outline)


def _page(files: Sequence[File]) -> str:
    [page] = [one.content for one in files if one.path.endswith(".html")]
    assert len(page.encode()) < 300_000
    assert page.rstrip().endswith("</html>")
    return page


def _text(page: str) -> str:
    """The visible text, on one line."""
    body = re.sub(r"<(svg|script|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def _row(marts: _Composed) -> dict[str, Any]:
    """The claim and its verdict, as the page is made from them."""
    return marts.ask("claim", claim="c1").rows[0]


def _review(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def _decided(marts: _Composed, **changed: Any) -> None:
    marts.add("marts.claims", _CLAIM)
    marts.add("marts.claim_verdicts", {**_VERDICT, **_DECIDED}, **changed)
    marts.add("marts.claim_candidates", _CANDIDATE)


@pytest.mark.slow
def test_a_confirmed_claim_shows_value_range_and_date(marts: _Composed) -> None:
    _decided(marts)
    page = _page(claims.page(_context(marts), "c1"))
    text = _text(page)
    assert '<span class="verdict confirmed">' in page
    assert re.search(r"\boffice .*\bAAA\b.*\bdeficit .*\bBBB .*\$27\.625 billion", text)
    assert "<dd>27.55 to 27.65 USD bn;" in page
    assert re.search(r"\bafter .*\b2017-01-02\b", timing(_row(marts)))
    assert timing(_row(marts)) in text
    assert re.search(r'aria-label="census, office 2017-02: 27\.625 USD bn, within\b', page)


@pytest.mark.slow
def test_every_query_on_a_page_gives_its_rows_again(marts: _Composed) -> None:
    _decided(marts)
    page = _page(claims.page(_context(marts), "c1"))
    queries = [
        unescape(one) for one in re.findall(r"<pre[^>]*><code>(.*?)</code>", page, re.DOTALL)
    ]
    assert len(queries) >= 3
    assert [len(marts.run(one).rows) for one in queries] == [1, 0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("field", ["says", "document_publisher", "attributed_to"])
def test_hostile_words_stay_words(marts: _Composed, field: str) -> None:
    marts.add("marts.claims", {**_CLAIM, field: _HOSTILE})
    marts.add("marts.claim_verdicts", {**_VERDICT, "missing_rows": [_HOSTILE]})
    for page in (
        _page(claims.page(_context(marts), "c1")),
        _page(documents.page(_context(marts), "doc")),
    ):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "<script>alert('x')</script>" in _text(page)


def test_a_review_for_machines_holds_hostile_words_unchanged(marts: _Composed) -> None:
    marts.add("marts.claims", _CLAIM, says=_HOSTILE)
    marts.add("marts.claim_verdicts", _VERDICT)
    review = _review(_page(claims.page(_context(marts), "c1")))
    assert review["claimReviewed"] == f"{_HOSTILE}: 27.6 USD bn"
    assert review["itemReviewed"]["author"] == {"@type": "Organization", "name": "A Paper"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "value"),
    [("confirmed", 5), ("contradicted", 1), ("ambiguous", None), ("undetermined", None)],
)
def test_only_what_is_decided_is_rated(marts: _Composed, status: str, value: int | None) -> None:
    _decided(marts, status=status)
    rating = _review(_page(claims.page(_context(marts), "c1")))["reviewRating"]
    assert rating["alternateName"] == status
    assert rating.get("ratingValue") == value


@pytest.mark.slow
@pytest.mark.parametrize("claim_id", ["a/b ../<x>&'\"", "Ä ö", "x" * 400, "c: 1"])
def test_an_odd_name_of_a_claim_gives_a_plain_address(marts: _Composed, claim_id: str) -> None:
    marts.add("marts.claims", _CLAIM, claim_id=claim_id)
    marts.add("marts.claim_verdicts", _VERDICT, claim_id=claim_id)
    context = _context(marts, [claim_id])
    files = claims.page(context, claim_id)
    assert all(
        re.fullmatch(r"claims/[a-z0-9_-]{1,80}(\.[a-z-]+\.csv|\.html)", f.path) for f in files
    )
    [path] = [one.path for one in files if one.path.endswith(".html")]
    assert f'href="../{path}"' in _page(documents.page(context, "doc"))


def test_names_that_differ_in_capitals_alone_have_two_addresses() -> None:
    assert addresses.of_claim("at04") == "claims/at04.html"
    # A case-insensitive file system would confuse the two.
    assert addresses.of_claim("AT04").lower() != addresses.of_claim("at04")
    assert addresses.of_pair("USA", "KOR") == "usa-kor/index.html"


def test_a_document_without_publisher_or_day_says_so(marts: _Composed) -> None:
    marts.add("marts.claims", _CLAIM, document_publisher=None, published_on=None)
    marts.add("marts.claim_verdicts", {**_VERDICT, **_DECIDED}, known_at_publication="unknown")
    page = _page(claims.page(_context(marts), "c1"))
    assert document_name(_row(marts)) == "doc, undated"
    assert "doc, undated" in _text(page)
    # What is said of the day names no day.
    known = timing(_row(marts))
    assert re.fullmatch(r"\D+", known)
    assert known in _text(page)
    assert {"author", "datePublished"}.isdisjoint(_review(page)["itemReviewed"])
    document = _page(documents.page(_context(marts), "doc"))
    assert re.search(r"<h1[^>]*>[^<]*\bdoc, undated</h1>", document)


def test_a_claim_beside_which_nothing_is_held_has_words_and_no_picture(marts: _Composed) -> None:
    marts.add("marts.claims", _CLAIM)
    marts.add("marts.claim_verdicts", _VERDICT)
    page = _page(claims.page(_context(marts), "c1"))
    words = verdict_in_words(_row(marts), _context(marts).words)
    assert words.evidence in _text(page)
    assert re.fullmatch(r"\D+", words.evidence)
    assert all(f"<li>{row}</li>" in page for row in words.needs)
    assert len(words.needs) == len(_VERDICT["missing_rows"])
    assert "<svg" not in page


def test_candidates_that_are_no_numbers_are_not_drawn(marts: _Composed) -> None:
    marts.add("marts.claims", _CLAIM)
    marts.add("marts.claim_verdicts", _VERDICT)
    marts.add("marts.claim_candidates", _CANDIDATE, value=None, distance=None, fit="none")
    page = _page(claims.page(_context(marts), "c1"))
    [figure] = re.findall(r'<figure[^>]* id="candidates".*?</figure>', page, re.DOTALL)
    assert '<p class="absence">' in figure
    assert "<svg" not in page


def test_a_direction_is_told_and_not_drawn(marts: _Composed) -> None:
    signs = {"unit": "sign", "unit_kind": "sign", "transform": "change", "rounding": 1}
    marts.add("marts.claims", {**_CLAIM, **signs}, reported_value=1, low=0, high=2, hedge="about")
    marts.add("marts.claim_verdicts", {**_VERDICT, **_DECIDED}, unit="sign", value=0)
    marts.add("marts.claim_candidates", _CANDIDATE, value=0)
    page = _page(claims.page(_context(marts), "c1"))
    text = _text(page)
    assert re.search(r"\boffice .*\bno change .*\bAAA\b.*\bdeficit .*\bBBB .*\b2016\b", text)
    assert re.search(r"\brise .*\bno change$", allowed(_row(marts)))
    assert f"<dd>{allowed(_row(marts))};" in page
    assert "(wording: about)" in text
    assert "<svg" not in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"value": 27_000_000_000, "distance": 550_000_000, "fit": "none"},
            r"\b0\.55 USD bn below",
        ),
        (
            {"value": 27_900_000_000, "distance": 250_000_000, "fit": "none"},
            r"\b0\.25 USD bn above",
        ),
        (
            {"value": 27_500_000_000, "distance": 50_000_000, "fit": "none", "within": True},
            r"\brevisions .*\b0\.09 USD bn",
        ),
        (
            {"value": 27_600_000_000, "fit": "possible", "rounding_margin": 50_000_000},
            r"\brounded .*\b0\.05 USD bn",
        ),
        (
            {"value": 27_650_000_100, "distance": 100, "fit": "none"},
            r"\bthan 0\.001 USD bn above",
        ),
    ],
)
def test_a_candidate_says_why_it_fell(marts: _Composed, changed: dict[str, Any], why: str) -> None:
    _decided(marts)
    other = {**_CANDIDATE, "candidate_id": "c1 | other", "basis_key": "other", **changed}
    other["is_within_revision"] = other.pop("within", False)
    marts.add("marts.claim_candidates", other)
    page = _page(claims.page(_context(marts), "c1"))
    assert any(re.search(why, one) for one in re.findall(r'<td class="why">(.*?)</td>', page))


def test_every_status_is_counted_in_its_place() -> None:
    with (_SEEDS / "coded_values.csv").open(newline="") as file:
        codes = [row["code"] for row in csv.DictReader(file) if row["column_name"] == "status"]
    assert sorted(documents.STATUSES) == sorted(codes)


def test_the_front_page_counts_every_claim_once_and_no_verdict_as_another(
    marts: _Composed,
) -> None:
    for status in documents.STATUSES:
        marts.add("marts.claims", _CLAIM, claim_id=status)
        marts.add("marts.claim_verdicts", _VERDICT, claim_id=status, status=status)
    [row] = marts.ask("documents_counted", documents=["doc"]).rows
    heads = ("mislabelled", "contradicted", "undetermined", "out_of_scope")
    assert [row[head] for head in heads] == [1, 1, 1, 1]
    counted = row["confirmed"] + row["true_on_another_basis"] + sum(row[head] for head in heads)
    assert counted == row["claims"] == len(documents.STATUSES)


def test_documents_of_one_publisher_are_told_apart(marts: _Composed) -> None:
    marts.add("marts.claims", _CLAIM)
    marts.add("marts.claims", _CLAIM, claim_id="c2", document_id="later", published_on=None)
    asked = marts.ask("claims_of_pair", reporter="AAA", partner="BBB")
    names = [document_name(row) for row in asked.rows]
    assert names == ["A Paper, 2017-01-02", "A Paper, undated"]


# A status with a reason that it may have.
_REASONS = {
    "confirmed": "one_basis_fits",
    "revised": "within_revisions",
    "ambiguous": "source_has_no_one_basis",
    "other_basis": "not_the_basis_of_the_source",
    "mislabelled": "another_measure",
    "contradicted": "no_figure_fits",
    "undetermined": "rows_missing",
    "out_of_scope": "not_a_trade_statistic",
}


@pytest.mark.slow
@pytest.mark.parametrize("status", documents.STATUSES)
def test_no_sentence_is_printed_twice(marts: _Composed, status: str) -> None:
    changed: dict[str, Any] = {"status": status, "reason_code": _REASONS[status]}
    if status in ("undetermined", "out_of_scope"):
        changed |= {"value": None, "missing_rows": ["the first row", "the second row"]}
    if status == "mislabelled":
        changed["mix_up"] = "another measure: imports"
    if status == "undetermined":
        changed |= {"nearest_value": Decimal("27.3"), "distance": Decimal("0.25")}
    _decided(marts, **changed)
    page = _page(claims.page(_context(marts), "c1"))
    assert repeated_sentences(page) == []
    row = marts.ask("claim", claim="c1").rows[0]
    words = verdict_in_words(row, _context(marts).words)
    for one in (words.evidence, *words.needs):
        assert _text(page).count(one) == 1


def test_what_is_no_trade_statistic_has_a_page_without_an_interval(marts: _Composed) -> None:
    marts.add("marts.claims", _CLAIM, measure="jobs", is_in_scope=False, low=None, high=None)
    out_of_scope = {"status": "out_of_scope", "reason_code": "not_a_trade_statistic"}
    marts.add("marts.claim_verdicts", {**_VERDICT, **out_of_scope}, missing_rows=[])
    page = _page(claims.page(_context(marts), "c1"))
    assert '<span class="verdict out_of_scope">' in page
    assert "(jobs)" in verdict_in_words(_row(marts), _context(marts).words).evidence
    assert not re.search(r"\d", allowed(_row(marts)))
    assert f"<dd>{allowed(_row(marts))};" in page


def test_open_ends_are_told() -> None:
    claim = {"low": Decimal(18), "high": Decimal(20), "unit": "USD bn"}
    shown = {
        ends: allowed(claim | {"low_is_closed": ends[0], "high_is_closed": ends[1]})
        for ends in [(True, True), (False, True), (True, False)]
    }
    assert shown[True, True] == "18 to 20 USD bn"
    assert re.fullmatch(r"above 18 .*\b20 USD bn", shown[False, True])
    assert re.fullmatch(r".*\b18 .*\bbelow 20 USD bn", shown[True, False])
    assert "below" not in shown[False, True]
    assert "above" not in shown[True, False]


def test_a_document_counts_its_verdicts_and_names_its_bases(marts: _Composed) -> None:
    for number, (status, basis) in enumerate(
        [("confirmed", "census"), ("confirmed", "cif"), ("contradicted", "census")], start=1
    ):
        marts.add("marts.claims", _CLAIM, claim_id=f"c{number}")
        marts.add(
            "marts.claim_verdicts",
            {**_VERDICT, **_DECIDED},
            claim_id=f"c{number}",
            status=status,
            basis_id=basis,
        )
    page = _page(documents.page(_context(marts, ["c1", "c2"]), "doc"))
    text = _text(page)
    assert re.search(r"\bThree .*\btwo confirmed .*\bone contradicted\.", text)
    assert "goods: census ( c1 ); cif ( c2 )" in text
    assert "#inconsistencies" not in page


def test_a_contradiction_names_both_sides_and_its_likely_correction(marts: _Composed) -> None:
    for number in (1, 2):
        marts.add("marts.claims", _CLAIM, claim_id=f"c{number}")
        marts.add("marts.claim_verdicts", _VERDICT, claim_id=f"c{number}")
    marts.add(
        "marts.claim_inconsistencies",
        {
            "inconsistency_id": "doc | c1 + c2",
            "document_id": "doc",
            "claim_ids": ["c1", "c2"],
            "equation": "part <= whole",
            "about": "exports",
            "left_claim_ids": ["c1"],
            "left_low": Decimal("3.45e9"),
            "left_high": Decimal("3.55e9"),
            "right_claim_ids": ["c2"],
            "right_low": Decimal(-(10**30)),
            "right_high": Decimal("1.05e9"),
            "suspect_claim_id": "c1",
            "repairs": ["c1: a digit added, 0.5"],
        },
    )
    context = _context(marts, ["c1", "c2"])
    for page in (documents.page(context, "doc"), claims.page(context, "c2")):
        text = _text(_page(page))
        assert "c1 , exports: 3.45 to 3.55 USD bn." in text
        # The lower end is that of any figure, and is not shown.
        assert re.search(r"\bc2 : [a-z ]*\b1\.05 USD bn\.", text)
        # The likely correction, and the one figure that it would explain.
        assert re.search(r"\bc1 : [a-z ]*, 0\.5\b", text)
        assert ": c1 ." in text
    assert "#inconsistencies" in _page(documents.page(context, "doc"))


def test_a_bridge_is_told_from_end_to_end(marts: _Composed) -> None:
    _decided(marts)
    bridge = {
        "bridge_id": "b",
        "display_measure": "deficit",
        "a_claim_id": "c1",
        "a_period": "2016",
        "a_usd": 27_600_000_000,
        "b_basis_id": "cif",
        "b_period": "2016",
        "b_usd": 29_600_000_000,
        "gap_usd": 2_000_000_000,
        "residual_usd": 0,
        "closes": True,
    }
    marts.add("marts.bridges", bridge)
    marts.add(
        "marts.bridge_steps",
        {
            "bridge_id": "b",
            "step_order": 1,
            "cause_code": "CIF + REEXPORT",
            "amount_usd": 2_000_000_000,
            "share_of_gap": 1,
        },
    )
    text = _text(_page(claims.page(_context(marts), "c1")))
    assert re.search(
        r"\bA Paper\b.* deficit .*\b27\.60 USD bn .*2016 .*\bcif .* deficit .*\b29\.60 USD bn"
        r" .*2016: \+2\.00 USD bn\..* re-exports .*insurance \+2\.00 \(100\.0 %\)\.",
        text,
    )


def test_evidence_leads_to_row_hash_and_address(marts: _Composed) -> None:
    _decided(marts)
    row = {
        "mart": "claim_verdicts",
        "row_key": "c1",
        "source_id": "office",
        "release_id": "2017-02",
        "snapshot_sha256": "cd" * 32,
        "column_name": "EYR",
        "reported_value": Decimal("42262.2"),
        "reported_unit": "USD mn",
        "licence": "free",
    }
    addresses = {"file/one.csv": "https://example.org/one", "file/two.csv": "javascript:alert(1)"}
    for number, (file, address) in enumerate(addresses.items()):
        marts.add(
            "marts.lineage",
            row,
            reference_id=number,
            snapshot_file=file,
            row_number=4_000 + number,
            address=address,
        )
    page = _page(claims.page(_context(marts), "c1"))
    assert "cd" * 32 in page
    assert 'href="https://example.org/one"' in page
    # An address that is not on the web is shown, never linked.
    assert "javascript:alert(1)" in page
    assert 'href="javascript' not in page
    assert "42,262.2 " in _text(page)


_AMOUNTS = st.decimals(-1_000, 1_000, allow_nan=False, places=3)


@given(
    low=_AMOUNTS,
    width=st.decimals(0, 50, allow_nan=False, places=3),
    values=st.lists(_AMOUNTS, min_size=1, max_size=30),
)
def test_the_nearest_figure_is_always_drawn_first(
    low: Decimal, width: Decimal, values: list[Decimal]
) -> None:
    band = Band(low, low + width, True, True, low)
    shown = near(band, [Dot(str(at), one, "none", "", "") for at, one in enumerate(values)])
    off = [max(band.low - one.value, one.value - band.high, Decimal(0)) for one in shown]
    least = min(max(band.low - one, one - band.high, Decimal(0)) for one in values)
    assert off[0] == least
    assert off == sorted(off)
    assert len(shown) <= 8


def test_a_figure_far_from_all_others_does_not_press_the_band() -> None:
    band = Band(Decimal("27.55"), Decimal("27.65"), True, True, Decimal("27.6"))
    dots = [Dot("near", Decimal("27.6"), "exact", "", ""), Dot("far", Decimal(900), "none", "", "")]
    assert [one.name for one in near(band, dots)] == ["near"]


@pytest.mark.parametrize(
    ("value", "rounding", "text"),
    [
        ("27.624600", "0.1", "27.625 USD bn"),
        ("27.700000", "0.1", "27.7 USD bn"),
        ("27.600400", "0.1", "27.600 USD bn"),
        ("13.000000", "0.1", "13.0 USD bn"),
        ("8.000000", "1", "8 USD bn"),
    ],
)
def test_a_figure_beside_a_print_gains_no_digits_that_it_has_not(
    value: str, rounding: str, text: str
) -> None:
    assert numbers.compared(Decimal(value), "USD bn", Decimal(rounding)) == text
