"""Verbs that put words on versions of data: tag and alias."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import RefusedError
from nbmlops.core.refs import Ref, check_alias
from nbmlops.data.keeping import Keeping
from nbmlops.data.records import DataVersion
from nbmlops.store import lineage, tags

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nbmlops.store.versions import Version

__all__ = ["Labelling", "labels"]


class Labelling(Keeping):
    """What says more of versions without changing them."""

    def tag(self, ref: str, tags: Mapping[str, Any] | None = None, *, remove: Collection[str] = ()) -> DataVersion:
        """Set tags of a version, and take others off it.

        Parameters
        ----------
        ref : str
            The version.
        tags : mapping, optional
            Values by key; a key that is there gets the new value.
        remove : collection of str
            Keys to take off.

        Raises
        ------
        InvalidError
            When there is nothing to do, or a tag cannot be kept.
        NotFoundError
            When there is no such version, or it has no such tag.
        """
        return DataVersion.of(self._tagged(ref, tags or {}, remove))

    def _tagged(self, ref: str, given: Mapping[str, Any], remove: Collection[str]) -> Version:
        kept, parsed = tags.asked("data", ref, given, remove), Ref.parse(ref)

        def work(connection: Connection) -> Version:
            version = self._versions.resolve_in(connection, parsed)
            tags.remove(connection, version.id, remove)
            tags.put(connection, version.id, kept)
            return self._versions.get_in(connection, version.id)

        return self._versions.catalog.transact(work)

    def alias(self, ref: str, alias: str, *, remove: bool = False) -> DataVersion:
        """Move an alias to a version, or take it off; with its history, and an Event in the audit trail.

        Parameters
        ----------
        ref : str
            The version.
        alias : str
            The alias, a word such as ``golden``; from then on ``flights@golden`` is that version.
        remove : bool
            Take it off instead; of a bare name, from whichever version it is on.

        Raises
        ------
        InvalidError
            When it looks like a number or a digest.
        NotFoundError
            When there is no such version, or the alias to be removed is not on it.
        RefusedError
            Inside a pipeline run, whose versions have no number yet.
        """
        parsed = Ref.parse(ref)
        _refuse_in_a_run(parsed.name, check_alias(alias))
        if remove and parsed.is_bare:
            self._versions.resolve(parsed)  # an unknown name is said as such
            parsed = Ref(parsed.name, alias=alias)

        def work(connection: Connection) -> Version:
            version = self._versions.resolve_in(connection, parsed)
            if remove:
                self._aliases.remove(connection, alias, version)
            else:
                self._aliases.place(connection, alias, version)
            return self._versions.get_in(connection, version.id)

        return DataVersion.of(self._versions.catalog.transact(work))

    def _enter(self, name: str, content: Mapping[str, Any], given: Mapping[str, str], alias: str | None) -> DataVersion:
        """Add a version with its tags and its alias, all of it or nothing, and name it in the lock."""

        def also(connection: Connection, version: Version) -> None:
            tags.put(connection, version.id, given)
            if alias is not None:
                self._aliases.place(connection, alias, version)

        version = self._versions.enter(name, content, also=also)
        if version.root != content["root"] and self.exchange.absent(version):
            from nbmlops.store import adoption

            # It was only known here; now it is what was just stored.
            self._versions.catalog.transact(lambda c: adoption.refill(c, version.id, content))
            version = self._versions.get(version.id)
        self._tables.saw(version.id)
        # Inside a pipeline run the names move, and with them the lock, when the run commits.
        if lineage.current().pipeline_run_id is None:
            self.lock_newest([name])
        return DataVersion.of(version)


def labels(name: str, given: Mapping[str, Any] | None, alias: str | None) -> dict[str, str]:
    """The tags to be set with a version; raises for those and for an alias that cannot be kept."""
    if alias is not None:
        _refuse_in_a_run(name, check_alias(alias))
    return tags.checked(given or {})


def _refuse_in_a_run(name: str, alias: str) -> None:
    active = lineage.current()
    # While a run is executed again it does not move either, and there is no reason to fail.
    if active.pipeline_run_id is not None and not active.proof:
        raise RefusedError(
            f"the alias {alias} of {name} cannot move inside a pipeline run: its versions get their numbers at its end",
            hint=f"move it when the run has committed: `ml data alias {name} {alias}`",
        )
