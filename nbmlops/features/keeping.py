"""Verbs on features by their names: service, retire, delete, restore, rename."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.core.refs import Ref
from nbmlops.features.definition import FeatureRef, ServiceDefinition
from nbmlops.features.looking import Looking
from nbmlops.features.records import RETIRED, FeatureRow, FeatureVersion
from nbmlops.store import audit, tags

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Keeping"]


class Keeping(Looking):
    """What becomes of views and services."""

    def service(
        self, name: str, features: Sequence[str], *, owner: str | None = None, description: str = ""
    ) -> FeatureVersion:
        """Define a feature service: a named list of features, which a model is trained on and served with.

        Parameters
        ----------
        name : str
            What to call it.
        features : sequence of str
            References such as ``carrier_delay``, ``carrier_delay:mean_delay_7d`` or ``carrier_delay@v2``.
        owner : str, optional
            Who looks after it; whoever defines it by default.
        description : str
            What it is for.

        Raises
        ------
        NotFoundError
            When there is no such view or feature.
        RefusedError
            When a view is retired.
        """
        refs = tuple(str(FeatureRef.parse(text)) for text in ((features,) if isinstance(features, str) else features))
        if not refs:
            raise InvalidError("a service names at least one feature", hint=f"`ml feature service {name} VIEW:FEATURE`")
        self.chosen(refs)
        self._refuse_other_kind(name, ServiceDefinition)
        said = ServiceDefinition(name, refs, owner or audit.actor(), description)
        return self._add(said, None)

    def retire(self, name: str, *, message: str = "nobody needs it") -> FeatureVersion:
        """Let nothing new use a view or a service; what was made of it stays, `restore` takes it back.

        Parameters
        ----------
        name : str
            The view or service.
        message : str
            Why.

        Raises
        ------
        RefusedError
            While a model that an alias is on, or a pipeline, uses it.
        """
        version = self._versions.resolve(Ref.parse(name).name)
        self._refuse_used(version.name, "retired")

        def work(connection: Connection) -> None:
            tags.put(connection, version.id, {RETIRED: message})
            audit.append(connection, self._clock, "feature.retire", version.name, {"why": message})

        self._versions.catalog.transact(work)
        return self.show(version.ref)

    def delete(self, ref: str) -> list[FeatureRow]:
        """Hide a version, or with a bare name all of them, until `restore` or the end of the grace period.

        Raises
        ------
        RefusedError
            While an alias is on it; of a bare name, while a model that an alias is on, or a pipeline, uses it.
        """
        if Ref.parse(ref).is_bare:
            self._refuse_used(self._versions.resolve(ref).name, "deleted")
        return [FeatureRow.of(self._record(version)) for version in self._versions.delete(ref)]

    def restore(self, ref: str) -> list[FeatureRow]:
        """Bring back what was deleted; what is retired may be used again.

        Raises
        ------
        NotFoundError
            When it is neither deleted nor retired.
        """
        try:
            known = self._versions.resolve(ref)
        except NotFoundError:
            known = None
        if known is None or RETIRED not in known.tags:
            return [FeatureRow.of(self._record(version)) for version in self._versions.restore(ref)]
        taken = known

        def work(connection: Connection) -> None:
            tags.remove(connection, taken.id, [RETIRED])
            audit.append(connection, self._clock, "feature.restore", taken.name)

        self._versions.catalog.transact(work)
        return [FeatureRow.of(self._record(self._versions.get(taken.id)))]

    def rename(self, old: str, new: str) -> FeatureVersion:
        """Give all versions of a view or service another name.

        Raises
        ------
        RefusedError
            While a service, a model that an alias is on, or a pipeline, names it.
        """
        self._refuse_used(self._versions.resolve(Ref.parse(old).name).name, "renamed")
        services = [row.name for row in self._rows() if row.kind == "service" and old in map(_view_of, row.features)]
        if services:
            raise RefusedError(
                f"{old} cannot be renamed: the feature service {services[0]} names it",
                hint=f"`ml feature show {services[0]}`",
            )
        self._versions.rename(old, new)
        return self.show(new)


def _view_of(ref: str) -> str:
    return FeatureRef.parse(ref).name
