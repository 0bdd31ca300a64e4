"""What many bare names mean at once, to whoever asks now: a few questions for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, tuple_

from nbmlops.core.errors import NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.store import lineage, schema, turns
from nbmlops.store.edges import selected

if TYPE_CHECKING:
    from nbmlops.store.versions import Versions

__all__ = ["digests_of"]


def digests_of(versions: Versions, refs: Iterable[str]) -> dict[str, str]:
    """Digests of what `Versions.resolve` finds for several references; of what there is not, nothing.

    Raises
    ------
    AmbiguousError
        When a digest prefix fits several versions.
    """
    wanted, active = dict.fromkeys(refs), lineage.current()
    plain = {}
    for ref in wanted:
        parsed = Ref.parse(ref)
        if parsed.is_bare and f"{versions.kind}:{lineage.named(versions.kind, parsed.name)}" not in active.pins:
            plain[ref] = lineage.named(versions.kind, parsed.name)
    meant = versions.catalog.read(lambda c: _visible(c, versions.kind, plain.values()))
    found = {ref: meant[name] for ref, name in plain.items() if name in meant}
    for ref in wanted:
        if ref not in plain:
            try:
                found[ref] = versions.resolve(ref).digest
            except NotFoundError:
                continue
    return found


def _visible(connection: Connection, kind: str, names: Iterable[str]) -> dict[str, str]:
    """By name, what `resolution.visible` gives: what the active pipeline run wrote, else the newest that it sees."""
    table, output, named = schema.version, schema.run_output, schema.name
    ids = selected(connection, select(named.c.id, named.c.name).filter_by(kind=kind), named.c.name, names)
    name_of = {row.id: row.name for row in ids}
    last = select(table.c.name_id, func.max(table.c.number).label("number"))
    last = last.where(table.c.number.is_not(None), table.c.deleted_at.is_(None)).group_by(table.c.name_id)
    own = []
    if pipeline_run := lineage.current().pipeline_run_id:
        written = select(table.c.name_id, table.c.digest).join(output, output.c.version_id == table.c.id)
        own = selected(connection, written.where(output.c.run_id == pipeline_run), output.c.name_id, name_of)
        as_of = connection.execute(select(schema.run.c.as_of).filter_by(id=pipeline_run)).scalar_one_or_none()
        if as_of is not None:
            last = last.where(table.c.named <= as_of)
    newest = {(row.name_id, row.number) for row in selected(connection, last, table.c.name_id, name_of)}
    numbered = select(table.c.name_id, table.c.digest)
    meant: dict[str, str] = {}
    for page in turns.pages(newest):
        rows = connection.execute(numbered.where(tuple_(table.c.name_id, table.c.number).in_(page)))
        meant |= {name_of[row.name_id]: row.digest for row in rows}
    return meant | {name_of[row.name_id]: row.digest for row in own}
