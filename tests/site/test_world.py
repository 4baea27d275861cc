"""The pages of the world, sectors and sources, with and without data."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator

import duckdb
import pytest

from dagster_project.settings import Settings
from dagster_project.site import addresses
from dagster_project.site.build import read_outline
from dagster_project.site.context import File, PageContext
from dagster_project.site.pages import reference, sector, world
from dagster_project.site.queries import Marts

# Two reports of one flow, of which one is twice the other, and a flow of one side alone.
_WORLD = """
    insert into marts.mirror_years
        (year, exporters_reporting, importers_reporting, rows_reported, flows, flows_mirrored,
         flows_twice_apart, mirrored_share, twice_apart_share, source_id, latest_release_id)
    values (2016, 2, 2, 5, 4, 2, 1, 0.5, 0.25, 'un_comtrade', 'made-up');
    insert into marts.mirror_gaps
        (year, exporter_iso3, importer_iso3, product_system, product_code,
         exporter_reported_usd, importer_reported_usd, importer_fob_usd, nes_allocated_usd,
         gap_usd, gap_left_usd, width_rank, likely_cause, source_id, latest_release_id)
    values
        (2016, 'KOR', 'USA', 'total', 'total', 1e9, 2e9, 1.9e9, 0, 1e9, 0.9e9, 1,
         'unexplained', 'un_comtrade', 'made-up'),
        (2016, 'USA', 'KOR', 'total', 'total', 3e8, null, null, 0, -3e8, -3e8, 2,
         'one_sided', 'un_comtrade', 'made-up');
    insert into marts.mirror_reporters
        (reporter_iso3, flow, reliability_rank, sigma, sigma_ls_means, agreed_share,
         flows_mirrored, partners_mirrored, reported_usd, mirrored_share, source_id,
         latest_release_id)
    values
        ('USA', 'export', 1, 0.4, 0.4, 0.8, 500, 9, 1e12, 0.9, 'un_comtrade', 'made-up'),
        ('KOR', 'export', 2, 0.7, 0.7, 0.6, 500, 9, 1e12, 0.9, 'un_comtrade', 'made-up'),
        ('JPN', 'export', 3, 9.9, 9.9, 0.1, 3, 1, 1e9, 0.1, 'un_comtrade', 'made-up');
"""


@pytest.fixture(scope="module")
def context(built_warehouse: Settings) -> Iterator[PageContext]:
    with Marts(built_warehouse) as marts:
        yield PageContext(marts, read_outline(marts, [("USA", "KOR")]))


@pytest.fixture(scope="module")
def world_context(
    built_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PageContext]:
    """A page context over the same warehouse with a few made-up reports of the world's trade."""
    home = tmp_path_factory.mktemp("world")
    settings = Settings(built_warehouse.project_root, home, None)
    shutil.copyfile(built_warehouse.warehouse, settings.warehouse)
    with duckdb.connect(str(settings.warehouse)) as connection:
        for table in ("mirror_years", "mirror_gaps", "mirror_reporters"):
            connection.execute(f"delete from marts.{table}")
        connection.execute(_WORLD)
    with Marts(settings) as marts:
        yield PageContext(marts, read_outline(marts, [("USA", "KOR")]))


def _html(files: list[File]) -> str:
    return files[0].content


def _leads(html: str) -> list[str]:
    """The sentences that a page begins with."""
    return re.findall(r'<p class="lead">(.*?)</p>', html, re.DOTALL)


def _rows(files: list[File], figure_id: str) -> list[dict[str, str]]:
    (text,) = [one.content for one in files if one.path.endswith(f".{figure_id}.csv")]
    return list(csv.DictReader(io.StringIO(text)))


def test_without_world_data_both_pages_say_so_and_what_to_do(context: PageContext) -> None:
    if context.ask("world_years"):
        pytest.skip("this warehouse holds reports of the world's trade")
    for page in (world.gaps, world.reporters):
        html = _html(page(context))
        [lead] = _leads(html)
        assert not re.search(r"\d", lead)
        assert "bilateral import" in html
        assert 'class="picture' not in html


def test_the_widest_gaps_come_first_and_link_to_the_pair_that_the_site_has(
    world_context: PageContext,
) -> None:
    files = world.gaps(world_context)
    rows = _rows(files, "widest")
    assert [row["exporter_iso3"] for row in rows] == ["KOR", "USA"]
    assert _html(files).count('<a href="../usa-kor/index.html">') == 2
    assert "exporter reports, South Korea → United States: 1,000.0 million US" in _html(files)


def test_a_side_that_reports_nothing_has_no_bar(world_context: PageContext) -> None:
    html = _html(world.gaps(world_context))
    assert "exporter reports, United States → South Korea: 300.0" in html
    assert "importer reports, United States → South Korea" not in html


def test_causes_share_all_of_the_gaps(world_context: PageContext) -> None:
    rows = _rows(world.gaps(world_context), "causes")
    assert {row["likely_cause"]: float(row["share"]) for row in rows} == {
        "unexplained": 0.75,
        "one_sided": 0.25,
    }


def test_an_estimate_is_never_called_an_observation(world_context: PageContext) -> None:
    html = _html(world.gaps(world_context))
    for heading in re.findall(r"<th[^>]*>([^<]+)</th>", html):
        if "fob" in heading.lower() or "left" in heading.lower():
            assert "estimated" in heading.lower(), heading
    assert "interval" not in html


def test_a_reporter_of_three_flows_is_listed_and_not_drawn(world_context: PageContext) -> None:
    files = world.reporters(world_context)
    drawn = {row["reporter_iso3"]: row["drawn_as"] for row in _rows(files, "reporters-export")}
    assert drawn["JPN"] == ""
    assert {drawn["USA"], drawn["KOR"]} == {"most"}
    assert "farthest for South Korea" in _html(files)
    [imports] = [one for one in _leads(_html(files)) if "imports" in one]
    assert not re.search(r"\d|South Korea", imports)


def test_the_parts_of_a_breakdown_add_up_to_the_total(context: PageContext) -> None:
    (pair,) = context.outline.pairs
    answer = context.ask("sector_breakdowns", **pair.values)
    assert answer
    for series in set(answer.column("series_code")):
        rows = [row for row in answer.rows if row["series_code"] == series]
        total = context.marts.run(
            "select distinct total_usd from marts.trade_by_sector_year where breakdown ="
            f" '{rows[0]['breakdown']}' and series_code = '{series}' and year = {rows[0]['year']}"
            f" and reporter_iso3 = '{pair.reporter}' and partner_code = '{pair.partner}'"
        )
        (whole,) = total.column("total_usd")
        # A publisher may give chapters without their total.
        assert whole in (None, sum(row["value_usd"] for row in rows))


def test_two_definitions_differ_by_what_their_bridge_says(context: PageContext) -> None:
    (pair,) = context.outline.pairs
    gaps = context.ask("sector_definition_gaps", sector="autos", **pair.values)
    assert gaps
    assert all(row["b_usd"] - row["a_usd"] == row["amount_usd"] for row in gaps.rows)
    years = [(row["year"], row["a_basis_key"]) for row in gaps.rows]
    assert len(years) == len(set(years)), "a bridge of two bases with one series is listed once"


def test_a_sector_page_tells_what_would_decide_its_claims(context: PageContext) -> None:
    (pair,) = context.outline.pairs
    claims = context.ask("sector_claims", sector="autos", **pair.values)
    html = _html(sector.page(context, pair, "autos"))
    undecided = [row for row in claims.rows if row["status"] == "undetermined"]
    assert undecided
    for row in undecided:
        assert f"../../claims/{row['claim_id']}.html" in html
    asking = [r for r in claims.rows if r["status"] in ("undetermined", "ambiguous", "revised")]
    assert html.count("Needed: ") == len(asking)


def test_a_sector_without_figures_says_so_and_draws_nothing(context: PageContext) -> None:
    (pair,) = context.outline.pairs
    html = _html(sector.page(context, pair, "no_such_sector"))
    lead, groups = _leads(html)
    assert "no_such_sector" in lead
    assert re.findall(r"\d+", groups) == ["0"]
    assert html.count('<p class="absence">') == html.count('<figure class="figure"')
    assert 'class="picture' not in html


def test_series_are_told_apart_by_the_parts_in_which_they_differ() -> None:
    rows = [
        {"quantity": "imports", "series_code": "USA.import.consumption.customs.census.nsa"},
        {"quantity": "imports", "series_code": "USA.import.general.cif.census.nsa"},
        {"quantity": "exports", "series_code": "USA.export.total.fas.census.nsa"},
    ]
    assert list(sector._series_names(rows).values()) == [
        "exports",
        "imports consumption customs",
        "imports general cif",
    ]


def test_the_dictionary_has_every_mart_with_a_sentence_on_every_column(
    context: PageContext,
) -> None:
    files = reference.dictionary(context)
    html = _html(files)
    assert len(html.encode()) < 300_000
    held = context.marts.run(
        "select table_name, count(*) as columns from duckdb_columns()"
        " where schema_name = 'marts' group by table_name"
    )
    assert held
    for row in held.rows:
        assert f'<figure class="figure" id="{row["table_name"]}">' in html
        rows = _rows(files, row["table_name"])
        assert len(rows) == row["columns"]
        assert all(one["meaning"] for one in rows)


def test_every_release_stands_on_the_page_of_the_sources(context: PageContext) -> None:
    files = reference.sources(context)
    told = {(row["source_id"], row["release_id"]) for row in _rows(files, "releases")}
    held = context.marts.run("select source_id, release_id from marts.releases")
    assert told == {(row["source_id"], row["release_id"]) for row in held.rows}
    withheld = [row for row in _rows(files, "sources") if row["may_be_republished"] != "true"]
    assert withheld
    assert "not redistributed" in _html(files)


def test_an_address_that_is_no_web_page_is_not_linked(context: PageContext) -> None:
    held = dict(context.ask("sources").rows[0]) | {"address": "javascript:alert(1)"}
    files = context.page(
        addresses.SOURCES, "sources.html", title="Sources", available=[held], cited=None
    )
    assert "javascript:" not in _html(files)
