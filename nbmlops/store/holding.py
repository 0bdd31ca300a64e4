"""The verbs of legal holds: hold, release, holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError, RefusedError, nearest
from nbmlops.core.refs import Ref
from nbmlops.store import audit, holds, schema, turns
from nbmlops.store.holds import Hold

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.versions import Versions

__all__ = ["Holding"]

_MOST = 4_000
_DIGITS = 9


class Holding:
    """Places holds and releases them.

    Parameters
    ----------
    catalog : Catalog
        Where they are kept.
    clock : Clock
        Tells when.
    kinds : mapping of str to Versions
        The versions of each kind.
    """

    def __init__(self, catalog: Catalog, clock: Clock, kinds: Mapping[str, Versions]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._kinds = kinds

    def hold(self, refs: tuple[str, ...], reason: str, kind: str | None) -> list[Hold]:
        """Place a hold on each, all or none."""
        said = _said(reason, "a hold needs its reason")
        if not refs:
            raise InvalidError("a hold needs what it is to be on", hint='`ml store hold flights@v3 --reason "case 12"`')

        def work(connection: Connection) -> list[int]:
            turns.take(connection)  # a gc that has looked already looks again
            numbers = []
            for ref in dict.fromkeys(refs):
                found, place = self._meant(connection, ref, kind)
                values = {**place, "reason": said, "at": self._clock.now(), "actor": audit.actor()}
                key = connection.execute(insert(schema.hold).values(**values)).inserted_primary_key
                assert key is not None  # of one row it is always told
                numbers.append(int(key[0]))
                detail = {"hold": numbers[-1], "kind": found, "reason": said}
                audit.append(connection, self._clock, "store.hold", ref, detail)
            return numbers

        numbers = self._catalog.transact(work)
        return [hold for hold in self.listed() if hold.id in numbers]

    def release(self, which: tuple[str, ...], reason: str) -> list[Hold]:
        """Release holds by their numbers, or by what each is on, all or none."""
        said = _said(reason, "a release needs its reason")
        if not which:
            raise InvalidError("it is not said which hold is released", hint="`ml store holds` lists them")

        def work(connection: Connection) -> list[int]:
            active = holds.listed(connection)
            chosen = {hold.id: hold for hold in (_chosen(active, word) for word in which)}
            for number, hold in chosen.items():
                values = {"released_at": self._clock.now(), "released_by": audit.actor(), "released_why": said}
                connection.execute(update(schema.hold).filter_by(id=number).values(**values))
                detail = {"hold": number, "kind": hold.kind, "reason": said, "held_for": hold.reason}
                audit.append(connection, self._clock, "store.release", hold.ref, detail)
            return list(chosen)

        numbers = self._catalog.transact(work)
        return [hold for hold in self.listed(released=True) if hold.id in numbers]

    def listed(self, *, released: bool = False) -> list[Hold]:
        """Holds that are on something, by number; with `released` those that were too."""
        return self._catalog.read(lambda c: holds.listed(c, released=released))

    def _meant(self, connection: Connection, ref: str, kind: str | None) -> tuple[str, dict[str, Any]]:
        """The kind of what a reference means, and the columns that say what the hold is on."""
        found: dict[str, dict[str, Any]] = {}
        if kind in {None, "run"} and (run_id := _run(connection, ref)) is not None:
            found["run"] = {"run_id": run_id}
        if kind != "run":
            found |= self._versions(connection, ref, kind)
        if not found:
            self._refuse(connection, ref, kind)
        if len(found) > 1:
            hint = f'`ml store hold {ref} --kind {next(iter(found))} --reason "…"`'
            raise AmbiguousError(f"{ref} is the name of {' and of '.join(found)}", hint=hint)
        return next(iter(found.items()))

    def _versions(self, connection: Connection, ref: str, kind: str | None) -> dict[str, dict[str, Any]]:
        parsed = Ref.parse(ref)
        query = select(schema.name.c.kind, schema.name.c.id).where(schema.name.c.name == parsed.name)
        found: dict[str, dict[str, Any]] = {}
        for row in connection.execute(query).all():
            if row.kind not in self._kinds or kind not in {None, row.kind}:
                continue
            if parsed.is_bare:
                found[row.kind] = {"name_id": row.id}
            else:
                found[row.kind] = {"version_id": _version(connection, self._kinds[row.kind], parsed)}
        return found

    def _refuse(self, connection: Connection, ref: str, kind: str | None) -> None:
        known = connection.execute(select(schema.name.c.name).distinct()).scalars().all()
        what = kind or ", ".join([*self._kinds, "run"])
        hint = nearest(Ref.parse(ref).name, known) or "`ml search` finds what there is"
        raise NotFoundError(f"there is no {what} named {ref!r}", hint=hint)


def _version(connection: Connection, versions: Versions, ref: Ref) -> int:
    """Id of a version, which may be deleted: what waits for gc is what a hold is needed for most."""
    try:
        return versions.resolve_in(connection, ref).id
    except NotFoundError:
        try:
            found = versions.resolve_in(connection, ref, deleted=True)
        except NotFoundError:
            found = None
        if found is None:
            raise
        if found.freed_at is not None:
            raise RefusedError(
                f"{ref} cannot be held: its bytes were freed on {found.freed_at:%Y-%m-%d}",
                hint="save it again, or pull it from where it was pushed to",
            ) from None
        return found.id


def _run(connection: Connection, ref: str) -> str | None:
    experiment, _, number = ref.rpartition("-")
    if not experiment or not number.isdecimal() or len(number) > _DIGITS:
        return None
    query = select(schema.run.c.id).filter_by(experiment=experiment, number=int(number))
    return connection.execute(query).scalar_one_or_none()


def _chosen(active: list[Hold], word: str) -> Hold:
    fitting = [hold for hold in active if word in {str(hold.id), hold.ref}]
    if not fitting:
        raise NotFoundError(f"no hold {word} is on anything", hint="`ml store holds` lists them")
    if len(fitting) > 1:
        numbers = ", ".join(str(hold.id) for hold in fitting)
        raise AmbiguousError(f"several holds are on {word}: {numbers}", hint="name the one by its number")
    return fitting[0]


def _said(reason: str, needed: str) -> str:
    said = reason.strip()
    if not said or len(said) > _MOST:
        raise InvalidError(f"{needed}, in up to {_MOST:,} characters", hint='--reason "case 12, until 2027"')
    return said
