"""Records builds from the command line in the project's run history.

It is the history that `make dev` shows; sensors and freshness policies read it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import dagster as dg

# No public name exists for these. They are needed until a release of Dagster keeps the files of its
# event log open (1.13 does not) and lets one process log differently from its `dagster.yaml`.
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from dagster_project.defs.dbt import DBT_MODELS
from dagster_project.settings import Settings

# Another process may be writing to the same file.
_BUSY_SECONDS = 20


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's own event log, opening each file once instead of once per event.

    SQLite writes its whole log of changes back when the last connection to a file closes: a build
    of 1,700 events wrote 430 MB and spent more time on it than on all else in Dagster. Each event
    is still committed at once. Only a power cut may lose the last ones, and the build with them.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._open: dict[str, Connection] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "OpenEventLog":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._db_lock:
            if shard not in self._open:
                engine = create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=NullPool,
                    connect_args={"timeout": _BUSY_SECONDS},
                )
                self._initdb(engine)
                self._open[shard] = engine.connect()
                self._open[shard].exec_driver_sql("pragma synchronous = normal")
                self._open[shard].commit()
            with self._open[shard].begin():
                yield self._open[shard]

    def dispose(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()
        super().dispose()


@contextmanager
def open_instance(settings: Settings) -> Generator[dg.DagsterInstance]:
    """The project's instance, with an open event log and without capture of the terminal.

    The default compute log manager would redirect stdout and stderr of this process in each step.
    """
    reference = InstanceRef.from_dir(
        str(settings.dagster_home),
        overrides={
            "compute_logs": {
                "module": "dagster._core.storage.noop_compute_log_manager",
                "class": "NoOpComputeLogManager",
                "config": {},
            },
            "event_log_storage": {
                "module": OpenEventLog.__module__,
                "class": OpenEventLog.__name__,
                "config": {"base_dir": str(settings.dagster_home / "history" / "runs")},
            },
        },
    )
    with dg.DagsterInstance.from_ref(reference) as instance:
        yield instance


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
