"""Names of params, metrics and tags: of any script, and short enough for the index of any database."""

from __future__ import annotations

from collections.abc import Iterable

from nbmlops.core.errors import InvalidError

__all__ = ["refuse_unkeepable"]

_LONGEST = 512


def refuse_unkeepable(keys: Iterable[str]) -> None:
    """Refuse a name that no catalog could keep, before anything is written.

    Raises
    ------
    InvalidError
        When one has more than 512 characters, or holds NUL or half of a character.

    Examples
    --------
    >>> refuse_unkeepable(["größe", "x" * 513])
    Traceback (most recent call last):
    ...
    nbmlops.core.errors.InvalidError: the name xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… has 513 characters
    hint: at most 512
    """
    for key in keys:
        if len(key) > _LONGEST:
            raise InvalidError(f"the name {key[:40]}… has {len(key):,} characters", hint=f"at most {_LONGEST}")
        if not key.isascii() and any("\ud800" <= each <= "\udfff" for each in key):
            raise InvalidError(f"the name {key!r} holds half of a character"[:300])
        if "\0" in key:
            raise InvalidError(f"the name {key!r} holds NUL, which no text may"[:300])
