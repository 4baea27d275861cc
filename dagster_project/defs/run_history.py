"""Records builds from the command line in the project's run history.

It is the history that `make dev` shows; sensors and freshness policies read it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sql import create_engine
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from dagster_project.defs.dbt import DBT_MODELS


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's own event log, opening each file once instead of once per event.

    SQLite writes its whole log of changes back when the last connection to a file closes: a build
    of 1,700 events wrote 430 MB and spent more time on it than on all else in Dagster. Each event
    is still committed at once.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._open: dict[str, Connection] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "OpenEventLog":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._db_lock:
            if shard not in self._open:
                engine = create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=NullPool,
                    connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
                )
                self._initdb(engine)
                self._open[shard] = engine.connect()
            with self._open[shard].begin():
                yield self._open[shard]

    def dispose(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        super().dispose()


def without_checks_of_models(job: dg.JobDefinition) -> dg.JobDefinition:
    """The same job without dbt tests as asset checks.

    dbt still runs the tests, and nothing is published unless all of them pass.
    """
    layer = job.asset_layer
    checks = {
        key
        for data in layer.data
        if data.assets_def.op.name != DBT_MODELS
        for key in data.assets_def.check_keys
    }
    return job.get_subset(asset_selection=layer.selected_asset_keys, asset_check_selection=checks)
