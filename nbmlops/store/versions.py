"""Names, versions and aliases, the same for data, models and pipelines.

A version gets its number when it is named. Outside a pipeline run that is at once. Inside one it is
when the run commits: until then the version belongs to the run, whose steps find it under the bare
name (`schema.run_output`), while everybody else, parallel runs too, still sees what was named before
they started (`version.named` against `run.as_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, update

from nbmlops.core.clock import Clock
from nbmlops.core.errors import ConflictError, NotFoundError
from nbmlops.core.refs import Ref, check_name
from nbmlops.store import audit, lineage, naming, resolution, schema, tags, turns
from nbmlops.store.catalog import Catalog
from nbmlops.store.origin import Origin
from nbmlops.store.pages import WHOLE, Page
from nbmlops.store.touched import Source
from nbmlops.store.version_rows import Part, Version, records, selected

__all__ = ["Version", "Versions"]

Guard = Callable[["Version"], None]
Also = Callable[[Connection, "Version"], None]


class Versions:
    """Versions of one kind.

    Parameters
    ----------
    catalog : Catalog
        Where the rows live.
    clock : Clock
        Tells when.
    kind : str
        ``data``, ``feature``, ``model`` or ``pipeline``.
    root : Path, optional
        The project's folder, whose git state a version keeps.
    """

    def __init__(self, catalog: Catalog, clock: Clock, kind: str, root: Path | None = None) -> None:
        self.catalog = catalog
        self.kind = kind
        self.clock = clock
        self.root = root

    def origin(self) -> Origin:
        """Where a version comes from that is about to be saved: its answer belongs into the version's `detail`."""
        return Origin(self.root)

    def add(
        self,
        name: str,
        *,
        digest: str,
        root: str,
        size: int,
        new_bytes: int,
        message: str | None = None,
        detail: Mapping[str, Any] | None = None,
        renew: bool = False,
    ) -> Version:
        """Add a version; saving what is already the newest content gives that version, unless it is to be renewed.

        Parameters
        ----------
        name : str
            What it is called.
        digest : str
            Its identity, 64 hex digits.
        root : str
            Digest of the object that holds it.
        size, new_bytes : int
            Bytes of the content, and bytes that the store did not have before.
        message : str, optional
            Why it was made.
        detail : mapping, optional
            What this kind keeps besides, as JSON.
        renew : bool
            Whether the same content gets a new version, because `detail` says more of it.
        """
        content = {
            "digest": digest,
            "root": root,
            "size": size,
            "new_bytes": new_bytes,
            "message": message,
            "detail": dict(detail or {}),
        }
        return self.enter(name, content, renew=renew)

    def enter(self, name: str, content: Mapping[str, Any], *, renew: bool = False, also: Also | None = None) -> Version:
        """`add` of `content`, with `also` in the transaction; `CollectedError` if its root or `needs` were removed."""
        check_name(name)
        made_from = lineage.sources(self.catalog, name)

        def work(connection: Connection) -> tuple[Version, bool]:
            version, is_new = self._add(connection, lineage.named(self.kind, name), content, renew, made_from)
            if also is not None:
                also(connection, version)
                version = self.get_in(connection, version.id)
            return version, is_new

        version, is_new = self.catalog.transact(work)
        lineage.written(self.catalog, version, made_from, new=is_new)
        return version

    def add_in(self, connection: Connection, name: str, content: Mapping[str, Any]) -> Version:
        """`add` inside the caller's transaction, of what was made from nothing but what its run has read."""
        check_name(name)
        return self._add(connection, name, content, False, ())[0]

    def _add(
        self, connection: Connection, name: str, content: Mapping[str, Any], renew: bool, made_from: Sequence[Source]
    ) -> tuple[Version, bool]:
        """Add a version with its edges, and say whether it is a new one."""
        now, own = self.clock.now(), dict(content)
        turns.hold(connection, [own["root"], *own.pop("needs", ())])
        values = {**own, "created_at": now, "author": audit.actor(), "run_id": lineage.current().run_id}
        version_id, is_new = naming.add_version(connection, self.kind, name, values, renew=renew)
        lineage.record(connection, now, "writes", self.kind, version_id, made_from)
        return self.get_in(connection, version_id), is_new

    def resolve(self, ref: str | Ref, *, deleted: bool = False) -> Version:
        """Find the version that `ref` means now, by the active pipeline run's rule inside one.

        Raises
        ------
        NotFoundError
            When there is no such name, number, alias or digest; the hint names the nearest.
        AmbiguousError
            When a digest prefix fits several versions.
        """
        parsed = Ref.parse(ref)
        return self.catalog.read(lambda c: self.resolve_in(c, parsed, deleted=deleted))

    def resolve_in(self, connection: Connection, ref: Ref, *, deleted: bool = False) -> Version:
        """`resolve` inside the caller's transaction."""
        ref = Ref(lineage.named(self.kind, ref.name)) if ref.is_bare else ref
        name_id = connection.execute(
            select(schema.name.c.id).filter_by(kind=self.kind, name=ref.name)
        ).scalar_one_or_none()
        if name_id is None:
            raise resolution.unknown(connection, self.kind, ref)
        pin = lineage.current().pins.get(f"{self.kind}:{ref}")
        if pin and not (ref.is_bare and resolution.own(connection, name_id)):
            ref = Ref(ref.name, prefix=pin)
        if ref.is_bare:
            row = resolution.visible(connection, name_id, deleted=deleted)
        else:
            row = resolution.selected(connection, name_id, ref, deleted=deleted)
        if row is None:
            raise resolution.missing(connection, self.kind, name_id, ref)
        return self.get_in(connection, row.id)

    def count(self) -> int:
        """How many names have a version."""
        table = schema.version
        query = select(func.count(table.c.name_id.distinct())).join(schema.name)
        query = query.where(schema.name.c.kind == self.kind, table.c.number.is_not(None), table.c.deleted_at.is_(None))
        return self.catalog.read(lambda c: c.execute(query).scalar_one())

    def newest(self, having: Mapping[str, str] | None = None, part: Part | None = None) -> list[Version]:
        """The newest version of every name, by name; with tags, the newest of those that have them."""
        table = schema.version
        last = (
            tags.having(select(table.c.name_id, func.max(table.c.number).label("number")), having or {})
            .where(table.c.deleted_at.is_(None))
            .group_by(table.c.name_id)
            .subquery()
        )
        of_last = (last.c.name_id == table.c.name_id) & (last.c.number == table.c.number)
        ordered = selected(self.kind, part).join(last, of_last).order_by(schema.name.c.name)
        return self.catalog.read(lambda c: records(c, self.kind, c.execute(ordered).all(), part))

    def history(
        self, name: str, having: Mapping[str, str] | None = None, page: Page = WHOLE, part: Part | None = None
    ) -> list[Version]:
        """All numbered versions of a name, newest first; with tags, those that have them; or a page of them.

        Raises
        ------
        NotFoundError
            When nothing has that name, or the page begins after a version that is not there.
        """
        own = lineage.named(self.kind, check_name(name))

        def work(connection: Connection) -> list[Version]:
            self.resolve_in(connection, Ref(own))
            query = tags.having(selected(self.kind, part), having or {}).where(
                schema.name.c.name == own, schema.version.c.number.is_not(None), schema.version.c.deleted_at.is_(None)
            )
            if page.after is not None:
                # By its number, which is one even if it was deleted since it was listed.
                last = page.after.number or self.resolve_in(connection, page.after).number
                query = query if last is None else query.where(schema.version.c.number < last)
            if page.aliased:
                query = query.where(schema.version.c.id.in_(select(schema.alias.c.version_id)))
            ordered = query.order_by(schema.version.c.number.desc()).limit(page.limit)
            return records(connection, self.kind, connection.execute(ordered).all(), part)

        return self.catalog.read(work)

    def before(self, version: Version, hint: str) -> Version:
        """The version before one, of the same name; `NotFoundError` with the hint when it is the first."""
        # What has no number yet is newer than all that have.
        after = Ref(version.name, number=version.number) if version.number else None
        for older in self.history(version.name, page=Page(limit=1, after=after)):
            return older
        raise NotFoundError(f"{version.ref} is the first version of {version.name}", hint=hint)

    def outline(self, name: str, every: int) -> tuple[int, list[str]]:
        """How many versions `history` tells, and behind which ones its pages of so many begin, but for the first."""
        own = lineage.named(self.kind, check_name(name))
        table = schema.version.c
        query = select(table.number).join_from(schema.version, schema.name)
        query = query.where(schema.name.c.kind == self.kind, schema.name.c.name == own)
        query = query.where(table.number.is_not(None), table.deleted_at.is_(None)).order_by(table.number.desc())
        numbers = self.catalog.read(lambda c: c.execute(query).scalars().all())
        last = numbers[every - 1 : -1 : every]
        return len(numbers), [f"{name}@v{number}" for number in last]

    def hidden(self, part: Part | None = None) -> list[Version]:
        """What was deleted and can be restored still, what was deleted last first."""
        table = schema.version.c
        query = selected(self.kind, part).where(
            table.deleted_at.is_not(None), table.freed_at.is_(None), table.number.is_not(None)
        )
        ordered = query.order_by(table.deleted_at.desc(), table.id.desc())
        return self.catalog.read(lambda c: records(c, self.kind, c.execute(ordered).all(), part))

    def everything(self) -> list[Version]:
        """All versions of all names, deleted ones and those of runs in flight too, in the order of their making."""
        query = selected(self.kind).order_by(schema.version.c.id)
        return self.catalog.read(lambda c: records(c, self.kind, c.execute(query).all()))

    def get(self, version_id: int) -> Version:
        """The version with this row id."""
        return self.catalog.read(lambda c: self.get_in(c, version_id))

    def with_content(self, digest: str) -> Version | None:
        """The oldest version, of any name, that has this content still; None when there is none."""
        table = schema.version
        query = (
            selected(self.kind)
            .where(table.c.digest == digest, table.c.freed_at.is_(None))
            .order_by(table.c.id)
            .limit(1)
        )
        return next(iter(self.catalog.read(lambda c: records(c, self.kind, c.execute(query).all()))), None)

    def delete(self, ref: str, *, guard: Guard | None = None) -> list[Version]:
        """Hide a version, or with a bare name all versions of it; `restore` brings them back.

        Raises
        ------
        RefusedError
            When an alias is on one of them, a frozen pipeline reads one, or `guard` raises it.
        """
        parsed, now = Ref.parse(ref), self.clock.now()

        def work(connection: Connection) -> list[Version]:
            found = self._meant(connection, parsed, deleted=False)
            for version in found:
                resolution.refuse_held(connection, version)
                if guard is not None:
                    guard(version)
            self._mark(connection, found, now, "delete", str(parsed))
            return found

        return self.catalog.transact(work)

    def restore(self, ref: str) -> list[Version]:
        """Bring back what `delete` hid.

        Raises
        ------
        NotFoundError
            When nothing deleted fits `ref`.
        """
        parsed = Ref.parse(ref)

        def work(connection: Connection) -> list[Version]:
            try:
                found = self._meant(connection, parsed, deleted=True)
            except NotFoundError:
                self.resolve_in(connection, parsed)  # what is there not at all says so itself
                raise NotFoundError(f"{parsed} is not deleted; nothing to restore") from None
            found = resolution.restorable(found, parsed)
            self._mark(connection, found, None, "restore", str(parsed))
            return [self.get_in(connection, version.id) for version in found]

        return self.catalog.transact(work)

    def rename(self, old: str, new: str) -> None:
        """Give all versions of a name another name.

        Raises
        ------
        ConflictError
            When the new name is taken.
        """
        check_name(new)

        def work(connection: Connection) -> None:
            self.resolve_in(connection, Ref(check_name(old)))
            if connection.execute(select(schema.name.c.id).filter_by(kind=self.kind, name=new)).first():
                raise ConflictError(f"there is {self.kind} named {new} already", hint="choose another name")
            connection.execute(update(schema.name).filter_by(kind=self.kind, name=old).values(name=new))
            audit.append(connection, self.clock, f"{self.kind}.rename", old, {"new": new})

        self.catalog.transact(work)

    def _meant(self, connection: Connection, ref: Ref, *, deleted: bool) -> list[Version]:
        if not ref.is_bare:
            return [self.resolve_in(connection, ref, deleted=deleted)]
        self.resolve_in(connection, ref, deleted=deleted)
        hidden = schema.version.c.deleted_at
        query = selected(self.kind).where(
            schema.name.c.name == ref.name,
            # What a run in flight has written is the run's own.
            schema.version.c.number.is_not(None),
            hidden.is_not(None) if deleted else hidden.is_(None),
        )
        return records(connection, self.kind, connection.execute(query.order_by(schema.version.c.id)).all())

    def _mark(
        self, connection: Connection, found: list[Version], at: datetime | None, action: str, subject: str
    ) -> None:
        turns.take(connection)
        ids = [version.id for version in found]
        connection.execute(update(schema.version).where(schema.version.c.id.in_(ids)).values(deleted_at=at))
        audit.append(connection, self.clock, f"{self.kind}.{action}", subject, {"versions": ids})

    def get_in(self, connection: Connection, version_id: int) -> Version:
        """`get` inside the caller's transaction."""
        row = connection.execute(selected(self.kind).where(schema.version.c.id == version_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no {self.kind} version with the id {version_id}")
        return records(connection, self.kind, [row])[0]
