"""Writes the Parquet exports: the rows that may be redistributed, with their licences.

The rule needs no list of tables. A row of a mart names its releases in one of three ways: in the
columns `source_id` and `…release_id`, in a text with source and release, for example a release key
(`un_comtrade 2026-05-01`), or by the ids of raw rows and observations. The ids of figures and
comparisons include those of their inputs, so a row made from two sources names both.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from dagster_project.display import write_csv
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

    def named(self, sources: str) -> str:
        """SQL for the keys of the releases that a row names in its columns and texts.

        `sources` is a regular expression that matches every source id.
        """
        columns = self.columns
        pairs = [
            f"source_id || ' ' || \"{name}\""
            for name in columns
            if "source_id" in columns and name.endswith("release_id")
        ]
        keys = f"[{', '.join(pairs)}]" if pairs else "[]::varchar[]"
        texts = [f'"{name}"::varchar' for name, kind in columns.items() if "VARCHAR" in kind]
        if texts and not columns.keys() >= _RELEASE_KEY:
            named = f"(?:^|[^A-Za-z0-9_])((?:{sources})[ /][A-Za-z0-9][A-Za-z0-9._-]*)"
            found = f"regexp_extract_all(concat_ws(chr(10), {', '.join(texts)}), {_text(named)}, 1)"
            # Remove the full stop after a name at the end of a sentence.
            clean = "rtrim(replace(name, '/', ' '), '.')"
            keys = f"{keys} || list_transform({found}, lambda name: {clean})"
        if self.cited:
            behind = f"from (select unnest({self.cited}) as id) inner join cited using (id)"
            keys = f"list_concat({keys}, (select list(distinct release_key) {behind}))"
        return keys

    @property
    def cited(self) -> str:
        """SQL for the list of raw-row ids that a row cites. Empty if the row cites none."""
        if self.columns.keys() >= _RELEASE_KEY:
            return ""
        lists = [f'"{name}"' for name, kind in self.columns.items() if kind == "BIGINT[]"]
        single = [
            f'"{name}"'
            for name, kind in self.columns.items()
            if kind == "BIGINT" and name.endswith(("reference_id", "observation_id"))
        ]
        lists += [f"[{', '.join(single)}]"] if single else []
        return f"list_concat({', '.join(lists)})" if lists else ""


def write_exports(
    build: Path, folder: Path, snapshot_files: str, metadata: Mapping[str, str]
) -> None:
    """Write every mart as Parquet into an existing folder, with a file of licences.

    Rows based on a release that may not be republished are left out. `meta.keys` of the build has
    the key of each mart. `snapshot_files` is an SQL text: the path of the Parquet files that list
    the files of all releases.
    """
    left_out: defaultdict[_Licence, Counter[str]] = defaultdict(Counter)
    connection = open_file(build, read_only=True)
    try:
        marts = _marts(connection)
        terms = _terms(connection, marts, snapshot_files)
        _list_cited(connection, marts)
        sources = "|".join(sorted({re.escape(source) for source, _ in terms}))
        withheld = {_key(*one) for one, licence in terms.items() if not licence.is_redistributable}
        for mart in marts:
            named = mart.named(sources)
            kept, rows_withheld = set[str](), 0
            for keys, rows in connection.execute(
                f"select {named} as named, count(*) from {mart.relation} group by named"
            ).fetchall():
                if mart.lists_releases or withheld.isdisjoint(keys):
                    kept.update(keys)
                    continue
                rows_withheld += rows
                for licence in {terms[one] for one in terms if _key(*one) in withheld & {*keys}}:
                    left_out[licence][mart.name] += rows
            about = {
                **metadata,
                "table_name": mart.name,
                "licences": _licences({one: terms[one] for one in terms if _key(*one) in kept}),
                "rows_withheld": str(rows_withheld),
            }
            pairs = ", ".join(f"{name}: {_text(value)}" for name, value in about.items())
            without = ", ".join(_text(key) for key in sorted(withheld))
            condition = f"where not list_has_any({named}, [{without}])" if rows_withheld else ""
            connection.execute(
                f"copy (from {mart.relation} {condition}) to"
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
    """List the release of each raw row and observation that the rows of marts cite."""
    # The first query sets the types, so that marts without ids give two empty tables.
    ids = [
        "select null::bigint as id where false",
        *(
            f"select unnest({mart.cited}) as id from {mart.relation}"
            for mart in marts
            if mart.cited
        ),
    ]
    connection.execute(
        f"create temp table ids as select distinct id from ({' union all '.join(ids)})"
    )
    named = [
        "select null::bigint as id, null::varchar as release_key where false",
        *(
            f"select {column} as id, source_id || ' ' || release_id as release_key"
            f" from {mart.relation}"
            for mart in marts
            if mart.columns.keys() >= _RAW_ROW
            for column in ("reference_id", "observation_id")
        ),
    ]
    connection.execute(
        "create temp table cited as select distinct id, release_key"
        f" from ({' union all '.join(named)}) semi join ids using (id)"
    )


def _terms(
    connection: duckdb.DuckDBPyConnection, marts: list[_Mart], snapshot_files: str
) -> _Terms:
    """The terms of every release that a row may name.

    A release may be redistributed if both its sidecar and its source allow it. A publisher known
    only from quotations has no sidecar. Its releases follow the terms of the source and of the file
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
    header = ("source_id", "licence", "is_redistributable", "releases", "address", "rows_withheld")
    rows = (
        (
            licence.source_id,
            licence.text,
            "true" if licence.is_redistributable else "false",
            " ".join(releases),
            licence.address or "",
            " ".join(
                f"{table}={rows}" for table, rows in sorted(left_out.get(licence, {}).items())
            ),
        )
        for licence, releases in _by_licence(terms).items()
    )
    with file.open("w", encoding="utf-8", newline="") as handle:
        write_csv(header, rows, handle)


def _key(source: str, release: str) -> str:
    return f"{source} {release}"


def _text(value: str) -> str:
    """Quote a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"
