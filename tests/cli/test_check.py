"""Any file of claims is judged as the shipped ones are, and a bad row is named."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import Result

from dagster_project.questions.check import MOST_CLAIMS, MOST_SHARES_OF_AMOUNTS
from dagster_project.settings import Settings
from dagster_project.warehouse import connect_published

TRUE_CLAIM = {
    "claim_id": "c1",
    "document_id": "d1",
    "says": "the goods deficit of 2016",
    "trade_kind": "goods",
    "measure": "deficit",
    "reporter": "USA",
    "partner": "KOR",
    "sector": "total",
    "period": "2016",
    "base_period": "",
    "value": "27.6",
    "unit": "USD bn",
    "rounding": "0.1",
    "hedge": "exact",
    "attributed_to": "",
}
COLUMNS = tuple(TRUE_CLAIM)
INCONSISTENCY = ("claim_ids", "equation", "about", "suspect_claim_id", "repairs")


@pytest.fixture
def claims_file(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, str], columns: Iterable[str] = COLUMNS) -> Path:
        path = tmp_path / "claims.csv"
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(columns), extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**TRUE_CLAIM, **row} for row in rows)
        return path

    return write


def test_the_shipped_claims_get_the_published_verdicts(
    bilateral: Callable[..., Result], built_warehouse: Settings
) -> None:
    folder = next((built_warehouse.shipped_snapshots / "articles").glob("*"))
    result = bilateral(
        *("check", str(folder / "claims.csv")),
        *("--documents", str(folder / "documents.csv"), "--format", "json"),
    )
    assert result.exit_code == 1
    objects = json.loads(result.stdout)
    with connect_published(built_warehouse) as connection:
        published = connection.execute(
            "select claim_id, status, basis_id, release_key, evidence from marts.claim_verdicts"
        ).fetchall()
        inconsistencies = connection.execute(
            f"select {', '.join(INCONSISTENCY)} from marts.claim_inconsistencies order by claim_ids"
        ).fetchall()
    assert {
        one["claim_id"]: (one["status"], one["basis"], one["release"], one["evidence"])
        for one in objects
    } == {row[0]: tuple(row[1:]) for row in published}
    told = {
        tuple(row["claim_ids"]): tuple(row[column] for column in INCONSISTENCY)
        for one in objects
        for row in one["inconsistencies"]
        if one["claim_id"] in row["claim_ids"]
    }
    assert sorted(told.values()) == inconsistencies
    assert inconsistencies


def test_an_object_has_every_requested_field(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    result = bilateral("check", str(claims_file({})), "--format", "json")
    assert result.exit_code == 0
    (one,) = json.loads(result.stdout)
    assert {"claim_id", "status", "basis", "release", "value_usd", "missing", "evidence"} <= set(
        one
    )
    assert (one["status"], one["reason_code"]) == ("confirmed", "one_basis_fits")
    assert (one["basis"], one["missing"]) == ("census", [])
    assert re.findall(r"\$?\d[\d.-]*\d", one["reason"]) == ["$27.625", "2016", "2026-09"]
    assert round(one["value_usd"] / 1e6) == 27_625
    assert one["evidence"]


def test_a_verdict_is_one_sentence_in_text_and_files(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    path = str(claims_file({}, {"claim_id": "c2", "partner": "JPN", "period": "2031"}))
    text = " ".join(bilateral("check", path).stdout.split())
    objects = json.loads(bilateral("check", path, "--format", "json").stdout)
    for one in objects:
        status, _, sentence = one["reason"].partition(". ")
        assert status.lower() == one["status"]
        assert text.count(sentence) == 1
        heading = f"{one['claim_id']} {one['status'].upper()} United States–"  # noqa: RUF001
        assert re.search(rf"{heading}\w[^:]*: \$27\.6 billion", text)
    (missing,) = objects[1]["missing"]
    assert missing in text
    rows = list(csv.DictReader(StringIO(bilateral("check", path, "--format", "csv").stdout)))
    assert [row["reason"] for row in rows] == [one["reason"] for one in objects]
    assert [json.loads(row["missing"]) for row in rows] == [one["missing"] for one in objects]
    assert list(rows[0]) == list(objects[0])


def test_a_false_claim_ends_with_one(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    result = bilateral("check", str(claims_file({"value": "44.4"})))
    assert result.exit_code == 1
    assert "CONTRADICTED" in result.stdout
    assert result.stderr == ""


def test_a_text_against_itself_ends_with_one(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    # 2031 lies ahead: no row can speak, but the two sums still cannot both be true.
    result = bilateral(
        "check",
        str(
            claims_file(
                {"claim_id": "x", "measure": "exports", "value": "10.0", "period": "2031"},
                {"claim_id": "m", "measure": "imports", "value": "15.0", "period": "2031"},
                {"claim_id": "d", "measure": "deficit", "value": "9.0", "period": "2031"},
            )
        ),
        "--format",
        "json",
    )
    assert result.exit_code == 1
    objects = json.loads(result.stdout)
    assert {one["status"] for one in objects} == {"undetermined"}
    assert all(one["missing"] for one in objects)
    assert all(one["inconsistencies"] for one in objects)


def test_the_publication_date_is_that_of_the_document(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path], tmp_path: Path
) -> None:
    documents = tmp_path / "documents.csv"
    documents.write_text(
        "document_id,publisher,title_in_short,published_on,seed_file\n"
        "d1,A paper,A title,2017-07-12,\n"
    )
    claims = claims_file({}, {"claim_id": "c2", "document_id": "d2"})
    result = bilateral("check", str(claims), "--documents", str(documents), "--format", "json")
    known = {one["claim_id"]: one["known_at_publication"] for one in json.loads(result.stdout)}
    assert known["c1"] in {"known", "later", "possible"}
    assert known["c2"] == "unknown"
    assert result.exit_code == 2
    assert "line 3, column document_id: 'd2': not in" in result.stderr


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        # What is close to the value, or allowed; nothing where only the value is wrong.
        ("measure", "deficits", r"\bdeficit\b"),
        ("sector", "autoz", r"\bautos\b"),
        ("sector", "hs3:87", r"\bhs6\b"),
        ("sector", "hs2:8", r"\bhs2\b.*\[0-9\]\{2\}"),
        ("unit", "USD bio", r"\bUSD bn\b"),
        ("hedge", "vaguely", r"\babout, at_least, at_most\b"),
        ("period", "16", r"\bYYYY-MM/YYYY-MM\b"),
        ("period", "2016-05/2016-01", ""),
        ("base_period", "2016-13", r"\bYYYY-MM/YYYY-MM\b"),
        ("value", "27,6", r"\b6\b"),
        ("value", "about 27", r"\b6\b"),
        ("rounding", "0", r"\b0\.1\b"),
        ("reporter", "Untied States", r"\bUSA\b"),
        ("partner", "Korea", r"\bKOR\b.*\bPRK\b"),
        ("partner", "EU", r"\bcensus:0003\b"),
        ("trade_kind", "good", r"\bgoods\b"),
        ("says", "", ""),
    ],
)
def test_a_bad_row_is_named_and_the_good_one_judged(
    bilateral: Callable[..., Result],
    claims_file: Callable[..., Path],
    column: str,
    value: str,
    named: str,
) -> None:
    path = claims_file({"claim_id": "bad", column: value}, {})
    result = bilateral("check", str(path), "--format", "json")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    place = f"Error: {path}, line 2, column {column}: {value!r}: "
    assert line.startswith(place)
    assert re.search(named or ".", line.removeprefix(place))
    assert [one["claim_id"] for one in json.loads(result.stdout)] == ["c1"]


def test_the_faults_of_a_row_are_one_error(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    path = claims_file({"claim_id": "bad", "measure": "x", "period": "16", "unit": "bn"}, {})
    result = bilateral("check", str(path), "--format", "json")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {path}, line 2: column measure: 'x': ")
    assert re.findall(r"column (\w+): '(\w+)'", line) == [
        ("measure", "x"),
        ("period", "16"),
        ("unit", "bn"),
    ]


def test_claims_as_people_write_them_get_the_verdicts_of_codes(
    bilateral: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(
        ";".join(COLUMNS) + "\n;;;;;;;;;;;;;;\n"
        "a;d1;a; Goods;Deficit;United States;South Korea;total;2016.0;;$27.6 billion;;0.1;exact;\n"
        "b;d1;b;goods;balance;US;KR;total;2016;;(27,6);USD BN;0,1;exact;\n"
        "c;d1;c;goods;deficit;USA;KOR;total;2016;;27 624.6;$ million;0.1;exact;\n"
    )
    result = bilateral("check", str(path), "--format", "json")
    assert result.stderr == ""
    objects = json.loads(result.stdout)
    assert {one["claim_id"]: one["status"] for one in objects} == dict.fromkeys("abc", "confirmed")


def test_the_world_is_a_partner_by_any_of_its_names(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    names = ("WLD", "World", "census:0015")
    path = claims_file(
        *(
            {"claim_id": name, "partner": name, "period": "2015", "value": "745.7"}
            for name in names
        ),
        {
            "claim_id": "share",
            "measure": "share_pct_deficit",
            "partner": "China",
            "period": "2015",
            "value": "49",
            "unit": "pct",
            "rounding": "1",
        },
    )
    objects = json.loads(bilateral("check", str(path), "--format", "json").stdout)
    assert {one["claim_id"]: one["status"] for one in objects} == dict.fromkeys(
        (*names, "share"), "confirmed"
    )
    figures = {
        bilateral("figures", "--reporter", "USA", "--partner", name, "--period", "2015").stdout
        for name in names
    }
    (shown,) = figures
    assert "-745,660.2" in shown


def test_two_rows_of_one_name_that_differ_are_both_refused(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    path = claims_file({"claim_id": "twin"}, {"claim_id": "twin", "value": "29.6"}, {})
    result = bilateral("check", str(path), "--format", "json")
    assert result.exit_code == 2
    places = re.findall(r"line (\d+), column claim_id: 'twin'", result.stderr)
    assert places == ["2", "3"]
    assert [one["claim_id"] for one in json.loads(result.stdout)] == ["c1"]


def test_a_file_of_bad_rows_alone_is_no_silent_success(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    result = bilateral("check", str(claims_file({"unit": "bn"})), "--format", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == []
    as_csv = bilateral("check", str(claims_file({"unit": "bn"})), "--format", "csv")
    assert (as_csv.exit_code, as_csv.stdout.strip()) == (2, "")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", ": "),
        (b"claim_id,says\n1,x\n", ", line 1: column measure, reporter, partner, period, value "),
        ((",".join(COLUMNS) + "\n").encode(), ": "),
        ((",".join(COLUMNS) + "\nc1,d1,caf\xe9").encode("latin-1"), r", line 2: .*\b3 of 15\b"),
        (b"\x00\x01\x02", r": .*line 1\b"),
        (b"<!doctype html>", ": .*'<!doctype html>'"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(
    bilateral: Callable[..., Result], tmp_path: Path, content: bytes, named: str
) -> None:
    path = tmp_path / "claims.csv"
    path.write_bytes(content)
    result = bilateral("check", str(path))
    assert result.exit_code == 2
    assert re.match(f"Error: {re.escape(str(path))}{named}", result.stderr)
    assert result.stdout == ""


def test_an_absent_file_is_refused(bilateral: Callable[..., Result], tmp_path: Path) -> None:
    result = bilateral("check", str(tmp_path / "absent.csv"))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path / 'absent.csv'}: ")
    assert os.strerror(errno.ENOENT) in result.stderr


def test_another_partner_and_sector_need_no_new_code(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    path = claims_file(
        {"claim_id": "jp", "partner": "JPN", "period": "2015", "value": "68.9"},
        {"claim_id": "hs", "sector": "hs2:87", "measure": "imports", "value": "23.0"},
        {"claim_id": "grp", "partner": "census:0003", "period": "2015", "value": "155.6"},
    )
    result = bilateral("check", str(path), "--format", "json")
    statuses = {one["claim_id"]: one["status"] for one in json.loads(result.stdout)}
    assert set(statuses) == {"jp", "hs", "grp"}
    assert statuses["jp"] == "confirmed"


def test_more_claims_than_one_check_takes_are_refused_with_the_number_and_the_limit(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    many = claims_file(*({"claim_id": f"c{n}"} for n in range(20_000)))
    result = bilateral("check", str(many))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "20,000 claims" in result.stderr
    assert f"{MOST_CLAIMS:,}" in result.stderr


def test_more_shares_of_amounts_than_one_check_compares_are_refused(
    bilateral: Callable[..., Result], claims_file: Callable[..., Path]
) -> None:
    """Each of 200 shares with each of 200 amounts, as many candidates as a file of 5,000 claims."""
    many = claims_file(
        *({"claim_id": f"a{n}", "measure": "exports"} for n in range(200)),
        *({"claim_id": f"s{n}", "measure": "share_pct_exports", "unit": "%"} for n in range(200)),
    )
    result = bilateral("check", str(many))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "200 shares and 200 amounts" in result.stderr
    assert f"{MOST_SHARES_OF_AMOUNTS:,}" in result.stderr


@pytest.mark.slow
def test_a_thousand_claims_of_one_document_are_judged(
    bilateral_process: Callable[..., subprocess.CompletedProcess[str]],
    claims_file: Callable[..., Path],
) -> None:
    """Four measures of twenty years, each told many times; every tenth figure is another."""

    def value(measure: str, year: int) -> int:
        exports, imports = 40 + year % 100, 60 + 2 * (year % 100)
        return {
            "exports": exports,
            "imports": imports,
            "deficit": imports - exports,
            "two_way_trade": imports + exports,
        }[measure]

    measures = ("deficit", "exports", "imports", "two_way_trade")
    told = [(measures[n % 4], 2000 + n // 4 % 20, 7 * (n % 10 == 0)) for n in range(1_000)]
    many = claims_file(
        *(
            {
                "claim_id": f"c{n:04}",
                "measure": measure,
                "period": str(year),
                "value": f"{value(measure, year) + wrong}.0",
            }
            for n, (measure, year, wrong) in enumerate(told)
        )
    )
    result = bilateral_process("check", str(many), "--format", "json")
    assert result.returncode == 1, result.stderr
    assert len(json.loads(result.stdout)) == 1_000
