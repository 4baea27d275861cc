"""Folders that appear whole: written under another name, then taken by a link in one step."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from pathlib import Path

_DIGITS = 16


class ReplaceRefused(RuntimeError):
    """What stands at the name was not put there by a swap."""


def replace_link(folder: Path, link: Path) -> None:
    """Let `link` lead to `folder`, which stands beside it under the name of the link and a suffix.

    Whoever follows the link gets the folder of before or the new one, each of them whole. The
    one of before stays for those who are reading it; those before it are removed.

    Raises:
        SwapRefused: something else stands at the name of the link.
    """
    require_managed_link(link)
    before = link.resolve() if link.is_symlink() else None
    temporary = link.with_name(f".{link.name}.{uuid.uuid4().hex[:8]}.tmp")
    temporary.symlink_to(folder.name)
    temporary.replace(link)
    fsync(link.parent)
    for other in link.parent.iterdir():
        # Nothing but what this made: a neighbour may have a name that begins like it.
        if _is_of(link, other) and other.is_dir() and other not in {folder.resolve(), before}:
            shutil.rmtree(other, ignore_errors=True)


def require_managed_link(link: Path) -> None:
    """Leave alone what was not put there by a swap.

    Raises:
        SwapRefused: a file, a folder, or a link to somewhere else has the name.
    """
    if link.is_symlink():
        target = link.readlink()
        is_ours = target.parent == Path() and _is_of(link, target)
    else:
        is_ours = not link.exists()
    if not is_ours:
        raise ReplaceRefused(
            f"{link} stands where a link to a folder made here is to stand; move it away and run"
            " this again."
        )


def points_to(link: Path, folder: Path) -> bool:
    """Whether a reader who follows the link gets to the folder."""
    return link.is_symlink() and link.resolve() == folder.resolve()


def beside(link: Path, digest: str) -> Path:
    """The folder that holds the content of this digest, beside the link that leads to it."""
    return link.with_name(f"{link.name}.{digest[:_DIGITS]}")


def _is_of(link: Path, folder: Path) -> bool:
    prefix = f"{link.name}."
    return folder.name.startswith(prefix) and bool(
        re.fullmatch(rf"[0-9a-f]{{{_DIGITS}}}", folder.name.removeprefix(prefix))
    )


def fsync(path: Path) -> None:
    """Have a file or folder on disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
