"""Injects one fault in the data or in a model at a time: the named check must find it.

A build with a fault is refused, and the previous publication stays unchanged, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from fault_injection.project_copy import ProjectCopy, Row

from dagster_project.sources.snapshot import SIDECAR

OLD_COUNTRY_FILE = "us_census/2017-01/country.csv"
NEW_COUNTRY_FILE = "us_census/2026-09/country.csv"
MONTHLY_TOTALS = "us_census/2026-09/imports_total_monthly.json"
CHAPTERS_OF_IMPORTS = "us_census/2021-06/imports_hs2.json"
CHAPTERS_OF_EXPORTS = "us_census/2020-10/exports_hs2.json"
INDUSTRIES = "us_census/2026-02/imports_naics3.json"
COMTRADE_CIF = "un_comtrade/ceumicrodata-60eacb08/data.json"
COMTRADE_KOREA = "un_comtrade/cipf-5008b541/data.json"
PAGES = "published/2026-11/figures.csv"


@dataclass(frozen=True)
class Fault:
    """What is broken, the check that must see it, and what a failing row of it must say.

    A check that looks at several things has to tell which of them is broken.
    """

    says: str
    check: str
    break_it: Callable[[ProjectCopy], None]
    row: str = ""


@dataclass(frozen=True)
class Oddity:
    """What a publisher prints, and the rule that must find it."""

    says: str
    rule: str
    print_it: Callable[[ProjectCopy], None]


def where(condition: Callable[[Row], bool], **values: Any) -> Callable[[list[Row]], list[Row]]:
    """Set columns in the rows that meet the condition; a function gets the previous value."""

    def edit(rows: list[Row]) -> list[Row]:
        return [
            {
                **row,
                **{
                    name: value(row[name]) if callable(value) else value
                    for name, value in values.items()
                },
            }
            if condition(row)
            else row
            for row in rows
        ]

    return edit


def without(condition: Callable[[Row], bool]) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row for row in rows if not condition(row)]


def is_year(row: Row, country: str, year: str) -> bool:
    return (row["CTY_CODE"], row["year"]) == (country, year)


def lose_a_source(copy: ProjectCopy) -> None:
    for folder in (copy.settings.shipped_snapshots / "un_comtrade").iterdir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def lose_a_month(copy: ProjectCopy) -> None:
    copy.edit_api(MONTHLY_TOTALS, without(lambda row: row["time"] == "2014-05"))


def blank_a_month(copy: ProjectCopy) -> None:
    copy.edit_csv(NEW_COUNTRY_FILE, where(lambda row: row["year"] == "2014", IMAY=""))


def load_a_row_twice(copy: ProjectCopy) -> None:
    copy.edit_raw("un_comtrade__trade", lambda frame: pl.concat([frame, frame.head(1)]))


def lose_a_key(copy: ProjectCopy) -> None:
    copy.edit_raw(
        "published__figures",
        lambda frame: frame.with_columns(
            pl.when(pl.col("row_number") > 5).then("row_number").alias("row_number")
        ),
    )


def thousand_times(value: str | float) -> str | float:
    return f"{float(value) * 1000:.1f}" if isinstance(value, str) else value * 1000


def publish_other_units(copy: ProjectCopy) -> None:
    copy.edit_comtrade(
        COMTRADE_CIF,
        where(
            lambda row: row["reporterISO"] == "USA" and row["refYear"] == 2010,
            primaryValue=thousand_times,
            cifvalue=thousand_times,
        ),
    )


def publish_other_units_for_a_mirror(copy: ProjectCopy) -> None:
    copy.edit_comtrade(
        COMTRADE_KOREA,
        where(
            lambda row: row["flowCode"] == "X" and row["refYear"] == 2010,
            primaryValue=thousand_times,
            fobvalue=thousand_times,
        ),
    )


def publish_other_units_for_a_small_country(copy: ProjectCopy) -> None:
    copy.edit_csv(
        OLD_COUNTRY_FILE, where(lambda row: is_year(row, "2080", "2005"), EYR=thousand_times)
    )


def swap_two_countries(copy: ProjectCopy) -> None:
    other = {"5800": "5880", "5880": "5800"}
    copy.edit_csv(
        OLD_COUNTRY_FILE,
        where(lambda row: row["CTY_CODE"] in other, CTY_CODE=lambda code: other[code]),
    )


def swap_exports_and_imports(copy: ProjectCopy) -> None:
    def edit(rows: list[Row]) -> list[Row]:
        columns = {name: name for name in rows[0]}
        for name in rows[0]:
            if name.startswith("I"):
                columns[name], columns[f"E{name[1:]}"] = f"E{name[1:]}", name
        return [{name: row[columns[name]] for name in row} for row in rows]

    copy.edit_csv(NEW_COUNTRY_FILE, edit)


def shift_a_release(copy: ProjectCopy) -> None:
    # A load rejects such rows.
    release_id = COMTRADE_KOREA.split("/")[1]
    copy.edit_raw(
        "snapshots__files",
        lambda frame: frame.with_columns(
            known_from=pl.when(pl.col("release_id") == release_id)
            .then(pl.date(2015, 6, 30))
            .otherwise("known_from")
        ),
    )


def lose_a_chapter(copy: ProjectCopy) -> None:
    copy.edit_api(CHAPTERS_OF_IMPORTS, without(lambda row: row["I_COMMODITY"] == "05"))


def lose_a_chapter_of_the_only_release(copy: ProjectCopy) -> None:
    copy.edit_api(CHAPTERS_OF_EXPORTS, without(lambda row: row["E_COMMODITY"] == "29"))


def misprint_an_industry(copy: ProjectCopy) -> None:
    copy.edit_api(
        INDUSTRIES,
        where(
            lambda row: row["NAICS"] == "334" and row["time"] == "2016-03",
            CON_VAL_MO=lambda value: str(int(value) + 1),
        ),
    )


def take_a_group_for_a_country(copy: ProjectCopy) -> None:
    copy.edit_seed(
        "census_partners", where(lambda row: row["census_code"] == "0003", is_aggregate="false")
    )


def take_a_country_for_a_group(copy: ProjectCopy) -> None:
    copy.edit_seed(
        "census_partners", where(lambda row: row["census_code"] == "5800", is_aggregate="true")
    )


def publish_zero_for_a_month(copy: ProjectCopy) -> None:
    copy.edit_csv(NEW_COUNTRY_FILE, where(lambda row: row["year"] == "2016", IMAY="0.0"))


def value_imports_below_customs(copy: ProjectCopy) -> None:
    copy.edit_comtrade(
        COMTRADE_CIF,
        where(
            lambda row: row["reporterISO"] == "USA" and row["refYear"] == 2016,
            primaryValue=lambda value: value * 0.9,
        ),
    )


def forget_a_break_of_basis(copy: ProjectCopy) -> None:
    copy.edit_seed("basis_breaks", where(lambda row: True, first_year="1900", last_year="1901"))


def rank_two_bases_first(copy: ProjectCopy) -> None:
    copy.edit_seed(
        "basis_policy",
        where(
            lambda row: row["reporter_iso3"] == "*" and row["trade_kind"] == "goods",
            policy_rank="1",
        ),
    )


def prefer_nothing(copy: ProjectCopy) -> None:
    copy.edit_seed("basis_policy", without(lambda row: row["trade_kind"] == "goods_services"))


def quote_a_stranger(copy: ProjectCopy) -> None:
    copy.edit_csv(
        PAGES, where(lambda row: row["publisher"] == "KITA", publisher="Somebody on the radio")
    )


def overlap_two_sections(copy: ProjectCopy) -> None:
    def edit(rows: list[Row]) -> list[Row]:
        chapter = next(row for row in rows if row["product_group"] == "hs_section_iii.hs2")
        return [*rows, {**chapter, "product_group": "hs_section_iv.hs2"}]

    copy.edit_seed("sector_codes", edit)


def add_release(copy: ProjectCopy, charges: int, re_exports: int) -> None:
    """A month with its charges and its re-exports, which add up or do not."""
    imports = [
        ["GEN_VAL_MO", "GEN_CIF_MO", "GEN_CHA_MO", "I_COMMODITY", "time", "COMM_LVL", "CTY_CODE"],
        ["5800000000", "5950000000", str(charges), "-", "2014-03", "-", "5800"],
    ]
    header = ["ALL_VAL_MO", "E_COMMODITY", "time", "COMM_LVL", "CTY_CODE", "DF"]
    # The total of the month is that of the country file.
    parts = {"-": 4_342_200_000, "1": 4_000_000_000, "2": re_exports}
    exports = [
        header,
        *([str(value), "-", "2014-03", "-", "5800", code] for code, value in parts.items()),
    ]
    folder = copy.snapshot(MONTHLY_TOTALS).parent
    sidecar = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
    for direction, rows in (("imports", imports), ("exports", exports)):
        content = json.dumps(rows).encode()
        name = f"{direction}_and_parts.json"
        (folder / name).write_bytes(content)
        sidecar["files"].append(
            {
                "name": name,
                "table": "us_census__trade_api",
                "layout": f"census_api_{direction}_hs",
                "address": None,
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
                "composed_from": "A test.",
                "note": None,
            }
        )
    (folder / SIDECAR).write_text(json.dumps(sidecar), encoding="utf-8")


FAULTS = (
    Fault(
        "a source is gone",
        "valid_rows_of_stg_un_comtrade__trade",
        lose_a_source,
        "there are no rows",
    ),
    Fault(
        "a raw row is loaded twice",
        "valid_rows_of_stg_un_comtrade__trade",
        load_a_row_twice,
        "several rows have one key",
    ),
    Fault(
        "a key is null",
        "valid_rows_of_stg_published__figures",
        lose_a_key,
        "a part of the key is null",
    ),
    Fault(
        "a release is older than its months",
        "valid_rows_of_observations",
        shift_a_release,
        "no_figure_is_of_a_period_after_its_release",
    ),
    Fault(
        "a country passes for a group",
        "groups_do_not_pass_for_countries",
        take_a_country_for_a_group,
    ),
    Fault(
        "two bases have one rank",
        "valid_rows_of_basis_policy",
        rank_two_bases_first,
        "several rows have one key",
    ),
    Fault(
        "the policy prefers nothing",
        "valid_rows_of_trade_by_year",
        prefer_nothing,
        "a_preferred_year_is_in_the_policy",
    ),
    Fault("a publisher is not listed", "publishers_of_figures_are_listed", quote_a_stranger),
    Fault(
        "a chapter is in two sections",
        "a_partition_counts_no_product_twice",
        overlap_two_sections,
    ),
    Fault(
        "a model loses rows",
        "every_raw_row_is_an_observation_or_left_out_for_a_reason",
        lambda copy: copy.wrap_model(
            "int_trade__figures_unioned",
            "select * from (model) where not (month(period_start) = 1 and month(period_end) = 11)",
        ),
    ),
    Fault(
        "a balance is no difference",
        "valid_rows_of_balances_by_basis",
        lambda copy: copy.edit_mart(
            "update warehouse.intermediate.int_figures__balances set balance_usd = two_way_usd"
        ),
        "balance_is_exports_less_imports",
    ),
    Fault(
        "all bases are preferred",
        "each_year_has_one_preferred_basis",
        lambda copy: copy.edit_mart("update warehouse.marts.trade_by_year set is_preferred = true"),
    ),
    Fault(
        "a release never ends",
        "releases_of_one_series_do_not_overlap",
        lambda copy: copy.edit_mart(
            "update warehouse.intermediate.int_trade__figures set known_to = null"
        ),
    ),
    Fault(
        "a step of a bridge is lost",
        "bridges_close_exactly",
        lambda copy: copy.edit_mart(
            "delete from warehouse.marts.bridge_steps where cause_code = 'CIF'"
        ),
    ),
    Fault(
        "a step has no rows",
        "valid_rows_of_bridge_steps",
        lambda copy: copy.edit_mart("update warehouse.marts.bridge_steps set evidence = []"),
        "every_step_has_evidence",
    ),
    Fault(
        "a step names rows that do not exist",
        "evidence_of_steps_is_available",
        lambda copy: copy.edit_mart("update warehouse.marts.bridge_steps set evidence = [-1]"),
    ),
    Fault(
        "a verdict has no rows",
        "valid_rows_of_claim_verdicts",
        lambda copy: copy.edit_mart("update warehouse.marts.claim_verdicts set evidence = []"),
        "a_confirmed_claim_has_evidence",
    ),
    Fault(
        "a claim has no verdict",
        "every_claim_has_one_verdict",
        lambda copy: copy.edit_mart(
            "delete from warehouse.marts.claim_verdicts where status = 'revised'"
        ),
    ),
    Fault(
        "a code has no meaning",
        "valid_rows_of_claim_verdicts",
        lambda copy: copy.edit_mart(
            "update warehouse.marts.claim_verdicts set status = 'plausible'"
        ),
        "column_name status, code plausible",
    ),
    Fault(
        "a mart is empty",
        "valid_rows_of_partner_ranks",
        lambda copy: copy.edit_mart("delete from warehouse.marts.partner_ranks"),
        "there are no rows",
    ),
    Fault(
        "a group has a rank",
        "groups_have_no_rank",
        lambda copy: copy.edit_mart(
            "update warehouse.marts.partner_ranks set partner_code = 'census:0003'"
        ),
    ),
    Fault(
        "lineage leaves a mart out",
        "lineage_covers_every_row",
        lambda copy: copy.edit_mart(
            "update warehouse.marts.partner_ranks"
            " set export_reference_id = -1, import_reference_id = -1"
        ),
    ),
    Fault(
        "lineage leads to other rows",
        "a_value_is_the_sum_of_its_figures",
        lambda copy: copy.edit_mart(
            "update warehouse.intermediate.int_figures__values set value_usd = value_usd + 1"
        ),
    ),
    Fault(
        "the bytes of a file are not those that were read",
        "lineage_matches_the_snapshots",
        lambda copy: copy.edit_mart(
            "update warehouse.intermediate.int_trade__files_listed"
            " set snapshot_sha256 = reverse(snapshot_sha256)"
        ),
    ),
    Fault(
        "both sides of a contradiction allow the same range",
        "valid_rows_of_claim_inconsistencies",
        lambda copy: copy.edit_mart(
            "update warehouse.marts.claim_inconsistencies"
            " set right_low = left_low, right_high = left_high"
        ),
        "the_two_sides_of_an_inconsistency_do_not_meet",
    ),
    Fault(
        "a claim of a contradiction is on neither side",
        "valid_rows_of_claim_inconsistencies",
        lambda copy: copy.edit_mart(
            "update warehouse.marts.claim_inconsistencies set right_claim_ids = []"
        ),
        "each_claim_of_an_inconsistency_is_on_one_side",
    ),
)

# What a publisher prints never stops a build.
ODDITIES = (
    Oddity("a month is left out", "months_missing", lose_a_month),
    Oddity("a month is blank", "months_differ_from_year", blank_a_month),
    Oddity("thousands for dollars", "series_disagree", publish_other_units),
    Oddity(
        "thousands for dollars, and no other source of the series",
        "mirror_disagrees",
        publish_other_units_for_a_mirror,
    ),
    Oddity(
        "thousands for millions, and a small country",
        "partners_differ_from_world",
        publish_other_units_for_a_small_country,
    ),
    Oddity("two countries are swapped", "revised_strongly", swap_two_countries),
    Oddity("exports are published as imports", "revised_strongly", swap_exports_and_imports),
    Oddity("a chapter is gone", "withdrawn", lose_a_chapter),
    Oddity(
        "a chapter is gone from the only release",
        "products_leave_a_residual",
        lose_a_chapter_of_the_only_release,
    ),
    Oddity("a part is misprinted", "products_differ_from_total", misprint_an_industry),
    Oddity(
        "a group passes for a country",
        "partners_differ_from_world",
        take_a_group_for_a_country,
    ),
    Oddity("a month is published as 0", "month_is_zero", publish_zero_for_a_month),
    Oddity(
        "CIF lies below the customs value",
        "cif_without_freight",
        value_imports_below_customs,
    ),
    Oddity(
        "a break of basis is not listed",
        "cif_without_freight",
        forget_a_break_of_basis,
    ),
    Oddity(
        "charges do not lead from customs value to CIF",
        "cif_differs_from_parts",
        lambda copy: add_release(copy, 140_000_000, 342_200_000),
    ),
    Oddity(
        "re-exports do not lead from domestic to total exports",
        "exports_differ_from_parts",
        lambda copy: add_release(copy, 150_000_000, 340_200_000),
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_the_named_check_finds_the_fault(copy: ProjectCopy, fault: Fault) -> None:
    before = copy.published_hash()
    with copy.broken(fault.break_it):
        ended = copy.build(fault.check)
    assert ended == {fault.check: "fail"}
    (problem,) = (problem for problem in copy.refusal if f" {fault.check} " in problem)
    assert fault.row in problem
    assert copy.published_hash() == before


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.says)
def test_the_named_rule_finds_what_a_publisher_prints(copy: ProjectCopy, oddity: Oddity) -> None:
    with copy.broken(oddity.print_it):
        ended = copy.build("valid_rows_of_data_findings")
    assert set(ended.values()) == {"pass"}
    found = {place for place in copy.findings - copy.usual_findings if place[0] == oddity.rule}
    assert found
    assert all(file and row and column for _, file, row, column in found)


def test_without_a_fault_every_check_passes(copy: ProjectCopy) -> None:
    assert {name for name, status in copy.unbroken.items() if status != "pass"} == set()
    assert {fault.check for fault in FAULTS} <= copy.unbroken.keys()


def test_parts_that_add_up_are_no_finding(copy: ProjectCopy) -> None:
    """The bundled snapshots have neither charges nor re-exports, so the test adds both."""
    with copy.broken(lambda copy: add_release(copy, 150_000_000, 342_200_000)):
        copy.build("valid_rows_of_data_findings")
    rules = {"cif_differs_from_parts", "exports_differ_from_parts"}
    assert not rules & {rule for rule, *_ in copy.findings}


def test_a_check_of_several_things_names_the_one_that_fails() -> None:
    """A name that fits any failure of such a check would say nothing."""
    assert {
        fault.says for fault in FAULTS if fault.check.startswith("valid_rows_of_") and not fault.row
    } == set()
