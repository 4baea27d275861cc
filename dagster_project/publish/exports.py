"""Write the Parquet exports: the rows that may be redistributed, with their licences.

The rule needs no list of tables. A row of a mart names its releases in one of three ways: in the
columns `source_id` and `…release_id`, in a text with source and release, for example a release key
(`un_comtrade 2026-05-01`), or by the ids of raw rows and observations. The ids of figures and
comparisons include those of their inputs, so a row made from two sources names both.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from dagster_project.warehouse import CATALOG, MARTS, open_file, quoted, tables_of

LICENCES = "LICENCES.csv"

_RELEASE_KEY = frozenset({"source_id", "release_id"})
_SOURCE_TERMS = frozenset({"source_id", "licence", "is_redistributable", "address"})
_FIGURE_FILE = frozenset({"source_id", "release_id", "snapshot_file"})
_RAW_ROW = frozenset({"reference_id", "observation_id", "source_id", "release_id"})


@dataclass(frozen=True)
class _Licence:
    """Terms shared by releases of one source."""

    source_id: str
    text: str
    is_redistributable: bool
    address: str | None


# The licence of every release, by source and release.
_Terms = Mapping[tuple[str, str], _Licence]


@dataclass(frozen=True)
class _Mart:
    """The properties of a mart that the rule uses."""

    name: str
    columns: Mapping[str, str]
    key: frozenset[str]

    @property
    def relation(self) -> str:
        return f'{CATALOG}.{MARTS}."{self.name}"'

    @property
    def lists_releases(self) -> bool:
        """Whether the mart describes releases and contains none of their figures."""
        return self.key == _RELEASE_KEY

    @property
    def names(self) -> str:
        """SQL: all texts of a row, one per line; empty if columns name source and release."""
        if "source_id" in self.columns and "release_id" in self.columns:
            return "''"
        texts = [f'"{name}"::varchar' for name, kind in self.columns.items() if "VARCHAR" in kind]
        return f"concat_ws(chr(10), {', '.join(texts)})" if texts else "''"

    @property
    def cited(self) -> list[str]:
        """SQL: lists of the ids of the raw rows that a row cites."""
        if "source_id" in self.columns and "release_id" in self.columns:
            return []
        lists = [f'"{name}"' for name, kind in self.columns.items() if kind == "BIGINT[]"]
        single = [
            f'"{name}"'
            for name, kind in self.columns.items()
            if kind == "BIGINT" and name.endswith(("reference_id", "observation_id"))
        ]
        return lists + ([f"[{', '.join(single)}]"] if single else [])

    @property
    def pairs(self) -> list[str]:
        """SQL: the releases that a row names in their own columns."""
        if "source_id" not in self.columns:
            return []
        return [
            f"source_id || ' ' || \"{name}\""
            for name in self.columns
            if name.endswith("release_id")
        ]


def write_exports(
    build: Path, folder: Path, snapshot_files: str, metadata: Mapping[str, str]
) -> None:
    """Write every mart as Parquet into an existing folder, with the licences beside them.

    Rows based on a release that may not be republished are left out. `meta.keys` of the build has
    the key of each mart. `snapshot_files` is the path of the Parquet files that list the files of
    all releases, as SQL text.
    """
    left_out: defaultdict[_Licence, dict[str, int]] = defaultdict(dict)
    connection = open_file(build, read_only=True)
    try:
        marts = _marts(connection)
        terms = _terms(connection, marts, snapshot_files)
        _list_cited(connection, marts)
        for mart in marts:
            rules = {} if mart.lists_releases else _rules(mart, terms)
            kept = f"not ({' or '.join(rules.values())})" if rules else "true"
            *by_rule, withheld = _counts(connection, mart, [*rules.values(), f"not ({kept})"])
            for licence, rows in zip(rules, by_rule, strict=True):
                if rows:
                    left_out[licence][mart.name] = rows
            about = {
                **metadata,
                "table_name": mart.name,
                "licences": _licences(_named_releases(connection, mart, kept, terms)),
                "rows_withheld": str(withheld),
            }
            pairs = ", ".join(f"{name}: {_text(value)}" for name, value in about.items())
            connection.execute(
                f"copy (from {mart.relation} where {kept}) to"
                f" {quoted(folder / f'{mart.name}.parquet')}"
                f" (format parquet, kv_metadata {{{pairs}}})"
            )
    finally:
        connection.close()
    _write_licences(folder / LICENCES, terms, left_out)


def _marts(connection: duckdb.DuckDBPyConnection) -> list[_Mart]:
    found = []
    keys = dict(
        connection.execute(f"select table_name, key_columns from {CATALOG}.meta.keys").fetchall()
    )
    for table in sorted({*tables_of(connection), *keys}):
        columns = connection.execute(
            "select column_name, data_type from duckdb_columns()"
            " where database_name = ? and schema_name = ? and table_name = ?"
            " order by column_index",
            [CATALOG, MARTS, table],
        ).fetchall()
        found.append(_Mart(table, dict(columns), frozenset(keys.get(table, ()))))
    return found


def _list_cited(connection: duckdb.DuckDBPyConnection, marts: list[_Mart]) -> None:
    """The release of each id that a row may cite: of a raw row or an observation."""
    connection.execute("create temp table cited (id bigint, release_key varchar)")
    for mart in marts:
        if mart.columns.keys() >= _RAW_ROW:
            connection.execute(
                "insert into cited"
                f" select reference_id, source_id || ' ' || release_id from {mart.relation}"
                " union"
                f" select observation_id, source_id || ' ' || release_id from {mart.relation}"
            )


def _terms(
    connection: duckdb.DuckDBPyConnection, marts: list[_Mart], snapshot_files: str
) -> _Terms:
    """The terms of every release that a row may name.

    A release may be redistributed if both its sidecar and its source allow it. A publisher known
    only from quotations has no sidecar: its releases follow the terms of the source and of the file
    that contains them.
    """
    sources: dict[str, _Licence] = {}
    for mart in marts:
        if mart.columns.keys() >= _SOURCE_TERMS and "release_id" not in mart.columns:
            rows = connection.execute(
                f"select source_id, licence, is_redistributable, address from {mart.relation}"
            ).fetchall()
            sources |= {row[0]: _Licence(*row) for row in rows}
    terms: dict[tuple[str, str], _Licence] = {}
    for source, release, text, may in connection.execute(
        "select source_id, release_id, min(licence), bool_and(redistributable)"
        f" from read_parquet({snapshot_files}) group by all"
    ).fetchall():
        stated = sources.get(source, _Licence(source, text, True, None))
        terms[source, release] = _Licence(
            source, text, may and stated.is_redistributable, stated.address
        )
    withheld = {f"{s}/{r}" for (s, r), one in terms.items() if not one.is_redistributable}
    for mart in marts:
        if not mart.columns.keys() >= _FIGURE_FILE:
            continue
        for source, release, folder in connection.execute(
            "select distinct source_id, release_id,"
            " array_to_string(string_split(snapshot_file, '/')[:2], '/')"
            f" from {mart.relation} order by all"
        ).fetchall():
            unknown = _Licence(source, "not stated", False, None)
            one = terms.get((source, release)) or sources.get(source, unknown)
            may = one.is_redistributable and folder not in withheld
            terms[source, release] = replace(one, is_redistributable=may)
    return terms


def _rules(mart: _Mart, terms: _Terms) -> dict[_Licence, str]:
    """By licence, the SQL condition for rows based on a withheld release."""
    rules = {}
    for licence, releases in _by_licence(terms).items():
        if licence.is_redistributable:
            continue
        one_of = "|".join(re.escape(release) for release in releases)
        named = (
            f"(^|[^A-Za-z0-9_]){re.escape(licence.source_id)}[ /]({one_of})\\.?([^A-Za-z0-9._-]|$)"
        )
        keys = ", ".join(_text(f"{licence.source_id} {release}") for release in releases)
        conditions = [f"regexp_matches({mart.names}, {_text(named)})"]
        conditions += [f"coalesce({pair} in ({keys}), false)" for pair in mart.pairs]
        conditions += [
            f"list_has_any({ids}, (select coalesce(list(distinct id), []) from cited"
            f" where release_key in ({keys})))"
            for ids in mart.cited
        ]
        rules[licence] = f"({' or '.join(conditions)})"
    return rules


def _named_releases(
    connection: duckdb.DuckDBPyConnection,
    mart: _Mart,
    kept: str,
    terms: _Terms,
) -> _Terms:
    """The releases behind the rows that are kept."""
    sources = "|".join(sorted({re.escape(source) for source, _ in terms}))
    named = f"(?:^|[^A-Za-z0-9_])((?:{sources})[ /][A-Za-z0-9][A-Za-z0-9._-]*)"
    found = [
        f"select unnest(regexp_extract_all({mart.names}, {_text(named)}, 1)) as name"
        f" from {mart.relation} where {kept}",
        *(f"select {pair} as name from {mart.relation} where {kept}" for pair in mart.pairs),
        *(
            "select c.release_key as name from"
            f" (select unnest({ids}) as id from {mart.relation} where {kept}) as m"
            " inner join cited as c on m.id = c.id"
            for ids in mart.cited
        ),
    ]
    rows = connection.execute(
        f"select distinct name from ({' union all '.join(found)}) where name is not null"
    ).fetchall()
    # Remove the full stop after a name at the end of a sentence.
    keys = {tuple(re.split("[ /]", name.rstrip("."), maxsplit=1)) for (name,) in rows}
    return {key: licence for key, licence in terms.items() if key in keys}


def _by_licence(terms: _Terms) -> dict[_Licence, list[str]]:
    releases: defaultdict[_Licence, list[str]] = defaultdict(list)
    for (_, release), licence in sorted(terms.items(), key=lambda one: one[0]):
        releases[licence].append(release)
    return dict(releases)


def _licences(terms: _Terms) -> str:
    return json.dumps(
        [
            {"source_id": licence.source_id, "licence": licence.text, "releases": ids}
            for licence, ids in _by_licence(terms).items()
        ],
        ensure_ascii=False,
    )


def _write_licences(
    file: Path, terms: _Terms, left_out: Mapping[_Licence, Mapping[str, int]]
) -> None:
    """Write one row per source and licence, with the number of rows left out by table.

    A row based on two withheld releases counts under the licence of each.
    """
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(
            ("source_id", "licence", "is_redistributable", "releases", "address", "rows_withheld")
        )
        for licence, releases in _by_licence(terms).items():
            counts = left_out.get(licence, {})
            writer.writerow(
                (
                    licence.source_id,
                    licence.text,
                    "true" if licence.is_redistributable else "false",
                    " ".join(releases),
                    licence.address or "",
                    " ".join(f"{table}={rows}" for table, rows in sorted(counts.items())),
                )
            )


def _counts(
    connection: duckdb.DuckDBPyConnection, mart: _Mart, conditions: Sequence[str]
) -> list[int]:
    """The number of rows of a mart that meet each condition."""
    counted = ", ".join(f"count(*) filter (where {condition})" for condition in conditions)
    [row] = connection.execute(f"select {counted} from {mart.relation}").fetchall()
    return list(row)


def _text(value: str) -> str:
    """Quote a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"
