"""The companion file `<name>.json`, which states facts about the file beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.sources.inbox.outcomes import InboxError
from dagster_project.sources.parsing import closest

STATED: Mapping[str, type] = {
    "table": str,
    "layout": str,
    "known_from": str,
    "release_id": str,
    "licence": str,
    "redistributable": bool,
    "address": str,
}

COMPANION = ".json"
_LARGEST_COMPANION = 64 * 1024
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_companion(path: Path) -> bool:
    beside = path.with_name(path.name.removesuffix(COMPANION))
    return beside != path and (beside.is_file() or beside.is_symlink())


def is_companion_alone(path: Path) -> bool:
    """Whether a companion's file has not arrived yet."""
    if path.suffix != COMPANION or is_companion(path) or path.is_symlink():
        return False
    try:
        if path.stat().st_size > _LARGEST_COMPANION:
            return False
        stated = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(stated, dict) and bool(stated) and stated.keys() <= STATED.keys()


def read_companion(path: Path) -> Mapping[str, Any]:
    """What the companion states about a file; empty without a companion.

    Raises:
        InboxError: not JSON, or what `checked` refuses.
    """
    companion = path.with_name(path.name + COMPANION)
    if not companion.is_file():
        return {}
    where = f"{companion.name} beside it"
    try:
        stated = json.loads(companion.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InboxError(f"{where} cannot be read as JSON ({error}). Correct it.") from error
    if not isinstance(stated, dict):
        raise InboxError(f"{where} must be a JSON object with some of {', '.join(STATED)}.")
    return checked(stated, where)


def checked(stated: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The stated fields, checked, with the day as a date.

    Raises:
        InboxError: an unknown field, or a value that cannot be used.
    """
    found = dict(stated)
    for field, value in found.items():
        if field not in STATED:
            raise InboxError(f"{where} states {field!r}: {closest(field, STATED)}")
        if not isinstance(value, STATED[field]) or value == "":
            kind = "true or false" if STATED[field] is bool else "a text"
            raise InboxError(f"{where}: {field} must be {kind}.")
    if "known_from" in found:
        try:
            found["known_from"] = date.fromisoformat(found["known_from"])
        except ValueError as error:
            raise InboxError(
                f"{where}: known_from is {stated['known_from']!r}; write a day, YYYY-MM-DD."
            ) from error
    if not _PLAIN_NAME.fullmatch(found.get("release_id", "x")):
        raise InboxError(f"{where}: release_id must be letters, digits, '.', '_' and '-'.")
    return found
