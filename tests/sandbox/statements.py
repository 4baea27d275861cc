"""Statements that try to write, read or break more than a query may, made from a grammar."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import duckdb

PREFIXES = (
    *("", "", "", "explain ", "explain analyze ", "explain (analyze) ", "explain (format json) "),
    *("describe ", "summarize ", "select 1; ", "; ", "/* select */ ", "-- select\n", "call "),
    *("from (", "with t as (", "select (", "pivot (", "prepare p as ", "begin; ", "copy ("),
)
_CLOSED_BY = {
    "from (": ")",
    "with t as (": ") from t",
    "select (": ")",
    "pivot (": ") on a",
    "copy (": ") to {path}",
}
_COPY_OPTIONS = (
    *("format csv", "format csv, use_tmp_file false", "format json", "format parquet"),
    *("format blob", "format blob, use_tmp_file false", "format csv, append true"),
    *("format parquet, per_thread_output true, overwrite_or_ignore true", "overwrite true"),
    *("format parquet, partition_by (a), overwrite true", "format parquet, file_size_bytes 1"),
)
_COPIED = (
    *("(select 'gone' as a)", "(select 'x'::blob as a)", "marts.figures", "(from range(3) t(a))"),
    *(
        "(pivot (select 1 as a) on a)",
        "(from {path})",
        "(select content as a from read_text({path}))",
    ),
)
_TABLE_FUNCTIONS = (
    *("read_text", "read_blob", "read_csv", "read_csv_auto", "read_json", "read_parquet", "glob"),
    *("parquet_metadata", "parquet_schema", "parquet_kv_metadata", "sniff_csv", "read_duckdb"),
    *("query", "query_table", "import_database", "json_execute_serialized_sql", "storage_info"),
)
_SETTINGS = (
    *("temp_directory", "log_query_path", "profiling_output", "profile_output", "home_directory"),
    *("secret_directory", "extension_directory", "allowed_directories", "allowed_paths"),
    *("enable_external_access", "lock_configuration", "enable_logging", "logging_storage"),
    *("enable_profiling", "http_logging_output", "file_search_path", "access_mode"),
)
_ACTIONS = (
    *("copy {copied} to {path} ({options})", "copy {copied} to {path}") * 6,
    *("copy marts.figures from {path}", "copy from database warehouse to memory"),
    *(
        "export database {path}",
        "export database {path} (format parquet)",
        "import database {path}",
    ),
    *("attach {path}", "attach {path} as other", "attach {path} as other (read_only false)"),
    *("attach or replace {path} as warehouse", "detach warehouse", "use memory", "create schema s"),
    *("create table t as select 1 as a", "create or replace view marts.figures as select 1 as a"),
    *("create table warehouse.marts.t as select 1 as a", "drop table marts.figures"),
    *("create persistent secret (type s3, key_id 'x', secret 'y')", "create temp table t (a int)"),
    *("insert into marts.figures values (1, 1, 1)", "update marts.figures set usd = 0"),
    *("delete from marts.figures", "truncate marts.figures", "alter table marts.figures drop usd"),
    *("vacuum", "checkpoint", "force checkpoint warehouse", "analyze", "commit", "rollback"),
    *("install {path}", "load {path}", "force install httpfs from {path}", "update extensions"),
    *("set {setting} = {path}", "set global {setting} = {path}", "reset {setting}"),
    *("pragma {setting} = {path}", "pragma enable_profiling", "pragma database_list"),
    *("pragma enable_profile", "pragma import_database({path})", "set variable a = {path}"),
    *("enable_logging(storage = 'file', storage_path = {path})", "truncate_duckdb_logs()"),
    *("enable_logging('QueryLog', storage = 'file', storage_config = {{'path': {path}}})",),
    *("enable_profiling(save_location = {path})", "from enable_profiling(save_location = {path})"),
    *("from enable_logging(storage = 'file', storage_path = {path})", "from pandas_scan(null)"),
    *("select write_log({path})", "select write_log('x', level := 'error')"),
    *("from {path}", "from {function}({path})", "select max(a) from {function}({path}) t(a)"),
    *("from {function}([{path}, {path}])", "from {function}('copy (select 1) to ''x'' ')"),
    *("from read_csv({path}, store_rejects = true)", "execute p", "from marts.figures limit 3"),
)


def directed(count: int, seed: int, paths: Sequence[str]) -> Iterator[str]:
    """Statements that name these paths, most of them in a place where one may be written."""
    chance = random.Random(seed)
    for _ in range(count):
        path = "'" + chance.choice(paths).replace("'", "''") + "'"
        prefix = chance.choice(PREFIXES)
        action = chance.choice(_ACTIONS) + _CLOSED_BY.get(prefix, "")
        yield prefix + action.format(
            path=path,
            copied=chance.choice(_COPIED).format(path=path),
            options=chance.choice(_COPY_OPTIONS),
            setting=chance.choice(_SETTINGS),
            function=chance.choice(_TABLE_FUNCTIONS),
        )


class Randomly:
    """Statements of every shape over all functions of the engine, with arguments of any type."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        with duckdb.connect() as connection:
            rows = connection.execute(
                "select distinct function_name, function_type, len(parameters)"
                " from duckdb_functions() where internal order by all"
            ).fetchall()
        # Operators are not called by name.
        rows = [row for row in rows if row[0].isidentifier()]
        self._tables = [(name, size) for name, kind, size in rows if "table" in kind]
        self._pragmas = [name for name, kind, _ in rows if kind == "pragma"]
        self._values = [
            (name, size) for name, kind, size in rows if kind in ("scalar", "aggregate", "macro")
        ]

    def statement(self) -> str:
        pick = self._chance.random()
        if pick < 0.05:
            return f"pragma {self._chance.choice(self._pragmas)}"
        if pick < 0.1:
            return f"call {self._call(self._tables, 1)}"
        text = self._select(3)
        if pick < 0.2:
            return self._chance.choice(("explain ", "explain analyze ", "summarize ")) + text
        return text

    def _select(self, depth: int) -> str:
        shape = self._chance.randrange(8)
        values = ", ".join(self._value(depth) for _ in range(self._chance.randint(1, 3)))
        table = self._table(depth)
        if shape == 0:
            return f"from {table}"
        if shape == 1:
            return f"select {values} from {table} group by all order by all limit 5"
        if shape == 2:
            return (
                f"with t as ({self._select(depth - 1)}) from t" if depth else f"values ({values})"
            )
        if shape == 3:
            return f"pivot (from {table}) on 1 using count(*)"
        if shape == 4:
            return f"select {values} union all by name select {values}"
        return f"select {values} from {table}"

    def _table(self, depth: int) -> str:
        shape = self._chance.randrange(6)
        if depth <= 0 or shape < 2:
            return self._chance.choice(("marts.figures", "range(3)", "duckdb_tables", "nothing"))
        if shape == 2:
            return f"({self._select(depth - 1)})"
        return self._call(self._tables, depth)

    def _value(self, depth: int) -> str:
        if depth <= 0 or self._chance.random() < 0.3:
            return self._chance.choice(_VALUES)
        call = self._call(self._values, depth)
        return f"{call} over ()" if self._chance.random() < 0.1 else call

    def _call(self, functions: Sequence[tuple[str, int]], depth: int) -> str:
        name, size = self._chance.choice(functions)
        size = max(size + self._chance.choice((0, 0, 0, 0, 1, -1)), 0)
        return f'"{name}"({", ".join(self._value(depth - 1) for _ in range(min(size, 5)))})'


_VALUES = (
    *("null", "0", "1", "-1", "7.5", "1e300", "'nan'::double", "9223372036854775807", "true"),
    *(
        "''",
        "'a'",
        "'%s%n'",
        "'/etc/passwd'",
        "'\U0001f600'",
        "repeat('ab', 1000)",
        "'\\xFF'::blob",
    ),
    *("date '2016-02-29'", "timestamptz '2016-02-29 12:00:00+01'", "interval 5 month"),
    *("time '12:00:00'", "[1, 2, null]", "['a', '']", "[]", "{'a': 1, 'b': [null]}", "map {1: 2}"),
    *(
        "uuid '00000000-0000-0000-0000-000000000000'",
        "'101'::bit",
        "1::hugeint",
        "usd",
        "generation",
    ),
    *("'{\"a\": [1, 2]}'::json", "'$.a'", "x -> x", "lambda x: x + 1", "infinity"),
)
