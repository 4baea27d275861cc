"""Serves Dagster's web interface behind the guard, to this machine only.

`dg dev` starts Dagster's own web server, which answers to any host name, as a process that cannot
be changed; so the same application is served from here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn
from dagster import DagsterInstance

# No public name exists for these. They are needed until a release of Dagster lets its web server
# check hosts and origins, or take a middleware.
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from dagster_project.settings import PROJECT_ROOT
from dagster_project.ui.guard import LOOPBACK, Guard, loopback_hosts

WORKSPACE = PROJECT_ROOT / "workspace.yaml"


def serve(port: int, workspace: Path) -> None:
    """Serve until the process is told to stop."""
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance,
            WorkspaceFileTarget(paths=[str(workspace)]),
            version=__version__,
        ) as context,
    ):
        app = create_app_from_workspace_process_context(context)
        uvicorn.run(Guard(app, loopback_hosts(port)), host=LOOPBACK, port=port, log_level="warning")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--workspace", type=Path, default=WORKSPACE)
    arguments = parser.parse_args()
    serve(arguments.port, arguments.workspace)
