"""The inbox: files dropped into a folder become releases, or are quarantined with the reason.

Belongs here: the public names. Does not belong here: what is stated about files (`folder`), when
their writers are done (`readiness`), which process reads them (`reader`), how a layout is detected
and a file imported (`ingest`), when the folder is scanned (`defs/sensors.py`).

No file is lost: one leaves the inbox when its bytes are in a release or all its rows are in the
warehouse, and is otherwise moved to `quarantine/`. A second file `<name>.json` beside it
overrides the assumptions about it.
"""

from __future__ import annotations

from dagster_project.sources.inbox.folder import (
    QUARANTINE,
    Imported,
    InboxError,
    Quarantined,
    scan,
)
from dagster_project.sources.inbox.ingest import ingest_named, ingest_ready

__all__ = [
    "QUARANTINE",
    "Imported",
    "InboxError",
    "Quarantined",
    "ingest_named",
    "ingest_ready",
    "scan",
]
