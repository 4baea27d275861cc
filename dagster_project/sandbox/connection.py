"""The published warehouse, opened for a user's query, and what the engine's errors mean to them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import duckdb

from dagster_project.query_policy import NotAllowed, Policy
from dagster_project.settings import Settings
from dagster_project.warehouse import CATALOG, QueryRefused, connect_published, first_line


class Sandbox:
    """A locked connection to the published warehouse, and the policy of its queries.

    Use as a context manager.
    """

    def __init__(self, settings: Settings, options: Mapping[str, str] | None = None) -> None:
        """Open the published warehouse.

        Queries cannot spill to disk, unless `options`, which are settings of the engine, name a
        `temp_directory`.

        Raises:
            WarehouseMissing: nothing has been published under this data home.
            WarehouseRefused: a view or macro of it does more than read.
        """
        self._connection = connect_published(settings, {"temp_directory": "", **(options or {})})
        self._policy = Policy(self._connection)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._policy.close()
        self._connection.close()

    def execute(self, query: str) -> duckdb.DuckDBPyConnection:
        """Run a user's query; the connection then has the result.

        Raises:
            QueryRefused: the text is empty, does not parse, names something unknown, or is more
                than one select.
        """
        with self.refusals():
            self._policy.check(query)
            return self._connection.execute(query)

    @contextmanager
    def refusals(self) -> Generator[None]:
        """Turn the errors of running a query, and of fetching its rows, into `QueryRefused`."""
        try:
            yield
        except NotAllowed as error:
            raise QueryRefused(str(error)) from error
        except duckdb.PermissionException as error:
            raise QueryRefused(
                self._moved(error)
                or f"{first_line(error)}. Only the tables of the warehouse can be read here; "
                "`show all tables` lists them."
            ) from error
        except duckdb.IOException as error:
            raise QueryRefused(self._moved(error) or str(error)) from error
        except duckdb.OutOfMemoryException as error:
            raise QueryRefused(
                f"{first_line(error)}. Select fewer rows or columns, or allow more with --memory"
                " or --temp-space."
            ) from error
        except (duckdb.InternalException, duckdb.FatalException) as error:
            # The rest is a stack trace.
            raise QueryRefused(f"{first_line(error)}. Write the query in another way.") from error
        except duckdb.Error as error:
            raise QueryRefused(str(error)) from error

    def _moved(self, error: duckdb.Error) -> str | None:
        """What to do if an error names a file of a view, which the connection may read."""
        for kind, files in _FILES_OF_VIEWS.items():
            try:
                row = self._connection.execute(
                    f"select bool_or(contains(?, file)) from ({files}) where file <> ''",
                    [str(error)],
                ).fetchone()
            except duckdb.Error:
                continue
            if row is not None and row[0]:
                return (
                    f"{kind} have moved since the warehouse was published ({first_line(error)})."
                    " Run `bilateral build` to write them again."
                )
        return None


# The files that views read, with the name of their kind.
_FILES_OF_VIEWS = {
    "The files of world trade": f"select file from {CATALOG}.by_year.files",
    "The raw rows": "select regexp_extract(sql, 'read_parquet\\(''([^''*]+)/', 1) as file"
    f" from duckdb_views() where database_name = '{CATALOG}'",
}
