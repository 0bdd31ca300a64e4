"""The features of a model that is served: those of its training set, read online by the versions that made it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, UntrustedError
from nbmlops.features.online.reading import MovedError
from nbmlops.features.registry import pinned_refs
from nbmlops.store.lineage import Lineage

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.features.online.reading import Reader
    from nbmlops.features.online.records import OnlineRows
    from nbmlops.features.records import FeatureVersion
    from nbmlops.models.records import ModelSignature
    from nbmlops.serving.endpoint.fetching import Fetcher
    from nbmlops.workspace.root import Workspace

__all__ = ["TrainedOn", "fetcher_of", "made_again", "trained_on"]

_log = logging.getLogger(__name__)


class TrainedOn:
    """The features that a model takes: versions of views, and what each feature is called among its inputs.

    Parameters
    ----------
    chosen : sequence of tuple
        Versions of views with their features that are inputs, and what these are called.
    pinned : mapping
        Versions of views that functions on demand took inputs of, by how they call the view.
    """

    def __init__(
        self, chosen: Sequence[tuple[FeatureVersion, Mapping[str, str]]], pinned: Mapping[str, FeatureVersion]
    ) -> None:
        self.chosen = tuple(chosen)
        self.pinned = pinned

    @property
    def names(self) -> list[str]:
        """Inputs that are features."""
        return [name for _, own in self.chosen for name in own.values()]

    @property
    def refs(self) -> list[str]:
        """The features, as references."""
        return [f"{version.ref}:{feature}" for version, own in self.chosen for feature in own]

    @property
    def on_demand(self) -> bool:
        """Whether some are computed on the request."""
        return any(version.view.on_demand for version, _ in self.chosen)

    def called(self, view: str, feature: str) -> str:
        """What a feature is called among the inputs."""
        return next(own[feature] for version, own in self.chosen if version.name == view and feature in own)


def trained_on(workspace: Workspace, ref: str, inputs: Sequence[str]) -> TrainedOn | None:
    """The features of the training set that a version of a model came from; None when there are none among its inputs.

    Of several training sets the one counts that has most of the inputs.
    """
    best: TrainedOn | None = None
    model, tables = workspace.versions("model").resolve(ref), workspace.versions("data")
    for kind, number in Lineage(workspace.catalog, workspace.clock).made_from(model):
        # A training set that was deleted still says what it was made of.
        tags = tables.get(number).tags if kind == "data" else {}
        if not tags.get("features"):
            continue
        try:
            chosen = [_own(workspace.feature.show(view), inputs) for view in tags["features"].split(", ")]
            pinned = {text: workspace.feature.show(said) for text, said in pinned_refs(tags).items()}
            found = TrainedOn(chosen, pinned)
        except NotFoundError as error:
            _log.warning("%s is asked with all of its inputs alone: %s", ref, error.message)
            continue
        if found.names and (best is None or len(found.names) > len(best.names)):
            best = found
    return best


def _own(version: FeatureVersion, inputs: Sequence[str]) -> tuple[FeatureVersion, Mapping[str, str]]:
    called = {feature: f"{version.name}__{feature}" for feature in version.view.columns}
    named = {feature: name if name in inputs else feature for feature, name in called.items()}
    return version, {feature: name for feature, name in named.items() if name in inputs}


def fetcher_of(workspace: Workspace, ref: str, signature: ModelSignature) -> Fetcher | None:
    """What completes requests of a version of a model; None when it was trained on no features."""
    from nbmlops.serving.endpoint.fetching import Fetcher

    inputs = [field.name for field in signature.inputs]
    found = trained_on(workspace, ref, inputs)
    if found is None:
        return None
    keys, views = _keys(workspace, found)
    return Fetcher(inputs, found.names, keys, views, lambda: _Features(workspace, found))


def _keys(workspace: Workspace, found: TrainedOn) -> tuple[list[str], list[str]]:
    """Columns by which features are found, and the versions of views that have event times."""
    keys: list[str] = []
    views: dict[str, None] = {}
    versions = [version for version, own in found.chosen if own]
    for version in versions:
        for one in version.view.inputs:
            if ":" in one:
                versions.append(workspace.feature.input_of(one, found.pinned)[0])
            elif one not in found.names:
                keys.append(one)
        keys += version.view.entities
        if version.view.time is not None:
            views[version.ref] = None
    return keys, list(views)


class _Features:
    """Reads the features of one version of a model, and follows the store where it goes."""

    def __init__(self, workspace: Workspace, found: TrainedOn) -> None:
        marker = workspace.marker
        if found.on_demand and not workspace.keyring.is_trusted(marker.id, marker.root):
            raise UntrustedError(
                f"features of {marker.root} are computed by its code, and you have not said that you trust it",
                hint="look at that code, then `ml trust`",
            )
        self._workspace = workspace
        self._found = found
        self._reader = self._open()
        self.keys = (*self._reader.kinds, *self._reader.inputs)
        self.views = tuple(one.ref for one in self._reader.looked_up if one.timed)

    def _open(self) -> Reader:
        chosen = [(version, tuple(own), False) for version, own in self._found.chosen if own]
        down: Any = self._workspace.settings.online_down
        return self._workspace.feature.reader_of(chosen, self._found.called, down, self._found.pinned)

    def read(self, given: Mapping[str, Sequence[Any]]) -> OnlineRows:
        """Features of rows, in their order."""
        try:
            return self._reader.read(given)
        except MovedError:
            self._reader = self._open()
            return self._reader.read(given)


def made_again(workspace: Workspace, ref: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The features of a model for requests, as they were known at the time of each: ``_at``.

    Parameters
    ----------
    workspace : Workspace
        Where the offline tables are.
    ref : str
        The version that answered.
    rows : pandas.DataFrame
        What was logged, with the entities and the inputs of functions by their names.

    Raises
    ------
    InvalidError
        When the model was trained on no features, or the log lacks an entity.
    """
    inputs = [field.name for field in workspace.model.show(ref).signature.inputs]
    found = trained_on(workspace, ref, inputs)
    if found is None:
        raise InvalidError(
            f"{ref} was trained on no features of a training set",
            hint="`ml feature training SPINE VIEWS`, load what that gives, and fit on it",
        )
    keys, views = _keys(workspace, found)
    missing = [key for key in dict.fromkeys(keys) if key not in rows.columns]
    if missing:
        raise InvalidError(
            f"the log of {ref} lacks {', '.join(missing)}, by which its features are found",
            hint="ask with entities instead of features, so that they are kept",
        )
    spine = rows[list(dict.fromkeys(keys))].copy()
    for column in spine.columns:
        if column not in inputs:  # kept as text, as it was sent
            spine[column] = _as_sent(spine[column])
    at = rows["_at"]
    naive = all(_is_naive(workspace, view) for view in views)
    spine["_at"] = at.dt.tz_localize(None) if naive and views else at
    rows_then = workspace.feature.recomputed(spine, found.refs, time="_at", pinned=found.pinned)
    made: pd.DataFrame = rows_then.to_pandas()
    return made.set_axis(found.names, axis=1)


def _as_sent(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column that was kept as text: numbers where all of it are."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().equals(column.notna()) and column.notna().any() else column


def _is_naive(workspace: Workspace, view: str) -> bool:
    time = workspace.feature.show(view).view.time
    kinds = {column.name: column.type for column in workspace.feature.table(view).columns}
    return "tz=" not in kinds[time or ""]
