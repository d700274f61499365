"""What can be wrong with the embedded servers, as sentences with their remedy."""

import errno
from pathlib import Path

from core.errors import UnavailableError


class EmbeddedError(UnavailableError):
    """An embedded server cannot run; the message is one sentence with the remedy."""


class AbsentError(EmbeddedError):
    """An optional server has no program here; the bot runs without it and says so."""


def unusable(path: Path, error: OSError) -> EmbeddedError:
    """Turn an operating system's refusal under VOCERO_HOME into a sentence with the remedy."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return EmbeddedError(f"no space left for {path}: free some, or set VOCERO_HOME to a folder on another disk")
        case errno.EROFS:
            return EmbeddedError(f"{path} is on a read-only disk: set VOCERO_HOME to a folder that can be written")
        case errno.EACCES | errno.EPERM:
            return EmbeddedError(f"{path} may not be written by this user: set VOCERO_HOME to a folder of your own")
        case errno.ENOTDIR | errno.EEXIST:
            return EmbeddedError(f"{path} is in the way, or something above it is no folder: set VOCERO_HOME elsewhere")
        case errno.ENAMETOOLONG:
            return EmbeddedError(f"{path} is too long a name: set VOCERO_HOME to a shorter one")
        case errno.ENOLCK | errno.EOPNOTSUPP:
            return EmbeddedError(f"{path} is on a disk without file locks: set VOCERO_HOME to a folder on a local disk")
    return EmbeddedError(f"{path} cannot be used ({error.strerror}): set VOCERO_HOME to another folder")
