"""Take from this process, for good, the right to change anything outside one folder.

On Linux, Landlock does it: https://docs.kernel.org/userspace-api/landlock.html. Where it is missing
(another system, a kernel before 5.13), the process may not make any file longer, which stops new
content, and nothing else is enforced.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

# The system calls have these numbers on all architectures but one (alpha).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RETURN_VERSION = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVILEGES, _SET_PARENT_DEATH_SIGNAL = 38, 1

# Rights on files, in the order of their bits; each came with a version of the interface.
_RIGHTS = (
    *(("execute", 1), ("write_file", 1), ("read_file", 1), ("read_dir", 1), ("remove_dir", 1)),
    *(("remove_file", 1), ("make_char", 1), ("make_dir", 1), ("make_reg", 1), ("make_sock", 1)),
    *(("make_fifo", 1), ("make_block", 1), ("make_sym", 1), ("refer", 2), ("truncate", 3)),
    ("ioctl_dev", 5),
)
_BIT = {name: 1 << place for place, (name, _) in enumerate(_RIGHTS)}
_READ_FILE = _BIT["read_file"]
_READ = _READ_FILE | _BIT["read_dir"]
_TEMPORARY = _READ | sum(
    _BIT[name] for name in ("write_file", "make_reg", "make_dir", "remove_file", "remove_dir")
)
# Binding and connecting TCP sockets; sockets and signals of other processes.
_NETWORK, _NETWORK_SINCE = 0b11, 4
_OTHER_PROCESSES, _OTHER_PROCESSES_SINCE = 0b11, 6

# Room for the interpreter, the engine's own structures and the stacks of its threads.
_ROOM, _ROOM_OF_A_THREAD = 1 << 30, 16 << 20


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_files", ctypes.c_uint64),
        ("handled_network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def landlock_version() -> int:
    """The version of Landlock that the kernel offers; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _RETURN_VERSION), 0)


def confine(readable: Iterable[Path], temporary: Path | None, temporary_bytes: int) -> None:
    """Let this process and the threads it starts later read some paths and write one folder.

    It may not execute, connect, or signal other processes. Files that are open stay open. Without
    Landlock, `temporary` has to be None.

    Raises:
        OSError: the kernel offers Landlock and refuses a rule.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    allowed = temporary_bytes if temporary is not None else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, allowed))
    version = landlock_version()
    if version == 0:
        return
    handled = sum(_BIT[name] for name, since in _RIGHTS if since <= version)
    rules = _Ruleset(
        handled,
        _NETWORK if version >= _NETWORK_SINCE else 0,
        _OTHER_PROCESSES if version >= _OTHER_PROCESSES_SINCE else 0,
    )
    # An older kernel knows only the first fields.
    fields = 3 if rules.scoped else 2 if rules.handled_network else 1
    ruleset = _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(8 * fields), 0)
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        if temporary is not None:
            _allow(ruleset, temporary, (_TEMPORARY | _BIT["truncate"]) & handled)
        if _libc().prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs is refused")
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def limit_memory(engine_bytes: int) -> None:
    """Bound the memory of this process: what it has, what the engine may use, and some room.

    The engine's own limit does not count every allocation. Only Linux enforces this one.
    """
    if not sys.platform.startswith("linux"):
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    room = _ROOM + _ROOM_OF_A_THREAD * (os.cpu_count() or 1)
    most = pages * resource.getpagesize() + engine_bytes + room
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def end_with_parent(parent: int) -> None:
    """End this process when its parent ends, however that happens; Linux only."""
    if sys.platform.startswith("linux"):
        _libc().prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Add a rule for a path and all below it; one that does not exist needs none."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            rights &= _READ_FILE
        rule = _Beneath(rights, opened)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    result = _libc().syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
