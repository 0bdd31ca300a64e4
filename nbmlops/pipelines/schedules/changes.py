"""What changed of a model, as others are told of it: schema 1, in which keys are added and none is given another sense.

It says what, which, when and who. What people wrote, such as messages and descriptions, is not in it, and neither are
parameters, metrics or rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from nbmlops.core.errors import NbmlopsError, NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.pipelines.schedules import queries

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.versions import Version, Versions

__all__ = ["SCHEMA", "Change", "change_of"]

SCHEMA = 1
_MOVES = frozenset({"promote", "rollback", "remove", "ask"})


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a model.

    Attributes
    ----------
    id : str
        The same however often it is told, and by whom.
    event : str
        ``model.save``, or what the audit trail calls it, such as ``model.promote``.
    at : datetime
        When it was committed.
    who : str
        Who did it.
    model : str
        The model's name.
    versions : tuple of Version
        The versions that it is about.
    alias : str or None
        The alias that moved, or is to.
    before, after : Version or None
        Where it was, and where it is or is to be.
    sequence : int or None
        The number of the audit trail's Event; None for ``model.save``.
    renamed : str or None
        The new name of a model that was renamed.
    """

    id: str
    event: str
    at: datetime
    who: str
    model: str
    versions: tuple[Version, ...] = ()
    alias: str | None = None
    before: Version | None = None
    after: Version | None = None
    sequence: int | None = None
    renamed: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "event": self.event,
            "at": self.at.isoformat(),
            "who": self.who,
            "model": self.model,
            "versions": [_told(version) for version in self.versions],
            "alias": self.alias,
            "before": None if self.before is None else _told(self.before),
            "after": None if self.after is None else _told(self.after),
            "renamed": self.renamed,
            "sequence": self.sequence,
        }


def _told(version: Version) -> dict[str, Any]:
    return {"ref": version.ref, "number": version.number, "digest": version.digest}


def change_of(catalog: Catalog, models: Versions, logical_time: str) -> Change:
    """What a fire of a schedule on changes of models stands for: ``event:152`` or ``version:7``.

    Raises
    ------
    NotFoundError
        When the catalog does not know it.
    """
    kind, _, number = logical_time.partition(":")
    if kind not in {"event", "version"} or not number.isdigit():
        raise NotFoundError(f"{logical_time} is no change of a model", hint="`--on model:NAME`, or `--on model`")

    def work(connection: Connection) -> Change:
        return _saved(connection, models, int(number)) if kind == "version" else _event(connection, models, int(number))

    return catalog.read(work)


def _saved(connection: Connection, models: Versions, version_id: int) -> Change:
    version = models.get_in(connection, version_id)
    at, who = version.created_at, version.author
    return Change(_id("version", version_id, at), "model.save", at, who, version.name, (version,))


def _event(connection: Connection, models: Versions, sequence: int) -> Change:
    row = queries.event(connection, sequence)
    if row is None:
        raise NotFoundError(f"there is no event {sequence} in the audit trail")
    detail: Mapping[str, Any] = row.detail
    verb = row.action.removeprefix("model.")
    moves = verb in _MOVES
    before = _number(detail, "before") if moves else 0
    after = _number(detail, "version" if verb == "ask" else "after") if moves else 0
    about = [one for one in (*detail.get("versions", ()), after or before) if isinstance(one, int)]
    known = {one: _known(connection, models, one) for one in {*about, before, after}}
    return Change(
        _id("event", sequence, row.at),
        row.action,
        row.at,
        row.actor,
        row.subject.partition("@")[0],
        tuple(version for one in about if (version := known[one])) or _named(connection, models, row.subject),
        detail.get("alias"),
        known[before],
        known[after],
        sequence,
        detail.get("new") if verb == "rename" else None,
    )


def _known(connection: Connection, models: Versions, version_id: int) -> Version | None:
    try:
        return models.get_in(connection, version_id) if version_id else None
    except NotFoundError:  # it is gone by now; what became of it is another change
        return None


def _number(detail: Mapping[str, Any], key: str) -> int:
    found = detail.get(key)
    return found if isinstance(found, int) else 0


def _named(connection: Connection, models: Versions, subject: str) -> tuple[Version, ...]:
    """The version that an Event names, where its details do not."""
    for deleted in (False, True) if "@" in subject else ():
        try:
            return (models.resolve_in(connection, Ref.parse(subject), deleted=deleted),)
        except NbmlopsError:  # renamed or gone by now, or erased from the trail
            continue
    return ()


def _id(kind: str, number: int, at: datetime) -> str:
    # The time too, which tells two stores apart that count alike.
    return str(uuid5(NAMESPACE_URL, f"nbmlops:{kind}:{number}:{at.isoformat()}"))
