"""Which SQL may run: one select, or an explain of one, that calls only functions that compute.

The statement and its functions are those of DuckDB's own parse. The same rule holds for the SQL
stored in a warehouse file (views, macros, generated columns), since reading a view runs it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

# A table function reads files, settings or memory unless it is one of these.
_TABLE_FUNCTIONS = frozenset(
    {
        *("generate_series", "range", "repeat", "repeat_row", "unnest"),
        *("json_each", "json_tree", "regexp_split_to_table"),
        *("duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_dependencies"),
        *("duckdb_functions", "duckdb_indexes", "duckdb_keywords", "duckdb_memory"),
        *("duckdb_schemas", "duckdb_settings", "duckdb_tables", "duckdb_types", "duckdb_views"),
        *("pragma_database_size", "pragma_show", "pragma_storage_info", "pragma_table_info"),
        *("pragma_version", "icu_calendar_names", "pg_timezone_names"),
    }
)
# Views of the warehouse read raw rows and the files of world trade, which the connection allows.
_OF_STORED_SQL = frozenset({"parquet_scan", "read_parquet"})
# Scalar functions have no side effects except these, of which some only return another value at
# each call.
_VARYING = frozenset(
    {
        *("current_connection_id", "current_query", "current_query_id", "current_transaction_id"),
        *("error", "gen_random_uuid", "random", "setseed", "stats", "uuid", "uuidv4", "uuidv7"),
    }
)
# This one plans a text as SQL, and would call functions that are not seen here.
_PLANNING = "json_serialize_plan"
# Only the optimiser may call these, which do not check their arguments.
_OF_THE_OPTIMISER = "__internal_"

_TABLE_KINDS = frozenset({"table", "table_macro", "pragma"})
_READING = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})


# Scalar functions and table functions: a name may be refused as one of them only.
_Refused = tuple[frozenset[str], frozenset[str]]
_refused_by_version: dict[str, _Refused] = {}


class NotAllowed(ValueError):
    """A statement or a function that may not run; the message says which."""


class Policy:
    """The rule for the functions of this version of DuckDB.

    It parses the SQL that it is given and runs none of it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # A cursor has its own search path, on which no function of an attached file can take the
        # place of one of DuckDB's.
        self._connection = connection.cursor()

    def close(self) -> None:
        self._connection.close()

    def check(self, text: str) -> None:
        """Accept a user's query.

        Raises:
            NotAllowed: it is not one select or an explain of one, or calls a function that does
                more than compute.
            duckdb.ParserException: it does not parse.
        """
        statements = self._statements(text)
        if any(one.type == duckdb.StatementType.EXPLAIN for one in statements):
            self.check_select(_explained(text))
        else:
            self.check_select(text)

    def check_select(self, text: str, also: frozenset[str] = frozenset()) -> None:
        """Accept one select whose functions compute, or are in `also`.

        Raises:
            NotAllowed: it is something else, or calls another function.
            duckdb.ParserException: it does not parse.
        """
        for name in sorted(self._refused_functions(text) - also):
            raise NotAllowed(
                f"The function {name} is refused: only the tables of the warehouse can be read"
                " here; `show all tables` lists them."
            )

    def check_stored(self, catalog: str) -> None:
        """Accept the SQL stored in an attached file: views, macros and generated columns.

        Raises:
            NotAllowed: one of them does more than read.
        """
        stored = self._macros(catalog)
        stored += self._connection.execute(
            "select concat_ws('.', schema_name, view_name), sql from duckdb_views()"
            " where database_name = $catalog and not internal"
            " union all select concat_ws('.', schema_name, table_name, column_name), column_default"
            " from duckdb_columns() where database_name = $catalog and column_default is not null",
            {"catalog": catalog},
        ).fetchall()
        for place, text in stored:
            # A text without the name of a refused function cannot call it, and is not parsed.
            if not self._mentioned(text or ""):
                continue
            try:
                self.check_select(_selected(text), _OF_STORED_SQL)
            except (NotAllowed, duckdb.Error) as error:
                raise NotAllowed(f"its {place} does more than read. {error}") from error

    def _statements(self, text: str) -> list[duckdb.Statement]:
        """The parts of one select or explain."""
        statements = self._connection.extract_statements(text)
        if not statements:
            raise NotAllowed("The query is empty. For example: from marts.claims")
        for statement in statements:
            # DuckDB splits a pivot on the values of a column: it creates a type of these values,
            # and selects. These parts have no text.
            is_type = statement.type == duckdb.StatementType.CREATE and not statement.query
            if statement.type not in _READING and not is_type:
                raise NotAllowed(
                    f"{statement.type.name} is refused: the warehouse is read-only here. "
                    "Write a select; to save its result, use --out."
                )
        if sum(statement.type in _READING for statement in statements) != 1:
            raise NotAllowed("Several statements are refused: write one select at a time.")
        return statements

    def _refused_functions(self, text: str) -> set[str]:
        """The functions of a select that are refused."""
        statements = self._statements(text)
        if any(one.type == duckdb.StatementType.EXPLAIN for one in statements):
            raise NotAllowed("An explain of an explain is refused.")
        if any(not one.query for one in statements):
            # DuckDB does not show the parse of such a pivot, so that any mention counts as a call.
            return self._mentioned(text)
        [(parsed,)] = self._connection.execute(
            "select json_serialize_sql(?::varchar)", [text]
        ).fetchall()
        try:
            tree = json.loads(parsed)
        except RecursionError as error:
            raise NotAllowed("The query is nested too deeply.") from error
        if tree["error"]:
            raise NotAllowed(f"Only a select can run here: {tree['error_message']}")
        scalars, tables = self._refused()
        return {
            name for name, is_table in _called(tree) if name in (tables if is_table else scalars)
        }

    def _mentioned(self, text: str) -> set[str]:
        scalars, tables = self._refused()
        return set(re.findall(r"\w+", text.lower())) & (scalars | tables)

    def _refused(self) -> _Refused:
        """The functions of the engine that are refused."""
        if duckdb.__version__ not in _refused_by_version:
            self._macros("")
        return _refused_by_version[duckdb.__version__]

    def _macros(self, catalog: str) -> list[tuple[str, str]]:
        """Name and text of the macros of an attached file.

        Listing all functions takes longer than most queries, so that this remembers those of the
        engine.
        """
        scalars, tables, macros = set(), set(), []
        for (
            found,
            schema,
            name,
            kind,
            is_internal,
            has_side_effects,
            text,
        ) in self._connection.execute(
            "select distinct database_name, schema_name, function_name, function_type,"
            " internal, coalesce(has_side_effects, false),"
            " case when not internal then macro_definition end from duckdb_functions()"
        ).fetchall():
            if not is_internal:
                if found == catalog:
                    macros.append((f"{schema}.{name}", text))
            elif kind in _TABLE_KINDS:
                if name not in _TABLE_FUNCTIONS:
                    tables.add(name)
            elif (
                (has_side_effects and name not in _VARYING)
                or name == _PLANNING
                or name.startswith(_OF_THE_OPTIMISER)
            ):
                scalars.add(name)
        _refused_by_version[duckdb.__version__] = frozenset(scalars), frozenset(tables)
        return macros


def _called(tree: Any) -> Iterator[tuple[str, bool]]:
    """The functions in DuckDB's parse of a statement, and whether each returns a table."""
    remaining = [(tree, False)]
    while remaining:
        node, is_table = remaining.pop()
        if isinstance(node, dict):
            name = node.get("function_name")
            if isinstance(name, str):
                yield name.lower(), is_table
            is_call = node.get("type") == "TABLE_FUNCTION"
            remaining.extend((value, is_call and key == "function") for key, value in node.items())
        elif isinstance(node, list):
            remaining.extend((value, False) for value in node)


def _explained(text: str) -> str:
    """The statement in an explain: what comes after the options."""
    tokens = _tokens(text)
    words = [word for word, _ in tokens]
    first = 1
    if words[1:2] == ["("] and words[2:3] in (["analyze"], ["analyse"], ["format"], ["verbose"]):
        first = words.index(")") + 1
    for option in (("analyze", "analyse"), ("verbose",)):
        if words[first : first + 1] and words[first] in option:
            first += 1
    return tokens[first][1] if first < len(tokens) else ""


def _selected(stored: str) -> str:
    """The select in the text of a view or a macro; an expression becomes one."""
    tokens = _tokens(stored)
    words = [word for word, _ in tokens]
    if words[:1] == ["create"]:
        # A view that is called "as" is quoted, quotes included.
        return tokens[words.index("as") + 1][1]
    if words[:1] and words[0] in ("select", "with", "from", "values", "pivot", "unpivot"):
        return stored
    return f"select {stored}"


def _tokens(text: str) -> list[tuple[str, str]]:
    """Each token of DuckDB's own lexer, a word in lower case, with the text from there on."""
    # Places are those of bytes.
    content = text.encode()
    found = []
    for place, _ in duckdb.tokenize(text):
        rest = content[place:].decode()
        word = re.match(r"\w+|.", rest)
        found.append((word[0].casefold() if word else "", rest))
    return found
