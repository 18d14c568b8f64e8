"""What the child process gives up before it opens a file: memory, time, disk and the network."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_MAX_FILE_BYTES = 1024 * 1024  # compiled modules may be cached; nothing else is written
_REFUSED_EVENTS = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn")
_RESERVE_BYTES = 64 * 1024 * 1024


def limit_resources(memory_bytes: int, cpu_s: int) -> None:
    """Cap address space, processor seconds and file size, and leave no core file.

    The soft memory limit lies below the hard one, so that a failure can still be reported.
    """
    _limit(resource.RLIMIT_AS, memory_bytes, memory_bytes + _RESERVE_BYTES)
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 2)
    _limit(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES, _MAX_FILE_BYTES)
    _limit(resource.RLIMIT_CORE, 0, 0)


def release_reserve() -> None:
    """Raise the memory limit to its hard value, to be able to say that memory ran out."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _limit(kind: int, soft: int, hard: int) -> None:
    _soft, allowed = resource.getrlimit(kind)
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(kind, (soft, hard))


def cut_network(may_run: Sequence[Sequence[str]] = ()) -> str:
    """Leave the network and return how: "namespace" (the kernel has none for us) or "refused".

    In both cases Python itself refuses sockets and new processes from here on.
    may_run: the beginnings of the only commands that may still be started; they inherit every limit.
    """
    isolation = "namespace" if _unshare() else "refused"
    allowed = [list(beginning) for beginning in may_run]

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if not event.startswith(_REFUSED_EVENTS):
            return
        command = arguments[1] if event == "subprocess.Popen" else None
        if isinstance(command, list) and any(command[: len(begin)] == begin for begin in allowed):
            return
        raise PermissionError(os.strerror(1) + f": {event}")

    sys.addaudithook(refuse)
    return isolation


def _unshare() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))
