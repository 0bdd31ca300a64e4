"""Take values out of what the catalog keeps as text, inside the caller's transaction.

Every column of text or JSON is looked through, those of later tables too, but for a closed list of columns that hold
digests, types and other structure. Words by which people and programs name things (versions, aliases, experiments)
stay, for references to them would break; whether they hold a value is told, so that they can be renamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import JSON, Column, Connection, String, Table, Text, delete, insert, select, update

from nbmlops.core import digests
from nbmlops.store import audit, schema
from nbmlops.store.redaction import Redaction

__all__ = ["kept_of", "named_so", "replace_objects", "scrub", "subject_without"]

_WORD = 128
"""A column of no more characters holds a word: a digest, a kind, a name."""
_STRUCTURE = frozenset(
    {
        "environment.content",
        "erasure.detail",
        "erasure.names",
        "erasure.seal",
        "fire.run",
        "ledger.outputs",
        "cell.resources",
        "run.resources",
        "schedule.target",
        "schedule.trigger",
        "version.detail",
        # These three hang together with others, and have their own ways below.
        "edge.subject",
        "event.subject",
        "event.detail",
        "source.text",
    }
)
_KEPT = {
    "run.git": ("commit", "diff"),
    "run.hidden_state": ("kind", "cell_id", "count", "line", "definer", "definer_count"),
}
"""Members of JSON that are structure, too."""
_NAMES = {
    "name.name": "a name of data, of a model or of a pipeline",
    "alias.alias": "an alias",
    "run.experiment": "the name of a run",
    "schedule.name": "the name of a schedule",
}


def scrub(connection: Connection, redaction: Redaction) -> dict[str, int]:
    """Put the mark in the place of values everywhere; how many texts of each table were changed."""
    changed: Counter[str] = Counter()
    if not redaction:
        return {}
    for table in schema.metadata.sorted_tables:
        for column in table.columns:
            if f"{table.name}.{column.name}" in _STRUCTURE:
                continue
            if isinstance(column.type, JSON):
                kept = _KEPT.get(f"{table.name}.{column.name}", ())
                changed[table.name] += _scrub_json(connection, table, column, redaction, partial(_same, kept))
            elif isinstance(column.type, Text) or (
                isinstance(column.type, String) and (column.type.length or 0) > _WORD
            ):
                changed[table.name] += _scrub_text(connection, table, column, redaction)
    changed["version"] += _scrub_json(connection, schema.version, schema.version.c.detail, redaction, kept_of)
    moved = _scrub_sources(connection, redaction)
    changed["source"] += len(moved)
    changed["edge"] += _scrub_edges(connection, redaction, moved)
    changed["event"] += audit.redact(connection, redaction)
    return {name: count for name, count in changed.items() if count}


def named_so(connection: Connection, redaction: Redaction) -> list[str]:
    """What is named by a word that holds a value; the word itself is not told."""
    found = []
    for place, what in _NAMES.items():
        table, _, column = place.partition(".")
        values = connection.execute(select(schema.metadata.tables[table].c[column]).distinct()).scalars()
        if any(redaction.is_in(value) for value in values):
            found.append(what)
    return found


def replace_objects(connection: Connection, moved: Mapping[str, tuple[str, int]]) -> None:
    """Let reports and artifacts refer to other objects: from each digest to another, of so many bytes."""
    for old, (new, size) in moved.items():
        connection.execute(update(schema.report).filter_by(object=old).values(object=new))
        connection.execute(update(schema.artifact).filter_by(digest=old).values(digest=new, size=size))


def _scrub_text(connection: Connection, table: Table, column: Column[Any], redaction: Redaction) -> int:
    values = [value for value in connection.execute(select(column).distinct()).scalars() if value is not None]
    dirty = [value for value in values if redaction.is_in(value)]
    taken = set(values) if column.primary_key else set[str]()
    for value in dirty:
        new = _another(redaction.text(value), taken)
        connection.execute(update(table).where(column == value).values({column.name: new}))
    return len(dirty)


def _another(value: str, taken: set[str]) -> str:
    """The value, with a number when it stands for something else already."""
    new, number = value, 1
    while new in taken:
        number += 1
        new = f"{value} {number}"
    if taken:
        taken.add(new)
    return new


class _AllBut:
    """All names but some."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def __contains__(self, name: object) -> bool:
        return name not in self._names


_BUT_ORIGIN = _AllBut("notebook", "script", "git", "branch", "query", "source")
_BUT_MAKER = _AllBut("notebook", "script", "git", "branch", "query")


def kept_of(detail: Mapping[str, Any]) -> Container[str]:
    """What stays of the `detail` of a version: all but where it comes from, which is text that people wrote.

    What is tracked is read where it comes from, so that its address stays, too.
    """
    return _BUT_MAKER if detail.get("format") == "tracked" else _BUT_ORIGIN


def _same(kept: Container[str], _value: Any) -> Container[str]:
    return kept


def _scrub_json(
    connection: Connection,
    table: Table,
    column: Column[Any],
    redaction: Redaction,
    kept: Callable[[Any], Container[str]] = lambda _: (),
) -> int:
    keys = list(table.primary_key.columns)
    changed = []
    for row in connection.execute(select(*keys, column).where(column.is_not(None))):
        value = row[-1]
        if (new := redaction.json(value, kept(value))) != value:
            changed.append((row[:-1], new))
    for key, new in changed:
        same = [one == value for one, value in zip(keys, key, strict=True)]
        connection.execute(update(table).where(*same).values({column.name: new}))
    return len(changed)


def _scrub_sources(connection: Connection, redaction: Redaction) -> dict[str, str]:
    """Sources go by the digest of their text, so what is changed gets another; from the old to the new."""
    table, cell = schema.source, schema.cell
    moved: dict[str, str] = {}
    for row in connection.execute(select(table)):
        if (text := redaction.text(row.text)) != row.text:
            moved[row.digest] = text
    for digest, text in moved.items():
        new = digests.of_text(text)
        if connection.execute(select(table.c.digest).filter_by(digest=new)).first() is None:
            connection.execute(insert(table).values(digest=new, text=text))
        connection.execute(update(cell).filter_by(source=digest).values(source=new))
        connection.execute(update(schema.run).filter_by(source=digest).values(source=new))
        connection.execute(delete(table).filter_by(digest=digest))
        moved[digest] = new
    _move_diffs(connection, moved)
    return moved


def _move_diffs(connection: Connection, moved: Mapping[str, str]) -> None:
    """A run's git state names its diff by its digest."""
    run = schema.run
    for row in connection.execute(select(run.c.id, run.c.git).where(run.c.git.is_not(None))) if moved else ():
        if row.git and (new := moved.get(row.git.get("diff"))):
            connection.execute(update(run).filter_by(id=row.id).values(git={**row.git, "diff": new}))


def subject_without(redaction: Redaction, subject: str, moved: Mapping[str, str] | None = None) -> str:
    """A subject of an edge with the mark in the place of values; `moved` leads from beginnings of digests to others."""
    if not subject.startswith("cell:"):
        return subject if subject.startswith("run:") else redaction.text(subject)
    place, at, rest = subject.rpartition("@")
    digest, slash, execution = rest.partition("/")
    return f"{redaction.text(place)}{at}{(moved or {}).get(digest, digest)}{slash}{execution}"


def _scrub_edges(connection: Connection, redaction: Redaction, moved: Mapping[str, str]) -> int:
    """Subjects name a notebook and the beginning of a source's digest."""
    table = schema.edge
    begins = {old[:16]: new[:16] for old, new in moved.items()}
    subjects: Iterable[str] = connection.execute(
        select(table.c.subject).where(~table.c.subject.startswith("run:")).distinct()
    ).scalars()
    changed = 0
    for subject in list(subjects):
        new = subject_without(redaction, subject, begins)
        if new == subject:
            continue
        changed += 1
        there = select(table.c.relation, table.c.object).filter_by(subject=new)
        known = {tuple(pair) for pair in connection.execute(there)}
        for row in connection.execute(select(table).filter_by(subject=subject)).all():
            own = {"subject": subject, "relation": row.relation, "object": row.object}
            if (row.relation, row.object) in known:
                connection.execute(delete(table).filter_by(**own))
            else:
                connection.execute(update(table).filter_by(**own).values(subject=new))
    return changed
