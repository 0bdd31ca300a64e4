"""What it means that a database refused something, or said nothing any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from nbmlops.core.errors import InvalidError, UnavailableError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["BrokenError", "BusyError", "explained"]

_BUSY = ("database is locked", "database table is locked", "database schema is locked")
# https://www.postgresql.org/docs/current/errcodes-appendix.html
# Serialization, deadlock, lock timeout, too many clients.
_BUSY_STATES = frozenset({"40001", "40P01", "55P03", "53300"})
# Shut down by an administrator or after a crash, starting up; and all of the class 08.
_RESTART_STATES = frozenset({"57P01", "57P02", "57P03"})


class BusyError(Exception):
    """Another writer holds the catalog; the whole transaction may be tried again."""


class BrokenError(Exception):
    """The connection is gone, or none could be made; `told` says so to a person.

    `was_open` tells that there was one: then the server may be back soon.
    """

    def __init__(self, told: UnavailableError, *, was_open: bool) -> None:
        super().__init__(told.message)
        self.told = told
        self.was_open = was_open


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turn the errors of a database into ours; what its rules refuse (IntegrityError) passes."""
    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeoutError as error:
        raise BusyError("all connections of this process are in use") from error
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"a text holds half of a character, {error.object[error.start : error.end]!r}, which no database keeps"
        ) from error
    except (DBAPIError, sqlite3.Error) as error:
        said = str(getattr(error, "orig", error)).strip()
        if url.get_backend_name() == "sqlite":
            if any(word in said for word in _BUSY):
                raise BusyError(said) from error
            raise _of_sqlite(_shown(url), said) from error
        raise _of_postgresql(_shown(url), said, error) from error


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _of_sqlite(shown: str, said: str) -> UnavailableError:
    if "disk is full" in said:
        return UnavailableError(f"the disk of the catalog {shown} is full", hint="free some space, then try again")
    if "readonly" in said or "unable to open" in said:
        return UnavailableError(f"the catalog {shown} cannot be written: {said}", hint="check its permissions")
    if "malformed" in said or "not a database" in said:
        return UnavailableError(f"the catalog {shown} is damaged: {said}", hint="restore it from a backup")
    return UnavailableError(f"the catalog {shown} failed: {said}", hint="`ml doctor`")


def _of_postgresql(shown: str, said: str, error: Exception) -> Exception:
    original = getattr(error, "orig", None)
    state = getattr(original, "sqlstate", None)
    first = said.partition("\n")[0]
    if state in _BUSY_STATES or "too many clients" in said or "remaining connection slots" in said:
        return BusyError(first)
    lost = bool(getattr(error, "connection_invalidated", False))
    if lost or state in _RESTART_STATES or (state or "").startswith("08") or _cannot_connect(original, state):
        told = UnavailableError(
            f"the catalog {shown} is away: {first}", hint="see whether its server runs, `ml doctor`"
        )
        starting = "starting up" in said or "shutting down" in said or "recovery mode" in said
        return BrokenError(told, was_open=lost or starting)
    if state == "25006":
        why = "the server only reads, or this role does"
        return UnavailableError(
            f"the catalog {shown} cannot be written: {why}", hint="give the URL of the one that writes"
        )
    if state == "42501":
        return UnavailableError(
            f"the catalog {shown} does not let you: {first}",
            hint="ask its owner for the rights in docs/teams.md",
        )
    if state is not None and state.startswith("53"):
        return UnavailableError(f"the catalog {shown} is out of room: {first}", hint="free some space, then try again")
    return UnavailableError(f"the catalog {shown} failed: {first}", hint="`ml doctor`")


def _cannot_connect(original: object, state: str | None) -> bool:
    return type(original).__name__ == "OperationalError" and state is None
