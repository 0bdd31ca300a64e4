"""Versions from elsewhere become versions here: found again by their digest, numbered anew only when they must be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from nbmlops.core.digests import is_digest
from nbmlops.core.errors import CorruptError, NbmlopsError
from nbmlops.core.refs import check_name
from nbmlops.store import naming, schema, tags
from nbmlops.store.versions import Version

__all__ = ["Adopted", "adopt", "as_version", "checked", "here", "instant", "merged", "refill", "travelling"]

_SUBJECT = re.compile(r"run:[0-9a-f]{32}|(cell|script):.{0,500}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A version that is here now: its row, its number, and whether the row is new."""

    id: int
    number: int | None
    new: bool


def checked(document: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Give back a record when everything in it is of the kind that a record holds.

    Raises
    ------
    CorruptError
        When it is not: whoever wrote it, it is not used.
    """
    try:
        check_name(document["name"])
        for digest in (document["digest"], document["root"], *document["needs"]):
            _must(is_digest(digest), digest)
        number = document["number"]
        _must(number is None or (type(number) is int and 0 < number < 1 << 31), number)
        _must(type(document["size"]) is int and 0 <= document["size"] < 1 << 62, document["size"])
        _must(isinstance(document["author"], str) and len(document["author"]) <= 128, document["author"])
        _must(isinstance(document["message"], str | None) and isinstance(document["detail"], dict), document["message"])
        tags.checked(document["tags"])
        instant(document["created_at"])
        _must(isinstance(document["run_id"], str | None), document["run_id"])
        for write in document["written"]:
            _must(_SUBJECT.fullmatch(write["by"]), write["by"])
            instant(write["at"])
            for read in write["read"]:
                check_name(read["name"])
                _must(isinstance(read["kind"], str), read["kind"])
                _must(read.get("relation", "reads") in {"reads", "carries"}, read.get("relation"))
                _must(is_digest(read["digest"]), read["digest"])
                instant(read["at"])
        _must(isinstance(document["runs"], list), document["runs"])
    except (AttributeError, KeyError, TypeError, ValueError, NbmlopsError) as error:
        raise CorruptError(
            f"a record of {document.get('name')!r} at {where} is not what a record is: {error!r}"[:300],
            hint="remove it there, then push again from a workspace that has the version",
        ) from None
    return document


def _must(holds: object, seen: object) -> None:
    if not holds:
        raise ValueError(f"{seen!r} cannot be")


def instant(text: str) -> datetime:
    """A time as records write it: ISO 8601 with a zone; else `ValueError`."""
    at = datetime.fromisoformat(text)
    _must(at.tzinfo, text)
    return at


def merged(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several records of one version as one: the newest news of its runs, and all who wrote it."""
    one = dict(documents[0])
    writes = {write["by"]: write for each in documents for write in each["written"]}
    runs: dict[str, Any] = {}
    for each in documents:
        one["message"] = one["message"] or each["message"]
        for run in each["runs"]:
            if run["id"] not in runs or runs[run["id"]]["ended_at"] is None:
                runs[run["id"]] = run
    return one | {"written": list(writes.values()), "runs": list(runs.values())}


def as_version(document: Mapping[str, Any]) -> Version:
    """A record as a version that has no row here."""
    own = ("kind", "name", "number", "digest", "root", "size", "author", "message", "tags", "detail")
    return Version(
        **{key: document[key] for key in own} | {"detail": travelling(document["detail"])},
        id=0,
        new_bytes=0,
        created_at=datetime.fromisoformat(document["created_at"]),
        run_id=document["run_id"],
        aliases=(),
        deleted_at=None,
    )


def travelling(detail: Mapping[str, Any]) -> dict[str, Any]:
    """What is told elsewhere of a version: all but its profile, which is made anew where it is asked for."""
    return {key: value for key, value in detail.items() if key != "profile"}


def here(connection: Connection, version: Version) -> Row[Any] | None:
    """The row that a version from elsewhere is, or None.

    It is one of its name and digest that was saved at the same instant or has the same number. What was saved again
    elsewhere after other content is a version of its own, unless it is what the bare name means here anyway.
    """
    table, name = schema.version, schema.name
    query = select(table).join(name).where(name.c.kind == version.kind, name.c.name == version.name)
    rows = connection.execute(query.where(table.c.digest == version.digest).order_by(table.c.number.desc())).all()
    for row in rows:
        if row.created_at == version.created_at or (version.number and row.number == version.number):
            return row
    newest = connection.execute(
        query.where(table.c.number.is_not(None), table.c.deleted_at.is_(None)).order_by(table.c.number.desc()).limit(1)
    ).one_or_none()
    return newest if newest is not None and newest.digest == version.digest else None


def adopt(connection: Connection, version: Version, now: datetime, *, new_bytes: int | None, named: bool) -> Adopted:
    """Add a version from elsewhere unless it is here.

    Parameters
    ----------
    connection : Connection
        The caller's transaction.
    version : Version
        What a record told.
    now : datetime
        When the name came here, if it is new.
    new_bytes : int, optional
        Bytes that were fetched for it; None when its own bytes were not asked for.
    named : bool
        Whether it was asked for: it gets its number then, or the next free one. What comes as an ancestor gets its
        number only where that leaves to the bare name the version that it means.
    """
    name_id = naming.name_id(connection, version.kind, version.name, now)
    row = here(connection, version)
    number = _number(connection, name_id, version, named=named)
    if row is not None:
        values: dict[str, Any] = {}
        if row.number is None and number:
            values |= {"number": number, "named": naming.newest_named(connection) + 1}
        if new_bytes is not None:
            values |= {"root": version.root, "size": version.size, "detail": dict(version.detail)}
            values |= {"new_bytes": new_bytes, "deleted_at": None, "freed_at": None}
        if values:
            connection.execute(update(schema.version).filter_by(id=row.id).values(**values))
        return Adopted(row.id, row.number or values.get("number"), new=False)
    own = ("digest", "root", "size", "created_at", "author", "message", "run_id")
    values = {key: getattr(version, key) for key in own} | {"detail": dict(version.detail), "new_bytes": new_bytes or 0}
    if number:
        values |= {"number": number, "named": naming.newest_named(connection) + 1}
    version_id = naming.insert_version(connection, name_id=name_id, **values)
    tags.put(connection, version_id, version.tags)
    return Adopted(version_id, number, new=True)


def refill(connection: Connection, version_id: int, content: Mapping[str, Any]) -> None:
    """Let a version, whose bytes were not here, be read from others that give its digest."""
    values = {key: content[key] for key in ("root", "size", "new_bytes", "detail")}
    connection.execute(update(schema.version).filter_by(id=version_id).values(**values))


def _number(connection: Connection, name_id: int, version: Version, *, named: bool) -> int | None:
    table = schema.version
    last = connection.execute(select(func.max(table.c.number)).filter_by(name_id=name_id)).scalar() or 0
    taken = select(table.c.id).filter_by(name_id=name_id, number=version.number)
    free = version.number is not None and connection.execute(taken).first() is None
    if named:
        return version.number if free else last + 1
    return version.number if free and (last == 0 or (version.number or 0) < last) else None
