"""The catalog of features: what is defined and what references mean; the base of all verbs on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError, nearest
from nbmlops.features.definition import FeatureRef, ServiceDefinition, document_of
from nbmlops.features.records import FeatureRow, FeatureVersion

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.data.service import Data
    from nbmlops.features.definition import Document
    from nbmlops.store.lineage import Lineage
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version, Versions

__all__ = ["NEWEST", "TABLE", "Registry", "pinned_refs", "pinned_texts"]

TABLE = "feature."
"""What the name of a view's offline table begins with."""
NEWEST: Mapping[str, FeatureVersion] = MappingProxyType({})
"""No versions of views are pinned: inputs of functions mean the newest ones."""
_MEANS = " = "


def pinned_texts(pinned: Mapping[str, FeatureVersion]) -> list[str]:
    """What the tag ``inputs`` of a training set says: for each view that functions take inputs of, its version."""
    return [f"{text}{_MEANS}{view.ref}" for text, view in pinned.items()]


def pinned_refs(tags: Mapping[str, str]) -> dict[str, str]:
    """References by how inputs call the view, as `pinned_texts` said; none of a set that is older than that tag.

    Examples
    --------
    >>> pinned_refs({"inputs": "delays = delays@v3, speed = speed@v1"})
    {'delays': 'delays@v3', 'speed': 'speed@v1'}
    >>> pinned_refs({})
    {}
    """
    pairs = (pair.partition(_MEANS) for pair in tags.get("inputs", "").split(", ") if pair)
    return {text: ref for text, _, ref in pairs}


class Registry(ABC):
    """Feature views and services by their names.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``feature``.
    objects : ObjectStore
        Where their documents lie.
    data : Data
        Verbs on the data that they are made of, and that is made of them.
    lineage : Lineage
        Where reads are recorded.
    clock : Clock
        Tells when.
    """

    def __init__(self, versions: Versions, objects: ObjectStore, data: Data, lineage: Lineage, clock: Clock) -> None:
        self._versions = versions
        self._objects = objects
        self._data = data
        self._lineage = lineage
        self._clock = clock
        self._documents: dict[str, Document] = {}  # by the digest of their content, which never changes

    @abstractmethod
    def users(self, name: str) -> Sequence[str]:
        """What in production or in a pipeline uses a view or a service, in words."""

    def chosen(self, features: Sequence[str] | str) -> list[tuple[FeatureVersion, tuple[str, ...]]]:
        """The views that some references mean, services spelt out, each with the features that are wanted of it.

        Raises
        ------
        NotFoundError
            When there is no such view, service or feature.
        RefusedError
            When one is retired.
        """
        wanted: dict[int, tuple[FeatureVersion, dict[str, None]]] = {}
        for ref in self._spelt((features,) if isinstance(features, str) else features):
            version = self._record(self._versions.resolve(ref.view))
            if version.retired is not None:
                raise RefusedError(
                    f"{version.ref} is retired: {version.retired}", hint=f"`ml feature restore {version.name}`"
                )
            known = version.view.columns
            if ref.feature is not None and ref.feature not in known:
                raise NotFoundError(
                    f"{version.ref} has no feature {ref.feature!r}",
                    hint=nearest(ref.feature, known) or f"it has {', '.join(known[:12])}",
                )
            names = wanted.setdefault(version.id, (version, {}))[1]
            names.update(dict.fromkeys([ref.feature] if ref.feature else known))
        return [(version, tuple(names)) for version, names in wanted.values()]

    def input_of(self, text: str, pinned: Mapping[str, FeatureVersion]) -> tuple[FeatureVersion, str]:
        """The view and the feature that an input of a function on demand means, such as ``delays:mean``.

        Parameters
        ----------
        text : str
            The input.
        pinned : mapping
            Versions by how inputs call the view, as `inputs_of` gives them; of others the one it means now.
        """
        ref = FeatureRef.parse(text)
        if ref.view in pinned and ref.feature in pinned[ref.view].view.columns:
            return pinned[ref.view], ref.feature
        ((version, (name,)),) = self.chosen([text])
        return version, name

    def inputs_of(self, chosen: Sequence[tuple[FeatureVersion, Sequence[str]]]) -> dict[str, FeatureVersion]:
        """The versions of views that functions on demand take inputs of, by how these call the view."""
        inputs = [one for version, _ in chosen if version.view.on_demand for one in version.view.inputs if ":" in one]
        return {FeatureRef.parse(one).view: self.input_of(one, {})[0] for one in inputs}

    def _spelt(self, features: Sequence[str]) -> list[FeatureRef]:
        found: list[FeatureRef] = []
        for text in features:
            ref = FeatureRef.parse(text)
            read = self._read(self._versions.resolve(ref.view)) if ref.feature is None else None
            if isinstance(read, ServiceDefinition):
                found += map(FeatureRef.parse, read.refs)
            else:
                found.append(ref)
        return found

    def _add(self, said: Document, message: str | None) -> FeatureVersion:
        content = said.document()
        origin = self._versions.origin()
        stored = self._objects.put(content)
        version = self._versions.add(
            said.name,
            digest=stored.digest,
            root=stored.digest,
            size=stored.size,
            new_bytes=stored.new_bytes,
            message=message,
            detail={**_detail(said), **origin.detail()},
        )
        return self._record(version)

    def _record(self, version: Version, table: str | None = None) -> FeatureVersion:
        return FeatureVersion.of(version, self._read(version), table)

    def _read(self, version: Version) -> Document:
        if version.root not in self._documents:
            self._documents[version.root] = document_of(self._objects.read(version.root))
        return self._documents[version.root]

    def _rows(self) -> list[FeatureRow]:
        """The newest version of every view and service."""
        return [FeatureRow.of(self._record(version)) for version in self._versions.newest()]

    def _refuse_other_kind(self, name: str, kind: type) -> None:
        """A view and a service share one space of names: what reads ``delay`` must know which it is."""
        try:
            known = self._read(self._versions.resolve(name))
        except NotFoundError:
            return
        if not isinstance(known, kind):
            what = "service" if isinstance(known, ServiceDefinition) else "view"
            raise InvalidError(f"there is a feature {what} named {name} already", hint="choose another name")

    def _refuse_used(self, name: str, done: str) -> None:
        if by := self.users(name):
            raise RefusedError(
                f"{name} cannot be {done}: {', '.join(by[:3])} uses it", hint=f"`ml feature usage {name}`"
            )


def _detail(said: Document) -> dict[str, Any]:
    """What the catalog keeps of it to be searched, so that no document is read for that."""
    if isinstance(said, ServiceDefinition):
        return {"form": "service", "refs": list(said.refs), "owner": said.owner, "description": said.description}
    own = {field.name: getattr(said, field.name) for field in fields(said)}
    return {
        "form": "view",
        "columns": [list(pair) for pair in said.features],
        **{key: own[key] for key in ("owner", "description", "code_digest")},
        **{key: list(own[key]) for key in ("entities", "sources", "inputs")},
    }
