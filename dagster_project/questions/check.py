"""Check every claim in a file, and write the verdicts as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.claims.consistency.frames import inconsistencies, unfinished, warn_unfinished
from dagster_project.claims.wording import Verdict, verdict_in_words
from dagster_project.questions.replay import Replay
from dagster_project.questions.values import millions, plural, wrapped
from dagster_project.questions.words import InputError, Words
from dagster_project.sources.articles import read_claims, read_documents

BAD_STATUS = "contradicted"
# Time grows with the number of claims: this many take about fifteen seconds.
MOST_CLAIMS = 5_000
# A share is compared with each amount of the same trade in its article, on every basis and in every
# release: this many comparisons take about five seconds and 0.6 GB.
MOST_SHARES_OF_AMOUNTS = 20_000
CONSISTENCY_INPUTS = ("claims", "shares_of_other_wholes")

_RENAMED = {"reporter": "reporter_iso3", "partner": "partner_code", "value": "reported_value"}


@dataclass(frozen=True)
class Fault:
    """A cell or a whole row with an error, and the reason."""

    column: str | None
    value: str | None
    reason: str

    def __str__(self) -> str:
        column = f"column {self.column}: " if self.column else ""
        value = f"{self.value!r}: " if self.value is not None else ""
        return f"{column}{value}{self.reason}"


@dataclass(frozen=True)
class Problem:
    """A row with its faults, of which there is at least one."""

    file: Path
    line: int
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        joint = ", " if len(self.faults) == 1 and self.faults[0].column else ": "
        return f"{self.file}, line {self.line}{joint}{'; '.join(map(str, self.faults))}"


@dataclass(frozen=True)
class Checked:
    """Claims, verdicts and inconsistencies of the rows that are usable."""

    claims: list[dict]
    verdicts: Mapping[str, Mapping[str, object]]
    in_words: Mapping[str, Verdict]
    inconsistencies: list[dict]
    problems: list[Problem]
    notes: list[str] = field(default_factory=list)

    @property
    def is_contradicted(self) -> bool:
        """Whether a claim is contradicted or an article contradicts itself."""
        return bool(self.inconsistencies) or any(
            verdict["status"] == BAD_STATUS for verdict in self.verdicts.values()
        )


def check(replay: Replay, words: Words, claims_file: Path, documents_file: Path | None) -> Checked:
    """Check every claim in a file.

    Raises:
        SnapshotError: a file cannot be read, lacks a column, or has no rows.
        InputError: see `check_claims`.
    """
    claims = read_claims(claims_file, words.claim_vocabulary)
    problems = _problems(claims_file, claims.rejects)
    described = None
    if documents_file is not None:
        documents = read_documents(documents_file)
        problems += _problems(documents_file, documents.rejects)
        problems += _without_document(claims_file, claims.frame, documents_file, documents.frame)
        described = documents.frame
    return check_claims(replay, words, claims.frame, described, problems, str(claims_file))


def check_claims(
    replay: Replay,
    words: Words,
    claims: pl.DataFrame,
    documents: pl.DataFrame | None,
    problems: list[Problem],
    name: str,
) -> Checked:
    """Check claims that have been read, as `read_claims` and `read_documents` give them.

    Raises:
        InputError: more than `MOST_CLAIMS` claims, or `MOST_SHARES_OF_AMOUNTS` shares of amounts;
            `name` is what the message calls them.
    """
    if claims.height > MOST_CLAIMS:
        raise InputError(
            f"{name}: {claims.height:,} claims, and one check takes at most"
            f" {MOST_CLAIMS:,}. Divide the file, keeping the claims of each article together."
        )
    inputs = {"claims_given": claims.drop("column_name").rename(_RENAMED)}
    if documents is not None:
        inputs["documents_given"] = documents.select(
            "document_id",
            "publisher",
            "title_in_short",
            "published_on",
            "address",
            "article_sha256",
        )
    if claims.is_empty():
        return Checked([], {}, {}, [], problems)
    _refuse_too_many_shares(replay, name, claims)
    replay.answer(inputs, ["claims", "claim_verdicts", *CONSISTENCY_INPUTS])
    verdicts = judged(replay)
    notes: list[str] = []
    found = find_inconsistencies(
        replay, lambda document_id, figures: notes.append(unfinished(document_id, figures))
    )
    return Checked(
        claims=replay.rows("claims", "row_number"),
        verdicts=verdicts,
        in_words={name: verdict_in_words(row, words.names) for name, row in verdicts.items()},
        inconsistencies=found,
        problems=problems,
        notes=notes,
    )


def judged(replay: Replay) -> dict[str, dict[str, object]]:
    """Each input claim with its verdict, by claim id."""
    verdicts = {row["claim_id"]: row for row in replay.rows("claim_verdicts", "claim_id")}
    return {
        str(row["claim_id"]): {**row, **verdicts[row["claim_id"]]}
        for row in replay.rows("claims", "claim_id")
    }


def find_inconsistencies(
    replay: Replay, on_unfinished: Callable[[str, int], None] = warn_unfinished
) -> list[dict]:
    """The rows of claim_inconsistencies for the input claims; needs `CONSISTENCY_INPUTS`."""
    claims, wholes = (replay.frame(name) for name in CONSISTENCY_INPUTS)
    return inconsistencies(claims, wholes, on_unfinished).to_dicts()


def _refuse_too_many_shares(replay: Replay, name: str, claims: pl.DataFrame) -> None:
    transforms = replay.published("select measure, transform from warehouse.seeds.claim_measures")
    countries = ("reporter", "partner")
    trades = (
        claims.join(transforms, on="measure")
        .group_by(
            *("document_id", "trade_kind", "sector", "period"),
            pl.min_horizontal(countries).alias("one_country"),
            pl.max_horizontal(countries).alias("other_country"),
        )
        .agg(
            (pl.col("transform") == "share").sum().cast(pl.Int64).alias("shares"),
            (pl.col("transform") == "level").sum().cast(pl.Int64).alias("amounts"),
        )
        .with_columns((pl.col("shares") * pl.col("amounts")).alias("both"))
        .sort("both", "document_id", descending=[True, False])
    )
    if trades["both"].sum() <= MOST_SHARES_OF_AMOUNTS:
        return
    most = trades.row(0, named=True)
    raise InputError(
        f"{name}: {most['document_id']} has {most['shares']:,} shares and"
        f" {most['amounts']:,} amounts of the same trade ({most['sector']}, {most['period']}). Each"
        f" share is compared with each amount, and one check makes at most"
        f" {MOST_SHARES_OF_AMOUNTS:,} such comparisons. Remove what is told twice, or divide the"
        " file."
    )


def _problems(file: Path, rejects: pl.DataFrame) -> list[Problem]:
    rows = rejects.sort("row_number", maintain_order=True).to_dicts()
    return [
        Problem(
            file,
            line,
            tuple(Fault(row["column_name"], row["value"], row["reason"]) for row in found),
        )
        for line, found in groupby(rows, itemgetter("row_number"))
    ]


def _without_document(
    claims_file: Path, claims: pl.DataFrame, documents_file: Path, documents: pl.DataFrame
) -> list[Problem]:
    """Claims whose article is not described: they are checked without a publication date."""
    known = set(documents["document_id"])
    return [
        Problem(
            claims_file,
            row["row_number"],
            (
                Fault(
                    "document_id",
                    row["document_id"],
                    f"not in {documents_file}: checked without its publication date",
                ),
            ),
        )
        for row in claims.to_dicts()
        if row["document_id"] not in known
    ]


def checked_objects(checked: Checked) -> list[dict[str, object]]:
    """One object per claim, in the order of the file."""
    objects = []
    for claim in checked.claims:
        verdict = checked.verdicts[str(claim["claim_id"])]
        words = checked.in_words[str(claim["claim_id"])]
        objects.append(
            {
                "claim_id": claim["claim_id"],
                "document_id": claim["document_id"],
                "says": claim["says"],
                "reported_value": claim["reported_value"],
                "unit": claim["unit"],
                "status": verdict["status"],
                "basis": verdict["basis_id"],
                "definition": verdict["product_group"],
                "release": verdict["release_key"],
                "known_at_publication": verdict["known_at_publication"],
                "value": verdict["value"],
                "value_usd": verdict["value_usd"],
                "reason_code": verdict["reason_code"],
                "reason": words.text,
                "missing": list(words.needs),
                "fitting_bases": verdict["fitting_bases"],
                "base_figures": verdict["base_figures"],
                "evidence": verdict["evidence"],
                "inconsistencies": [
                    {
                        "equation": row["equation"],
                        "about": row["about"],
                        "claim_ids": row["claim_ids"],
                        "suspect_claim_id": row["suspect_claim_id"],
                        "repairs": row["repairs"],
                    }
                    for row in checked.inconsistencies
                    if claim["claim_id"] in row["claim_ids"]
                ],
            }
        )
    return objects


def checked_text(checked: Checked, width: int) -> str:
    """Each claim with its verdict, then the contradictions within each article."""
    lines: list[str] = []
    document: object = None
    for claim in checked.claims:
        if claim["document_id"] != document:
            document = claim["document_id"]
            printed = f", {claim['published_on']}" if claim["published_on"] else ""
            publisher = f": {claim['document_publisher']}" if claim["document_publisher"] else ""
            lines += ["", f"{document}{publisher}{printed}"]
        words = checked.in_words[str(claim["claim_id"])]
        lines += [
            "",
            *wrapped(f"{claim['claim_id']}  {words.status.upper()}  {words.about}", width, "  "),
            *wrapped(str(claim["says"]), width, "      "),
            *wrapped(words.evidence, width, "      "),
        ]
        if words.needed:
            lines += wrapped(words.needed, width, "      ")
    for row in checked.inconsistencies:
        lines += ["", *inconsistency_lines(row, width)]
    counts = Counter(str(verdict["status"]) for verdict in checked.verdicts.values())
    counted = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    lines += ["", f"{plural(len(checked.claims), 'claim')}: {counted or 'none could be read'}"]
    if checked.inconsistencies:
        lines[-1] += f"; {plural(len(checked.inconsistencies), 'inconsistency', 'inconsistencies')}"
    return "\n".join(lines).lstrip("\n")


def inconsistency_lines(row: Mapping[str, Any], width: int) -> list[str]:
    """A contradiction within one article: its figures, the equation and likely corrections."""
    lines = [f"  INCONSISTENT  {', '.join(row['claim_ids'])}"]
    lines += wrapped(f"{row['equation']} ({row['about']}).", width, "      ")
    lines += wrapped(
        f"{', '.join(row['left_claim_ids'])} allow {_interval(row, 'left')};"
        f" {', '.join(row['right_claim_ids'])} allow {_interval(row, 'right')}.",
        width,
        "      ",
    )
    for repair in row["repairs"] or ():
        lines += wrapped(f"Likely correction: {repair}", width, "      ")
    return lines


def _interval(row: Mapping[str, Any], side: str) -> str:
    low, high = row[f"{side}_low"], row[f"{side}_high"]
    if low <= -1e29:
        return f"at most {_number(high)}"
    if high >= 1e29:
        return f"at least {_number(low)}"
    return f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{millions(Decimal(str(value)))} million"
    return f"{value:.6g}"
