"""The CIF value of imports where a table gives only their customs value and their charges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl
from dbt.composed import YEAR, Figure, Release, Series, tables_of
from dbt.core import Core

CUSTOMS = Series("USA", "KOR", "import", "general", "customs")
CHARGES = Series("USA", "KOR", "import", "general", "charges")
CIF = Series("USA", "KOR", "import", "general", "cif")
TABLE, OTHER = "us_census__trade_api", "un_comtrade__trade"
TOTAL = ("total", "total")
CHAPTERS = [("hs2", f"{number:02d}") for number in range(1, 100) if number != 77]
FIRST = Release("us_census", date(2020, 1, 1), 0, "a")
SECOND = Release("us_census", date(2020, 2, 1), 0, "b")
THIRD = Release("us_census", date(2020, 3, 1), 0, "c")
COMTRADE = Release("un_comtrade", date(2020, 1, 1), 0, "d")


def figure(release: Release, series: Series, product: tuple[str, str], value: int) -> Figure:
    table = TABLE if release.source == "us_census" else OTHER
    number = hash((release, series, product)) % 10**9
    return Figure(number, release, table, series, product, YEAR, value, 5, "USD")


def tables(*figures: Figure) -> Mapping[str, pl.DataFrame]:
    made = tables_of(list(figures))
    is_charges = pl.col("import_valuation") == "charges"
    made["int_trade__figures_unioned"] = made["int_trade__figures_unioned"].with_columns(
        measure=pl.when(is_charges).then(pl.lit("charges")).otherwise("measure")
    )
    return made


def values(core: Core, *figures: Figure) -> list[tuple[object, ...]]:
    """The CIF values of all products as the reporter counts them: their days and their rows."""
    with core.run(tables(*figures)) as connection:
        return connection.execute("""
            select
                v.route,
                cast(v.value_usd as integer),
                v.valid_from,
                v.valid_to,
                (select count(*) from intermediate.int_figures__value_rows as r
                    where r.value_id = v.value_id)
            from intermediate.int_figures__values as v
            inner join intermediate.int_trade__series_listed as s on v.series_id = s.series_id
            inner join intermediate.int_figures__cells as c on v.cell_id = c.cell_id
            where
                s.valuation = 'cif'
                and s.compiler_iso3 = 'USA'
                and c.reporter_iso3 = 'USA'
                and c.product_group = 'total:total'
            order by v.valid_from
        """).fetchall()


def test_it_is_their_sum_from_the_day_on_which_both_are_known(core: Core) -> None:
    found = values(
        core,
        figure(FIRST, CUSTOMS, TOTAL, 1000),
        figure(SECOND, CHARGES, TOTAL, 30),
        figure(THIRD, CUSTOMS, TOTAL, 1100),
    )
    assert found == [
        ("charges", 1030, date(2020, 2, 1), date(2020, 3, 1), 2),
        ("charges", 1130, date(2020, 3, 1), None, 2),
    ]


def test_charges_of_all_chapters_are_those_of_all_products(core: Core) -> None:
    customs = figure(FIRST, CUSTOMS, TOTAL, 1000)
    chapters = [figure(FIRST, CHARGES, chapter, 2) for chapter in CHAPTERS]
    assert values(core, customs, *chapters) == [
        ("chapter_charges", 1000 + 2 * 98, date(2020, 1, 1), None, 99)
    ]
    # Half of the chapters are not the charges of all products.
    assert values(core, customs, *chapters[:50]) == []
    # Nor are they counted beside the total.
    total = figure(FIRST, CHARGES, TOTAL, 200)
    assert values(core, customs, total, *chapters)[0][1] == 1200


def test_a_published_cif_value_comes_first_and_tables_are_not_mixed(core: Core) -> None:
    parts = figure(FIRST, CUSTOMS, TOTAL, 1000), figure(FIRST, CHARGES, TOTAL, 30)
    published = figure(COMTRADE, CIF, TOTAL, 1040)
    assert values(core, *parts, published)[0][:2] == ("period", 1040)
    other = figure(COMTRADE, CHARGES, TOTAL, 30)
    assert values(core, parts[0], other) == []
