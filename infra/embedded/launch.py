"""Become a server: end with the parent, drop root, then exec. Started by path, imports nothing of ours.

    python -I -S launch.py PARENT SIGNAL UID GID PROGRAM [ARGUMENT ...]      (UID -1: stay who we are)

A separate program and not a `preexec_fn`, because Python must not run between fork and exec of a threaded parent.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 28, 47, 2
# Without it access(2), by which PostgreSQL looks for its own programs, takes no notice of capabilities.
SECBIT_NO_SETUID_FIXUP = 4
CAPABILITIES_V3 = 0x20080522
# Reading and traversing is enough, but Docker's default set holds only the wider one.
CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE = 2, 1


def main(parent: int, signal: int, uid: int, gid: int, command: list[str]) -> None:
    """Never returns."""
    os.umask(0o077)
    libc = ctypes.CDLL(None, use_errno=True)
    if uid >= 0:
        _become(libc, uid, gid)
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)  # after the change of user, which clears it
    if os.getppid() != parent:  # it died before it could be watched
        os._exit(1)
    os.execv(command[0], command)  # noqa: S606


def _become(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Give up root, but for one capability: to reach programs and data below folders such as /root (0700)."""
    linux = sys.platform == "linux"
    if linux:
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setregid(gid, gid)
    os.setreuid(uid, uid)
    if linux:
        for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
            if _keep_only(libc, capability):
                return
        _keep_only(libc, None)


def _keep_only(libc: ctypes.CDLL, capability: int | None) -> bool:
    """Reduce this process to one capability that survives exec; False where it is not to be had."""
    bits = 0 if capability is None else 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0)
    sets = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)  # effective, permitted, inheritable: low words, then high
    if libc.capset(header, sets) != 0:
        return False
    return capability is None or libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:5]), sys.argv[5:])  # type: ignore[call-arg, arg-type]
