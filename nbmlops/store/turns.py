"""Turns: whoever changes what is stored, or begins to refer to it, takes one in the transaction that does.

So those who save and those who collect agree without a lock that a stopped process could hold: each looks without
haste, outside any transaction, and in its short transaction finds out by the number of the turn, and by what was
removed since an earlier one, whether what it saw still holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, delete, func, insert, select, update

from nbmlops.core.digests import of_bytes, short
from nbmlops.core.errors import ConflictError
from nbmlops.store import schema

__all__ = ["CollectedError", "hold", "latest", "pages", "removed", "shrunk_since", "take", "tell_removed"]

T = TypeVar("T")
# Well below the number of parameters that any engine takes.
_PAGE = 500
# The object of no bytes is in every store.
_EMPTY = of_bytes(b"")


class CollectedError(ConflictError):
    """Something that a save relied on was removed meanwhile; nothing was saved."""

    def __init__(self, gone: Sequence[str]) -> None:
        super().__init__(
            f"a gc removed what was about to be referred to, such as {short(gone[0])}; nothing was saved",
            hint="save again",
        )


def take(connection: Connection) -> int:
    """Take the next turn in a writing transaction; others wait for its end before they take theirs."""
    table = schema.turn
    if not connection.execute(update(table).values(number=table.c.number + 1)).rowcount:
        connection.execute(insert(table).values(id=1, number=1))
    return latest(connection)


def latest(connection: Connection) -> int:
    """Number of the turn that was taken last; 0 before the first."""
    return connection.execute(select(schema.turn.c.number)).scalar() or 0


def shrunk_since(connection: Connection, turn: int) -> bool:
    """Whether anything went from the index after a turn."""
    return (connection.execute(select(func.max(schema.removal.c.turn))).scalar() or 0) > turn


def removed(connection: Connection, packs: Iterable[str]) -> list[str]:
    """Those of some packs that were removed, or are about to be."""
    table = schema.removal
    asked = (select(table.c.pack).where(table.c.pack.in_(page)) for page in pages(packs))
    return [pack for query in asked for pack in connection.execute(query).scalars()]


def tell_removed(connection: Connection, turn: int, packs: Iterable[str]) -> None:
    """Say that at this turn something went from the index, and that nothing may refer to some packs ever again."""
    table = schema.removal
    for pack in ("", *packs):
        connection.execute(delete(table).filter_by(pack=pack))
        connection.execute(insert(table).values(pack=pack, turn=turn))


def hold(connection: Connection, digests: Iterable[str]) -> None:
    """Make sure, in the transaction that begins to refer to some objects, that they are in the store.

    Raises
    ------
    CollectedError
        When one was removed after it was stored, as nothing referred to it yet.
    """
    take(connection)
    for page in pages(digest for digest in dict.fromkeys(digests) if digest != _EMPTY):
        gone = page
        for column in (schema.object_.c.digest, schema.chunk.c.digest):
            here = set(connection.execute(select(column).where(column.in_(gone))).scalars()) if gone else set[str]()
            gone = [digest for digest in gone if digest not in here]
        if gone:
            raise CollectedError(gone)


def pages(items: Iterable[T]) -> list[list[T]]:
    """Items by as many as one statement of any engine takes."""
    listed = list(items)
    return [listed[start : start + _PAGE] for start in range(0, len(listed), _PAGE)]
