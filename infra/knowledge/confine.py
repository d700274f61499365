"""What a process that reads strangers' files may use, and how it gives up everything else."""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass

from core.budgets import PARSE_CPU, PARSE_MEMORY, PARSE_WALL

OPEN_FILES = 64  # libraries are still being imported
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


@dataclass(frozen=True, slots=True)
class Limits:
    """For one document: seconds of wall time, seconds of CPU, bytes of address space."""

    wall: float = PARSE_WALL
    cpu: float = PARSE_CPU
    memory: int = PARSE_MEMORY


def confine(memory: int) -> None:
    """Give up files, network, privileges and memory above `memory` bytes, for this process and its children."""
    _leave_network()
    die_with(os.getppid())  # elsewhere than on Linux, the end of standard input says so
    _linux_call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _limit(resource.RLIMIT_AS, memory)  # macOS ignores it: there only the CPU and wall limits hold
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)


def limit_time(limits: Limits) -> None:
    """End this process by signal when its wall or CPU time is over; both counts begin at a fork."""
    seconds = max(1, round(limits.cpu))
    _limit(resource.RLIMIT_CPU, seconds, seconds + 1)  # equal limits would skip SIGXCPU and kill without a reason
    signal.setitimer(signal.ITIMER_REAL, limits.wall)


def die_with(parent: int) -> None:
    """Ask Linux for SIGKILL when the parent ends; if it ended already, end now."""
    _linux_call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _leave_network() -> None:
    """Move to a network of nobody, where the kernel lets us (not in most containers: the rest still holds)."""
    # An ordinary user needs a namespace of users first; for root that would cost access to its own files.
    _linux_call("unshare", CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET)


def _linux_call(name: str, *numbers: int) -> None:
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), name)(*numbers)


def _limit(what: int, most: int, hardest: int | None = None) -> None:
    with suppress(ValueError, OSError):  # a stricter limit is already set, or the system has none
        resource.setrlimit(what, (most, most if hardest is None else hardest))
