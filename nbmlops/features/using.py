"""The verb ``usage``: who uses a feature, what it costs, what it is worth, and whether it still is what it was."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from nbmlops.core.errors import NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.features import queries
from nbmlops.features.definition import FeatureRef
from nbmlops.features.records import FeatureUsage
from nbmlops.features.registry import TABLE, pinned_refs
from nbmlops.features.tables import computed_of
from nbmlops.features.training import Training
from nbmlops.store.versions import Version, Versions

if TYPE_CHECKING:
    from nbmlops.checks.service import Checks
    from nbmlops.data.records import DataVersion
    from nbmlops.features.records import FeatureRow, FeatureVersion

__all__ = ["Using"]

_REPORTS = 20


class Using(Training):
    """What tells who uses features."""

    _checks: Checks
    pipelines: Callable[[], Collection[str]]
    """Gives the pipelines that there are: those of the past use nothing any more."""

    def usage(self, name: str | None = None, *, dead: bool = False) -> list[FeatureUsage]:
        """Tell who uses each view, what it costs, how much models lean on it, and whether it is stale or has drifted.

        Parameters
        ----------
        name : str, optional
            One view; all that are not retired by default.
        dead : bool
            Only those that nobody uses: no service, no training set, no model, no pipeline.

        Raises
        ------
        NotFoundError
            When there is no such view.
        """
        rows = self._rows()
        if name is None:
            wanted = [row.ref for row in rows if row.kind != "service" and row.retired is None]
        else:
            wanted = [self._view_named(name).ref]
        found = [self._usage(self._record(self._versions.resolve(ref)), rows) for ref in wanted]
        return [each for each in found if each.dead] if dead else found

    def users(self, name: str) -> Sequence[str]:
        """What in production or in a pipeline uses a view or a service, in words."""
        trained = self._trained(name)
        models = self._models(trained)
        used = [f"model {model.ref}, which is {model.aliases[0]}," for model in models if model.aliases]
        return used + [f"pipeline {pipeline}" for pipeline in self._pipelines(name, trained)]

    def _usage(self, version: FeatureVersion, rows: Sequence[FeatureRow]) -> FeatureUsage:
        trained = self._trained(version.name)
        models = self._models(trained)
        table = self._newest_table(version.name)
        computed = computed_of(table)[-1] if table else None
        return FeatureUsage(
            version.ref,
            version.view.columns,
            services=tuple(row.name for row in rows if row.kind == "service" and _names(row.features, version.name)),
            training=_refs(trained),
            models=_refs(models),
            pipelines=tuple(self._pipelines(version.name, trained)),
            production=tuple(f"{one.ref} ({', '.join(one.aliases)})" for one in models if one.aliases),
            seconds=computed.seconds if computed else None,
            computed_at=table.created_at if table else None,
            stale=None if computed is None else self._is_stale(computed.sources),
            importance=self._importance(version, models),
            drift=self._drift(version, table),
        )

    def _view_named(self, name: str) -> FeatureVersion:
        version = self._record(self._versions.resolve(name))
        if version.kind == "service":
            raise NotFoundError(f"{version.ref} is a service; views are used", hint=f"`ml feature show {version.name}`")
        return version

    def _trained(self, name: str) -> list[Version]:
        """Training sets that any version of a view or a service is in."""
        own = [("feature", one.id) for one in self._versions.history(name)]
        tables = Versions(self._versions.catalog, self._clock, "data")
        made = [tables.get(number) for kind, number in self._lineage.made_into(own) if kind == "data"]
        return [one for one in made if one.deleted_at is None and _holds_any(one.tags, name)]

    def _models(self, trained: Sequence[Version]) -> list[Version]:
        models = Versions(self._versions.catalog, self._clock, "model")
        made = self._lineage.made_into([("data", one.id) for one in trained])
        found = [models.get(number) for kind, number in made if kind == "model"]
        return [one for one in found if one.deleted_at is None]

    def _pipelines(self, name: str, trained: Sequence[Version]) -> list[str]:
        things = [f"feature:{one.id}" for one in self._versions.history(name)]
        things += [f"data:{one.id}" for one in trained]
        told = self._versions.catalog.read(lambda connection: queries.pipelines_of(connection, things))
        return sorted(told & set(self.pipelines()))

    def _newest_table(self, name: str) -> DataVersion | None:
        try:
            return self._data.show(f"{TABLE}{name}")
        except NotFoundError:
            return None

    def _is_stale(self, sources: Sequence[str]) -> bool:
        """Whether one of some sources has other content by now."""
        for ref in sources:
            try:
                if self._data.show(ref).digest != self._data.show(Ref.parse(ref).name).digest:
                    return True
            except NotFoundError:
                return True
        return False

    def _importance(self, version: FeatureVersion, models: Sequence[Version]) -> dict[str, float]:
        """Of each feature the mean of what kept reports say that it adds, over the models made of it."""
        said: dict[str, list[float]] = {}
        for model in models:
            reports = self._checks.list(_REPORTS, subject=model.ref, section="data")
            newest = next((report for report in reports if report.suite == "importance"), None)
            for outcome in newest.outcomes if newest else ():
                own = outcome.column and outcome.column.removeprefix(f"{version.name}__")
                if own in version.view.columns and outcome.check != "cost" and outcome.number is not None:
                    said.setdefault(str(own), []).append(outcome.number)
        return {feature: sum(numbers) / len(numbers) for feature, numbers in said.items()}

    def _drift(self, version: FeatureVersion, table: DataVersion | None) -> Mapping[str, str]:
        """Features whose profile in the newest offline table differs from that in the one before it."""
        from nbmlops.checks.drift import comparing

        if table is None or len(tables := self._data.history(table.name, limit=2)) < 2:
            return {}
        now, before = (self._data.profile(one.ref) for one in tables)
        wanted = [name for name in version.view.columns if all(_holds(one, name) for one in tables)]
        outcomes = comparing.compare_profiles(before, now, wanted, {}, None) if wanted else ()
        drifted = [one for one in outcomes if one.column and one.status in {"failed", "warned"}]
        return {str(one.column): f"{one.check} {one.figure}" for one in drifted}


def _holds_any(tags: Mapping[str, str], name: str) -> bool:
    """Whether the tags of a training set name a view or a service, or a view that a function takes inputs of."""
    named = [ref for key in ("features", "service") for ref in tags.get(key, "").split(", ") if ref]
    return _names([*named, *pinned_refs(tags).values()], name)


def _holds(table: DataVersion, name: str) -> bool:
    return any(column.name == name for column in table.columns)


def _names(refs: Sequence[str], name: str) -> bool:
    return any(FeatureRef.parse(ref).name == name for ref in refs)


def _refs(versions: Sequence[Version]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.ref for one in versions))
