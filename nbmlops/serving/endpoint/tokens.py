"""The token of an endpoint: in a file that only its owner may read, or in the environment, never on a command line."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import stat
from pathlib import Path

from nbmlops.core.errors import InvalidError, RefusedError

__all__ = ["VARIABLE", "Token", "make"]

VARIABLE = "NBMLOPS_SERVE_TOKEN"
"""The environment variable that holds a token, in place of a file."""
_SHORTEST = 16


def make(path: Path) -> str | None:
    """Write a new token to a file, unless one is there; gives the new one, to be said once.

    Raises
    ------
    RefusedError
        When the file may be read by others.
    InvalidError
        When what is in it is too short for a token.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        Token(path).read()
        return None
    with os.fdopen(number, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


class Token:
    """Knows a token, and notices when the file has another.

    Parameters
    ----------
    path : Path, optional
        The file; the environment by default.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._value = b""

    def read(self) -> None:
        """Read it, again if it was read before.

        Raises
        ------
        RefusedError, InvalidError
            See `make`.
        """
        if self._path is None:
            value = os.environ.get(VARIABLE, "")
        else:
            try:
                mode = self._path.stat().st_mode
                value = self._path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise InvalidError(f"the token in {self._path} cannot be read: {error}") from None
            if stat.S_IMODE(mode) & 0o077:
                raise RefusedError(
                    f"{self._path} holds a token, and others may read it", hint=f"chmod 600 {self._path}"
                )
        if len(value) < _SHORTEST or not value.isascii():
            where = self._path or f"the variable {VARIABLE}"
            raise InvalidError(f"{where} holds no token: at least {_SHORTEST} ASCII characters are one")
        self._value = value.encode()

    def fits(self, authorization: bytes) -> bool:
        """Whether a header ``Authorization`` carries it: as a bearer token, or as the password of a browser."""
        scheme, _, given = authorization.partition(b" ")
        if scheme.lower() == b"basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except binascii.Error:
                return False
        elif scheme.lower() != b"bearer":
            return False
        return bool(self._value) and hmac.compare_digest(given.strip(), self._value)
