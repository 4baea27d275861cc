"""Resources that assets use at run time; the settings of the code location are another."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import dagster as dg

from dagster_project.publish.build_dir import BuildDir, open_build_dir
from dagster_project.publish.fingerprint import code_version, input_hash

# One pool limits builds (`.dagster/dagster.yaml` sets the limit). Each build has its own file, so
# the pool only saves memory and cores.
BUILD_POOL = "warehouse_build"

Stage = Literal["raw", "models", "publish"]


@dataclass(frozen=True)
class BuildEvent:
    """A step of a build has ended or advanced; `done` of `total` of its stage are done."""

    stage: Stage
    name: str
    status: str
    done: int
    total: int


class BuildProgress:
    """Reports the progress of a build to a callback; by default to none."""

    def __init__(self, on_event: Callable[[BuildEvent], None] = lambda event: None) -> None:
        self._on_event = on_event
        self._done: Counter[Stage] = Counter()

    def update(self, stage: Stage, name: str, status: str, total: int) -> None:
        self._on_event(BuildEvent(stage, name, status, self._done[stage], total))

    def ended(self, stage: Stage, name: str, status: str, total: int) -> None:
        self._done[stage] += 1
        self._on_event(BuildEvent(stage, name, status, self._done[stage], total))


@dg.resource(
    required_resource_keys={"settings"},
    description="The folder of this build, locked until the run ends.",
)
def build_dir(context: dg.InitResourceContext) -> Iterator[BuildDir]:
    run = context.run
    if run is None:
        raise dg.DagsterInvariantViolationError("A build folder belongs to a run.")
    settings = context.resources.settings
    # A retry resumes in the folder of the run it retries.
    with open_build_dir(
        settings,
        run.root_run_id or run.run_id,
        input_hash=input_hash(settings),
        code_version=code_version(settings),
    ) as folder:
        yield folder
