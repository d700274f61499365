"""Secrets at rest: sealed with the newest key, opened with any of them, so that keys can be rotated."""

import json
from collections.abc import Sequence
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.errors import SetupError

_HOW: Final = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


class Sealer:
    """Seals JSON for one owner; what was sealed for another does not open."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise SetupError(
                f"VOCERO_SECRET_KEYS is not set: tokens are stored encrypted only; make a key with {_HOW}."
            )
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise SetupError(f"VOCERO_SECRET_KEYS holds what is no Fernet key: make one with {_HOW}.") from error

    def seal(self, owner: str, secret: dict[str, Any]) -> bytes:
        """Return the secret, unreadable without a key."""
        return self._fernet.encrypt(json.dumps({"owner": owner, "secret": secret}).encode())

    def open(self, owner: str, sealed: bytes) -> dict[str, Any]:
        """Return the secret. SetupError when no key opens it, or it was sealed for another owner."""
        try:
            kept = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise SetupError(
                f"No key of VOCERO_SECRET_KEYS opens the token of {owner}: add the old key, or install again."
            ) from error
        if kept["owner"] != owner:
            raise SetupError(f"The stored token of {owner} belongs to another workspace: install again.")
        secret: dict[str, Any] = kept["secret"]
        return secret

    def renew(self, sealed: bytes) -> bytes:
        """Return the same secret under the newest key."""
        return self._fernet.rotate(sealed)
