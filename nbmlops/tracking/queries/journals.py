"""SQL of journals: what the catalog has of each, and the facts that go into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from nbmlops.core.clock import instant
from nbmlops.store import schema
from nbmlops.store.edges import keep_text
from nbmlops.tracking.queries import cells, metrics, runs, values
from nbmlops.tracking.records import Cell, Resources

__all__ = ["applied", "apply", "forget", "known", "put_applied"]


def applied(connection: Connection, file: str) -> int:
    """How many bytes of a journal the catalog has."""
    return connection.execute(select(schema.journal.c.applied).filter_by(file=file)).scalar() or 0


def put_applied(connection: Connection, file: str, size: int) -> None:
    """Say how many bytes of a journal the catalog has, with the facts in them, in one transaction."""
    table = schema.journal
    if connection.execute(update(table).filter_by(file=file).values(applied=size)).rowcount == 0:
        connection.execute(insert(table).values(file=file, applied=size))


def known(connection: Connection, place: str) -> list[str]:
    """The journals of one place that the catalog has something of."""
    table = schema.journal
    query = select(table.c.file).where(table.c.file.startswith(place, autoescape=True))
    return list(connection.execute(query).scalars())


def forget(connection: Connection, file: str) -> None:
    """Drop the note of a journal that is there no more."""
    connection.execute(delete(schema.journal).filter_by(file=file))


def apply(connection: Connection, facts: Iterable[Sequence[Any]]) -> None:
    """Insert facts as ``docs/formats/journal.md`` tells them; kinds that are not known are left out."""
    points: list[metrics.Point] = []
    ended: list[Sequence[Any]] = []
    for fact in facts:
        match fact:
            case ["metrics" | "series", *_]:
                points += _points(fact)
            case ["end", *_]:
                ended.append(fact)
            case _:
                _apply(connection, fact)
    metrics.add(connection, points)
    for _, run_id, status, at, error, executed, *about in ended:
        if runs.finish(connection, run_id, status, instant(at), error, *about):
            cells.add_cells(connection, run_id, map(_cell, executed))


def _points(fact: Sequence[Any]) -> list[metrics.Point]:
    kind, run_id, at, step, *rest = fact
    if kind == "metrics":
        return [metrics.Point(run_id, key, step, at, float(value)) for key, value in rest[0].items()]
    key, found = rest
    steps = [None] * len(found) if step is None else range(step, step + len(found))
    return [metrics.Point(run_id, key, number, at, float(value)) for number, value in zip(steps, found, strict=True)]


def _apply(connection: Connection, fact: Sequence[Any]) -> None:
    match fact:
        case ["environment", digest, content]:
            runs.keep_environment(connection, digest, content)
        case ["source", digest, text]:
            keep_text(connection, digest, text)
        case ["begin", fields, params, tags]:
            _begin(connection, dict(fields), params, tags)
        case ["params", run_id, found]:
            values.keep_params(connection, run_id, found)
        case ["tags", run_id, found]:
            values.add_tags(connection, run_id, found)
        case ["git", run_id, state]:
            runs.put_git(connection, run_id, state)


def _begin(connection: Connection, fields: dict[str, Any], params: dict[str, Any], tags: dict[str, str]) -> None:
    fields["started_at"] = instant(fields["started_at"])
    runs.begin(connection, **fields)
    values.keep_params(connection, fields["id"], params)
    values.add_tags(connection, fields["id"], tags)


def _cell(told: dict[str, Any]) -> Cell:
    resources = told.get("resources")
    taken = None if resources is None else Resources(**resources)
    return Cell(**{**told, "started_at": instant(told["started_at"]), "resources": taken})
