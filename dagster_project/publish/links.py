"""Replace folders atomically: write under another name, then repoint a symbolic link."""

from __future__ import annotations

import re
import shutil
import uuid
from pathlib import Path

from dagster_project.disk import fsync

_DIGITS = 16


class ReplaceRefused(RuntimeError):
    """The name of the link is in use by something that this module did not create."""


def replace_link(folder: Path, link: Path) -> None:
    """Point `link` to `folder`, which is beside it and named after the link, with a suffix.

    A reader who follows the link gets the previous folder or the new one, never a part of one.
    The previous folder stays for its current readers; older ones are removed.

    Raises:
        ReplaceRefused: something else has the name of the link.
    """
    require_managed_link(link)
    before = link.resolve() if link.is_symlink() else None
    point(link, Path(folder.name))
    for other in _folders_of(link):
        if other not in {folder.resolve(), before}:
            shutil.rmtree(other, ignore_errors=True)


def point(link: Path, target: Path) -> None:
    """Make a link, in place of whatever file or link has its name."""
    temporary = link.with_name(f".{link.name}.{uuid.uuid4().hex[:8]}.tmp")
    temporary.symlink_to(target)
    temporary.replace(link)
    fsync(link.parent)


def require_managed_link(link: Path, within: Path | None = None) -> None:
    """Refuse to replace what this module did not create.

    A link may also lead to its own name in the folder `within`.

    Raises:
        ReplaceRefused: a file, a folder, or a link to somewhere else has the name.
    """
    if link.is_symlink():
        target = link.readlink()
        is_ours = target.parent == Path() and _is_of(link, target)
        is_ours |= within is not None and target == within / link.name
    else:
        is_ours = not link.exists()
    if not is_ours:
        raise ReplaceRefused(
            f"{link} exists and is not a link made by Bilateral; move it away and run this again."
        )


def remove_folders_of(link: Path) -> None:
    """Remove all folders named after a link, which no longer leads to any of them."""
    for folder in _folders_of(link):
        shutil.rmtree(folder, ignore_errors=True)


def remove_unlinked(link: Path) -> None:
    """Remove folders that a killed process completed but did not point the link to."""
    pointed = link.lstat().st_mtime_ns if link.is_symlink() else 0
    for folder in _folders_of(link):
        if folder.stat().st_mtime_ns > pointed:
            shutil.rmtree(folder, ignore_errors=True)


def _folders_of(link: Path) -> list[Path]:
    """The folders named after a link: only our own, since another name may start the same way."""
    return [one for one in link.parent.iterdir() if _is_of(link, one) and one.is_dir()]


def points_to(link: Path, folder: Path) -> bool:
    """Whether the link points to the folder."""
    return link.is_symlink() and link.resolve() == folder.resolve()


def beside(link: Path, digest: str) -> Path:
    """The folder for content with this digest, beside the link to it."""
    return link.with_name(f"{link.name}.{digest[:_DIGITS]}")


def _is_of(link: Path, folder: Path) -> bool:
    prefix = f"{link.name}."
    return folder.name.startswith(prefix) and bool(
        re.fullmatch(rf"[0-9a-f]{{{_DIGITS}}}", folder.name.removeprefix(prefix))
    )
