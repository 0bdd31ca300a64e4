"""What is known of features: their versions, and who uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from nbmlops.features.definition import Definition, ServiceDefinition

if TYPE_CHECKING:
    from nbmlops.features.definition import Document
    from nbmlops.store.versions import Version

__all__ = ["RETIRED", "FeatureDiff", "FeatureRow", "FeatureUsage", "FeatureVersion"]

RETIRED = "retired"
"""The tag of what is retired; its value says why."""


@dataclass(frozen=True, slots=True)
class FeatureVersion:
    """One immutable version of a feature view or a feature service; what it says is in `definition`.

    `number` is None until the pipeline run that wrote the version commits. `retired` says why nothing new may use it;
    None when it may. `table` is the newest offline table, as a reference.
    """

    id: int
    name: str
    number: int | None
    digest: str
    definition: Document = field(hash=False)
    message: str | None
    author: str
    created_at: datetime
    run_id: str | None
    notebook: str | None
    cell_id: str | None
    aliases: tuple[str, ...]
    tags: Mapping[str, str] = field(hash=False)
    deleted_at: datetime | None
    ref: str
    table: str | None = None

    @property
    def kind(self) -> Literal["view", "on demand", "service"]:
        """What it is."""
        if isinstance(self.definition, ServiceDefinition):
            return "service"
        return "on demand" if self.definition.on_demand else "view"

    @property
    def retired(self) -> str | None:
        """Why nothing new may use it."""
        return self.tags.get(RETIRED)

    @property
    def view(self) -> Definition:
        """The definition of a view."""
        assert isinstance(self.definition, Definition)
        return self.definition

    @classmethod
    def of(cls, version: Version, definition: Document, table: str | None = None) -> FeatureVersion:
        """The record of a row of the catalog."""
        own = {key: getattr(version, key) for key in cls.__slots__ if hasattr(version, key)}
        detail = version.detail
        return cls(
            **own,
            definition=definition,
            notebook=detail.get("notebook"),
            cell_id=detail.get("cell_id"),
            table=table,
        )


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """What a listing shows of the newest version of a view or a service."""

    ref: str
    name: str
    kind: str
    entities: tuple[str, ...]
    features: tuple[str, ...]
    sources: tuple[str, ...]
    owner: str
    description: str
    created_at: datetime
    retired: str | None
    deleted_at: datetime | None

    @classmethod
    def of(cls, version: FeatureVersion) -> FeatureRow:
        """The row of a version."""
        said = version.definition
        if isinstance(said, Definition):
            own = said.entities, said.columns, said.inputs if said.on_demand else said.sources
        else:
            own = (), said.refs, ()
        return cls(
            version.ref,
            version.name,
            version.kind,
            *own,
            said.owner,
            said.description,
            version.created_at,
            version.retired,
            version.deleted_at,
        )


@dataclass(frozen=True, slots=True)
class FeatureDiff:
    """What differs between two versions: lines of the code as a unified diff, features, and what else is said."""

    before: str
    after: str
    code: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[tuple[str, str, str], ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.code or self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class FeatureUsage:
    """Who uses a view, what it costs, and how it stands.

    Attributes
    ----------
    ref : str
        The newest version.
    features : tuple of str
        Its features.
    services, training, models, pipelines : tuple of str
        Feature services that name it, training sets and models made of it, and pipelines whose steps made those.
    production : tuple of str
        Those of the models that an alias is on, with the alias.
    seconds : float or None
        How long the newest offline table took to compute; None when it has none.
    computed_at : datetime or None
        When that was.
    stale : bool or None
        Whether a source has a newer version since; None when there is no table.
    importance : mapping of str to float
        Of each feature that kept reports have judged, the mean figure over all models.
    drift : mapping of str to str
        Of features that differ between the two newest offline tables, in what way.
    """

    ref: str
    features: tuple[str, ...]
    services: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    production: tuple[str, ...] = ()
    seconds: float | None = None
    computed_at: datetime | None = None
    stale: bool | None = None
    importance: Mapping[str, float] = field(default_factory=dict, hash=False)
    drift: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def dead(self) -> bool:
        """Whether nobody uses it: no service, no training set, no model, no pipeline."""
        return not (self.services or self.training or self.models or self.pipelines)
