"""Who the servers run as: PostgreSQL refuses root, and nothing that listens should be root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import EmbeddedError
from infra.embedded.home import Home


@dataclass(frozen=True, slots=True)
class Account:
    """A user to become; ourselves when `uid` is -1."""

    uid: int = -1
    gid: int = -1

    def give(self, path: Path) -> None:
        """Make a folder this user's. Raises EmbeddedError where this root, or the disk, knows no such thing."""
        if self.uid >= 0:
            try:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            except PermissionError as error:
                raise EmbeddedError(
                    f"{path} cannot be given to an ordinary user, and servers do not run as root: start vocero as an "
                    "ordinary user, or set VOCERO_HOME to a folder on a local disk"
                ) from error


def check_name() -> None:
    """Raise EmbeddedError when initdb would refuse us: it wants its user to have a name (`docker run --user 1234`)."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedError(
            f"user {os.geteuid()} has no name in /etc/passwd, which PostgreSQL needs to make its database: "
            "start vocero as a user the system knows, or set VOCERO_DATABASE_URL"
        ) from None


def account(home: Home) -> Account:
    """Ourselves; as root the owner of the database if it is somebody else's, otherwise `nobody`. Raises EmbeddedError.

    `nobody` and not a user of our own: it exists everywhere, while useradd may be missing and would change the machine
    for good. It owns nothing others could use: VOCERO_HOME stays root's (0700), and the servers reach their folders in
    it by a capability that other processes of `nobody` lack.
    """
    if os.geteuid() != 0:
        return Account()
    data = home.postgres / "data"
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root and this machine has no user `nobody`: "
            "start vocero as an ordinary user, or set VOCERO_DATABASE_URL"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)
