"""Whatever publishers release, the core says of every day what was known on it.

The core keeps stretches of days; `judge` looks at each day by itself.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import duckdb
import pytest
from dbt import judge
from dbt.composed import (
    EXPORTS,
    IMPORTS,
    Figure,
    Release,
    Series,
    Size,
    compose,
    tables_of,
)
from dbt.core import Core
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

# A series, a group of products and a period; cells are seen from either country.
Place = tuple[Series, str, tuple[date, date]]
COUNTRIES = ("KOR", "USA")

sizes = st.builds(
    Size,
    seed=st.integers(0, 2**32),
    releases=st.integers(1, 4),
    # On few days two releases share one.
    days=st.integers(0, 5),
    series=st.integers(1, 4),
)


# An example is a build of all models of the core, and takes a fifth of a second.
@pytest.mark.slow
@settings(max_examples=60)
@given(size=sizes)
# A preferred source whose figure came and went on one day.
@example(size=Size(seed=1576480072, releases=4, days=3, series=1))
def test_the_core_knows_what_a_day_knew(core: Core, size: Size) -> None:
    figures = compose(size)
    assume(figures)
    with core.run(tables_of(figures)) as connection:
        observations = judge.observations(figures)
        check_observations(connection, figures, observations)
        check_stretches(connection)
        check_rows(connection)
        releases = _releases(connection)
        days = judge.days(figures)
        for day in days:
            current = judge.current(figures, day)
            expected = judge.values(current)
            check_values(connection, expected, day)
            check_balances(connection, releases, expected, day, open_until=days[-1])
            check_as_of(connection, releases, expected, day)
            check_observations_as_of(connection, figures, observations, current, day)


@pytest.mark.slow
@settings(max_examples=15)
@given(size=sizes, place=st.floats(0, 1))
def test_a_build_as_of_a_day_knows_what_the_day_knew(core: Core, size: Size, place: float) -> None:
    figures = compose(size)
    assume(figures)
    days = judge.days(figures)
    day = days[round(place * (len(days) - 1))]
    with core.run(tables_of(figures), as_of=day) as connection:
        releases = _releases(connection)
        expected = judge.values(judge.current(figures, day))
        check_values(connection, expected, day)
        check_balances(connection, releases, expected, day)
        check_as_of(connection, releases, expected, day)


def check_observations(
    connection: duckdb.DuckDBPyConnection,
    figures: list[Figure],
    observations: set[frozenset[int]],
) -> None:
    """Every figure is of one observation: releases in a row that say the same."""
    grouped: dict[int, set[int]] = defaultdict(set)
    rows = connection.execute(
        "select row_number, observation_id from intermediate.int_trade__figures"
    ).fetchall()
    for row_number, observation_id in rows:
        grouped[observation_id].add(row_number)
    assert len(rows) == len(figures)
    assert {frozenset(run) for run in grouped.values()} == observations
    by_row = {f.row_number: f for f in figures}
    stored = connection.execute(
        "select observation_id, source_id, raw_table, releases, known_from, last_release_id,"
        " last_known_from, value_usd, rounding_margin_usd, reported_unit from marts.observations"
    ).fetchall()
    assert sorted(row[0] for row in stored) == sorted(grouped)
    for observation_id, *described in stored:
        run = [by_row[row_number] for row_number in grouped[observation_id]]
        first = min(f.release for f in run)
        last = max(f.release for f in run)
        ((value, half, unit),) = {(f.value, f.half, f.unit) for f in run}
        assert described == [
            first.source,
            run[0].table,
            len({f.release for f in run}),
            first.day,
            last.release_id,
            last.day,
            value,
            half,
            unit,
        ]


def check_stretches(connection: duckdb.DuckDBPyConnection) -> None:
    """A stretch has a day at least, and the next of its cell and series begins after it."""
    for model, series in (
        ("int_figures__values", "series_id"),
        ("int_figures__balances", "export_series_id, import_series_id"),
    ):
        wrong = connection.execute(
            "select * from ("
            f" select *, lead(valid_from) over (partition by cell_id, {series}"
            f" order by valid_from, valid_to nulls last) as next_from from intermediate.{model}"
            ") where valid_to <= valid_from or next_from < coalesce(valid_to, '9999-12-31')"
        ).fetchall()
        assert not wrong, model


def check_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """The figures behind a value add up to it, and the last release among them is the one shown."""
    wrong = connection.execute(
        "select v.value_id from intermediate.int_figures__values as v"
        " left join intermediate.int_figures__value_rows as r on v.value_id = r.value_id"
        " left join intermediate.int_trade__figures as f on r.figure_id = f.figure_id"
        " group by v.value_id, v.value_usd, v.rounding_margin_usd, v.release_no"
        " having sum(f.value_usd) is distinct from v.value_usd"
        " or sum(f.rounding_margin_usd) is distinct from v.rounding_margin_usd"
        " or max(f.release_no) is distinct from v.release_no"
    ).fetchall()
    assert not wrong


def check_values(
    connection: duckdb.DuckDBPyConnection,
    expected: dict[Place, judge.Known],
    day: date,
) -> None:
    """One value of a series and cell on a day, and the one that is known."""
    rows = connection.execute(
        f"{_PLACES} select p.*, v.value_usd, v.rounding_margin_usd, v.raw_table, v.route"
        " from intermediate.int_figures__values as v"
        " inner join places as p on v.cell_id = p.cell_id and v.series_id = p.series_id"
        f" where v.valid_from <= '{day}' and (v.valid_to is null or v.valid_to > '{day}')"
    ).fetchall()
    found = {_place(row): row[10:] for row in rows}
    assert len(found) == len(rows)
    assert found == {
        (reporter, place): (known.value, known.half, known.table, known.route)
        for place, known in expected.items()
        for reporter in COUNTRIES
    }


def check_balances(
    connection: duckdb.DuckDBPyConnection,
    releases: dict[int, Release],
    expected: dict[Place, judge.Known],
    day: date,
    open_until: date | None = None,
) -> None:
    """Exports less imports wherever both are known; at the end of a stretch, its last releases."""
    rows = connection.execute(
        "select c.reporter_iso3, x.series_code, m.series_code, c.product_group,"
        " c.period_start, c.period_end,"
        " b.exports_usd, b.imports_usd, b.balance_usd, b.rounding_margin_usd,"
        " b.valid_to, b.exports_release_no, b.imports_release_no"
        " from intermediate.int_figures__balances as b"
        " inner join intermediate.int_figures__cells as c on b.cell_id = c.cell_id"
        " inner join intermediate.int_trade__series_listed as x"
        " on b.export_series_id = x.series_id"
        " inner join intermediate.int_trade__series_listed as m"
        " on b.import_series_id = m.series_id"
        f" where b.valid_from <= '{day}' and (b.valid_to is null or b.valid_to > '{day}')"
    ).fetchall()
    found = {row[:6]: row[6:] for row in rows}
    assert len(found) == len(rows)
    wanted = {}
    for exports, imports in judge.BALANCES:
        for (series, group, period), x in expected.items():
            m = expected.get((imports, group, period))
            if series != exports or m is None:
                continue
            # What one side exports the other imports.
            for reporter in COUNTRIES:
                out, into = (x, m) if reporter == exports.compiler else (m, x)
                key = (reporter, _code(exports), _code(imports), group, *period)
                wanted[key] = (out, into)
    assert set(found) == set(wanted)
    for key, (out, into) in wanted.items():
        *amounts, valid_to, exports_release_no, imports_release_no = found[key]
        assert amounts == [out.value, into.value, out.value - into.value, out.half + into.half]
        if day == (valid_to - timedelta(1) if valid_to else open_until):
            assert releases[exports_release_no] == out.release
            assert releases[imports_release_no] == into.release


def check_as_of(
    connection: duckdb.DuckDBPyConnection,
    releases: dict[int, Release],
    expected: dict[Place, judge.Known],
    day: date,
) -> None:
    """On a day the release shown is the last one by then that says so."""
    rows = connection.execute(
        f"{_PLACES} select p.*, v.value_usd, v.release_no, v.known_from"
        f" from intermediate.int_figures__values_as_of_as_of('{day}') as v"
        " inner join places as p on v.cell_id = p.cell_id and v.series_id = p.series_id"
    ).fetchall()
    found = {_place(row): (row[10], releases[row[11]], row[12]) for row in rows}
    assert len(found) == len(rows)
    assert found == {
        (reporter, place): (known.value, known.release, known.release.day)
        for place, known in expected.items()
        for reporter in COUNTRIES
    }
    balances = connection.execute(
        "select period_start, period_end, balance_usd, release_key"
        f" from intermediate.int_figures__balances_as_of_as_of('{day}')"
        " where reporter_iso3 = 'USA' and basis_id = 'census'"
    ).fetchall()
    assert sorted(balances) == sorted(
        (*period, x.value - m.value, " + ".join(sorted({_release_key(x), _release_key(m)})))
        for (series, group, period), x in expected.items()
        if series == EXPORTS and group == "total:total"
        if (m := expected.get((IMPORTS, group, period)))
    )


def check_observations_as_of(
    connection: duckdb.DuckDBPyConnection,
    figures: list[Figure],
    observations: set[frozenset[int]],
    current: list[Figure],
    day: date,
) -> None:
    """The observations of which a figure is current, with the releases that were out by then."""
    known = {f.row_number for f in current}
    by_row = {f.row_number: f for f in figures}
    expected = []
    for run in observations:
        if run & known:
            out = {by_row[row].release for row in run if by_row[row].release.day <= day}
            first = by_row[min(run)]
            expected.append((first.table, first.value, len(out), max(out).release_id, max(out).day))
    found = connection.execute(
        "select raw_table, value_usd, releases, last_release_id, last_known_from"
        f" from marts.observations_as_of('{day}')"
    ).fetchall()
    assert sorted(found) == sorted(expected)


def _release_key(known: judge.Known) -> str:
    return f"{known.release.source} {known.release.release_id}"


def _releases(connection: duckdb.DuckDBPyConnection) -> dict[int, Release]:
    rows = connection.execute(
        "select release_no, source_id, known_from, hour(retrieved_at), release_id"
        " from intermediate.int_trade__releases_ordered"
    ).fetchall()
    return {release_no: Release(*fields) for release_no, *fields in rows}


_PLACES = """
with places as (
    select
        c.cell_id, s.series_id, c.reporter_iso3, s.compiler_iso3, s.flow, s.concept, s.valuation,
        c.product_group, c.period_start, c.period_end
    from intermediate.int_figures__cells as c
    cross join intermediate.int_trade__series_listed as s
)
"""


def _place(row: tuple) -> tuple[str, Place]:
    _, _, reporter, compiler, flow, concept, valuation, group, start, end = row[:10]
    partner = "KOR" if compiler == "USA" else "USA"
    return reporter, (Series(compiler, partner, flow, concept, valuation), group, (start, end))


def _code(series: Series) -> str:
    return f"{series.compiler}.{series.flow}.{series.concept}.{series.valuation}.census.nsa"
