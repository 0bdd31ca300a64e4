"""Whether the audit trail is whole: the chain itself, and its end against what is remembered or was exported.

The chain shows what was changed, dropped or swapped within it. Whoever may write the catalog can cut the last lines
off, or write all lines anew from some place on, and the chain is whole again; that is seen only by somebody who has
the digest of a later line: a checkpoint in the user's own folder, or an export that went elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from nbmlops.core.digests import is_digest
from nbmlops.core.errors import CorruptError, NotFoundError, UnavailableError
from nbmlops.store import schema
from nbmlops.store.audit_chain import FIRST, Break, first_break

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.checkpoints import Checkpoint

__all__ = ["Trail", "compared", "judged", "lines"]

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Trail:
    """The audit trail as it was found.

    Attributes
    ----------
    events : int
        How many lines it has.
    head : str
        The digest of the last.
    broken : Break or None
        The first place where it is not what it was.
    remembered : int or None
        The last line that was known before, by a checkpoint or an export.
    anew : tuple of int
        Lines of erasures that took values out of earlier lines, and chained what follows anew.
    """

    events: int
    head: str
    broken: Break | None = None
    remembered: int | None = None
    anew: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.broken is None


def lines(connection: Connection) -> Iterator[dict[str, Any]]:
    """All lines, by number, a page at a time; one that cannot be read has nothing but its number."""
    table = schema.event
    last: int | None = None
    while True:
        query = select(table).order_by(table.c.sequence).limit(_PAGE)
        page = _readable(connection, query if last is None else query.where(table.c.sequence > last))
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1]["sequence"]


def _readable(connection: Connection, query: Any) -> list[dict[str, Any]]:
    try:
        return [dict(row._mapping) for row in connection.execute(query)]
    except (TypeError, ValueError):  # a column holds what is no JSON, or no time
        found = []
        for number in connection.execute(query.with_only_columns(schema.event.c.sequence)).scalars().all():
            try:
                row = connection.execute(select(schema.event).filter_by(sequence=number)).one()
                found.append(dict(row._mapping))
            except (TypeError, ValueError):
                unread = dict.fromkeys(schema.event.c.keys(), "")
                found.append({**unread, "sequence": number})
        return found


def judged(catalog: Catalog, remembered: Checkpoint | None) -> Trail:
    """Walk the whole chain, and compare it with a checkpoint."""

    def work(connection: Connection) -> Trail:
        found = Trail(0, FIRST)
        at_checkpoint: str | None = None
        anew: list[int] = []

        def walked() -> Iterator[dict[str, Any]]:
            nonlocal found, at_checkpoint
            for line in lines(connection):
                found = Trail(found.events + 1, line["digest"])
                if remembered is not None and line["sequence"] == remembered.sequence:
                    at_checkpoint = line["digest"]
                if _chains_anew(line):
                    anew.append(line["sequence"])
                yield line

        broken = first_break(walked(), lambda: lines(connection))
        if broken is None and remembered is not None:
            later = [line for line in anew if line > remembered.sequence]
            broken = _against(found.events, at_checkpoint, remembered, later)
        return Trail(found.events, found.head, broken, remembered.sequence if remembered else None, tuple(anew))

    return catalog.read(work)


def _against(events: int, digest: str | None, remembered: Checkpoint, anew: list[int]) -> Break | None:
    when = f"{remembered.at:%Y-%m-%d %H:%M} UTC"
    if remembered.sequence > events:
        missing = remembered.sequence - events
        return Break(
            events + 1, "cut off", f"{missing:,} lines from line {events + 1} on are not there, and were on {when}"
        )
    if digest != remembered.digest and not anew:
        return Break(
            remembered.sequence,
            "changed",
            f"line {remembered.sequence} is not the one of {when}: it or one before was changed, "
            "and what follows was chained anew",
        )
    return None


def _chains_anew(line: dict[str, Any]) -> bool:
    detail = line["detail"]
    return line["action"] == "data.erase" and isinstance(detail, dict) and bool(detail.get("chain_made_anew"))


def compared(catalog: Catalog, export: Path, trail: Trail) -> Trail:
    """Compare a trail whose chain is whole with the JSON lines that were exported of it earlier.

    Raises
    ------
    NotFoundError
        When there is no such file.
    CorruptError
        When a line of the file is none that was exported.
    """
    last = 0

    def work(connection: Connection) -> Break | None:
        nonlocal last
        here = lines(connection)
        line: dict[str, Any] | None = next(here, None)
        for number, digest in _exported(export):
            last = max(last, number)
            while line is not None and line["sequence"] < number:
                line = next(here, None)
            if line is None or line["sequence"] > number:
                return Break(number, "cut off", f"line {number} is not there, and {export} has it")
            if line["digest"] != digest and not any(each > number for each in trail.anew):
                return Break(number, "changed", f"line {number} is not the one that {export} has")
        return None

    broken = catalog.read(work)
    return Trail(trail.events, trail.head, trail.broken or broken, max(last, trail.remembered or 0), trail.anew)


def _exported(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                try:
                    said = json.loads(text)
                    sequence, digest = said["sequence"], said["digest"]
                except (ValueError, KeyError, TypeError):
                    sequence, digest = None, ""
                if not isinstance(sequence, int) or not isinstance(digest, str) or not is_digest(digest):
                    raise CorruptError(
                        f"line {number} of {path} is no line of the audit trail",
                        hint="give a file that was written by: `ml store audit --export jsonl --to FILE`",
                    )
                yield sequence, digest
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="check the path") from None
    except UnicodeDecodeError:
        raise CorruptError(f"{path} is no text in UTF-8", hint="give a file that was exported as jsonl") from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from error
