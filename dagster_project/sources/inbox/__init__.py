"""The inbox: files dropped into a folder become releases, or are put aside with the reason.

Belongs here: the names that others use. Does not belong here: which files are ready
(`folder`), telling a file's layout (`recognising`), what happens to it (`taking`), when
somebody looks (`defs/sensors.py`).

No file is lost: one leaves the inbox when its bytes are in a release or all its rows are
held, and is otherwise renamed into `quarantine/`. What a second file `<name>.json` beside it
states (`stated`) stands for what would be assumed.
"""

from __future__ import annotations

from dagster_project.sources.inbox.folder import QUARANTINE, scan
from dagster_project.sources.inbox.ingest import ingest_named, ingest_ready
from dagster_project.sources.inbox.outcomes import Imported, InboxError, Quarantined

__all__ = [
    "QUARANTINE",
    "Imported",
    "InboxError",
    "Quarantined",
    "ingest_named",
    "ingest_ready",
    "scan",
]
