"""Writes runs into MLflow through its own client: a run there is ended last, so one that is not whole still goes on."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import microseconds
from nbmlops.core.errors import ConflictError
from nbmlops.data import files
from nbmlops.tracking.interchange import mlflow_words as words
from nbmlops.tracking.interchange.records import Exported
from nbmlops.tracking.interchange.telling import Telling
from nbmlops.tracking.queries import interchange, values

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore

__all__ = ["export_to_mlflow"]

# MLflow takes 100 params or tags in one call, and a megabyte; these may have 8,000 characters of four bytes.
_AT_ONCE = 30
_LONGEST_PARAM, _LONGEST_TAG = 6_000, 8_000
_KEPT = frozenset({"run", "environment", "text", "cell", "edge"})
Progress = Callable[[int], object]


def export_to_mlflow(
    catalog: Catalog, objects: ObjectStore, rows: Iterable[Any], uri: str, progress: Progress | None = None
) -> Exported:
    """Write runs into the MLflow at an address; what is there already is left as it is.

    Raises
    ------
    DependencyError
        When MLflow is not installed.
    UnavailableError
        When it cannot be reached, or refuses something; what it has then is told apart by the next export.
    """
    names: list[str] = []
    running: list[str] = []
    there = 0
    with words.connected(uri) as client:
        export = _Export(client, catalog, objects)
        for row in rows:
            name = f"{row.experiment}-{row.number}"
            if row.status == "running":
                running.append(name)
            elif export.has(row):
                there += 1
            else:
                export.write(row, progress)
                names.append(name)
    count, changed = export.count, tuple(export.changed)
    return Exported(
        words.place_of(uri),
        tuple(names),
        *(count["points"], count["artifacts"], count["size"]),
        tuple(running),
        there,
        changed,
    )


class _Export:
    """One export; `count` has what was written, `changed` what does not look there as it does here."""

    def __init__(self, client: Any, catalog: Catalog, objects: ObjectStore) -> None:
        self._client, self._catalog, self._objects = client, catalog, objects
        self._ids: dict[str, str] = {}
        self._experiments: dict[str, str] = {}
        self.count: Counter[str] = Counter()
        self.changed: list[str] = []

    def has(self, row: Any) -> bool:
        """Whether a run is there; one that is there in part is taken away."""
        found = self._found(row.id, self._experiment(self._experiment_of(row)))
        if found is not None and found.info.status == "RUNNING":
            self._client.delete_run(found.info.run_id)
            return False
        if found is not None:
            self._ids[row.id] = found.info.run_id
        return found is not None

    def _experiment_of(self, row: Any) -> str:
        tags = self._catalog.read(lambda c: values.values(c, "tag", [row.id]))[row.id]
        return str(tags.get(words.EXPERIMENT, row.experiment))

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            if found is not None and found.lifecycle_stage == "deleted":
                raise ConflictError(f"the experiment {name} is deleted in MLflow", hint="restore or rename it there")
            self._experiments[name] = found.experiment_id if found else self._client.create_experiment(name)
        return self._experiments[name]

    def _found(self, run_id: str, experiment: str) -> Any:
        """A run there that was exported from here, or came from there."""
        for query in (f"tags.`{words.OWN_ID}` = '{run_id}'", f"attributes.run_id = '{run_id}'"):
            if found := self._client.search_runs([experiment], query, max_results=1):
                return found[0]
        return None

    def _parent(self, parent_id: str) -> str | None:
        if parent_id not in self._ids:
            row = self._catalog.read(lambda c: interchange.known(c, [parent_id])).get(parent_id)
            found = row and self._found(parent_id, self._experiment(self._experiment_of(row)))
            if not found:
                return None
            self._ids[parent_id] = found.info.run_id
        return self._ids[parent_id]

    def write(self, row: Any, progress: Progress | None) -> None:
        """Write one run."""
        name = f"{row.experiment}-{row.number}"
        told: dict[str, Any] = {"params": {}, "tags": {}, "artifacts": [], "lines": []}
        rest = Telling(self._catalog).run(row)
        metrics = []
        for said in rest:
            if said[0] == "metrics":  # the last of what is told, and too many to be held
                metrics.append(said)
                break
            _sort(said, told)
        tags, whole = self._words(row, name, told)
        run = self._client.create_run(
            self._experiment(self._experiment_of(row)),
            microseconds(row.started_at) // 1000,
            {words.OWN_ID: row.id, words.OWN_NAME: name},
            str(told["tags"].get(words.RUN_NAME, name)),
        )
        run_id = self._ids[row.id] = run.info.run_id
        self._log_pairs(run_id, whole["there"], tags)
        for said in chain(metrics, rest):
            self._log_points(run_id, name, said, whole)
            if progress is not None:
                progress(len(said[2]))
        self._log_artifacts(run_id, told["artifacts"], whole, progress)
        self._client.set_terminated(run_id, words.THERE[row.status], microseconds(row.ended_at) // 1000)

    def _words(self, row: Any, name: str, told: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
        """Tags as they are there, and what is kept whole beside them, params as they are there among it."""
        whole: dict[str, Any] = {"protocol": 1, "lines": told["lines"], "params": {}, "tags": {}, "metrics": {}}
        there: dict[str, str] = {}
        for key, value in told["params"].items():
            text, named = words.param_there(value), words.fitting(key)
            there[named] = text[:_LONGEST_PARAM]
            if named != key or type(words.param_here(there[named])) is not type(value) or len(text) > _LONGEST_PARAM:
                whole["params"][named] = [key, value]
            self._say(name, "param", key, named, len(text) > _LONGEST_PARAM)
        tags = {}
        for key, value in told["tags"].items():
            named = words.NOTE if key == "note" else words.fitting(key)
            if key in {words.EXPERIMENT, words.RUN_NAME, words.PARENT}:
                continue
            tags[named] = value[:_LONGEST_TAG]
            if named not in {key, words.NOTE} or len(value) > _LONGEST_TAG:
                whole["tags"][named] = [key, value]
            self._say(name, "tag", key, key if named == words.NOTE else named, len(value) > _LONGEST_TAG)
        if row.git and row.git.get("commit"):
            tags.setdefault("mlflow.source.git.commit", row.git["commit"])
        if row.parent_id:
            parent = self._parent(row.parent_id)
            tags[words.PARENT if parent else words.OWN_PARENT] = parent or row.parent_id
        return tags, {**whole, "there": there}

    def _say(self, run: str, what: str, key: str, named: str, cut: bool) -> None:
        if named != key:
            self.changed.append(f"the {what} {key[:60]} of {run} is called {named[:60]} there")
        if cut:
            self.changed.append(f"the {what} {key[:60]} of {run} is cut there, and whole in {words.WHOLE}")

    def _log_pairs(self, run_id: str, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        from mlflow.entities import Param, RunTag

        pairs = iter(params.items())
        while some := [Param(key, value) for key, value in islice(pairs, _AT_ONCE)]:
            self._client.log_batch(run_id, params=some)
        pairs = iter(tags.items())
        while labels := [RunTag(key, value) for key, value in islice(pairs, _AT_ONCE)]:
            self._client.log_batch(run_id, tags=labels)

    def _log_points(self, run_id: str, name: str, said: tuple[Any, ...], whole: dict[str, Any]) -> None:
        from mlflow.entities import Metric

        _, key, points = said
        named = words.fitting(key)
        if named != key and named not in whole["metrics"]:
            whole["metrics"][named] = key
            self._say(name, "metric", key, named, cut=False)
        there = [Metric(named, float(value), at // 1000, step) for step, at, value in points]
        # MLflow keeps one of several points that do not differ in step, millisecond and value.
        apart = len({(each.step, each.timestamp, repr(each.value)) for each in there})
        if apart < len(there):
            self.changed.append(
                f"{len(there) - apart} points of {key[:60]} of {name} differ from none there and are one"
            )
        self._client.log_batch(run_id, metrics=there)
        self.count["points"] += len(points)

    def _log_artifacts(
        self, run_id: str, kept: Iterable[tuple[str, str, int]], whole: dict[str, Any], progress: Progress | None
    ) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for name, digest, size in kept:
                path = Path(scratch) / PurePosixPath(name).name
                files.write_file(self._objects, digest, path)
                self._client.log_artifact(run_id, str(path), _folder(name))
                path.unlink()
                self.count["artifacts"] += 1
                self.count["size"] += size
                if progress is not None:
                    progress(size)
            path = Path(scratch) / PurePosixPath(words.WHOLE).name
            path.write_text(json.dumps({key: value for key, value in whole.items() if key != "there"}))
            self._client.log_artifact(run_id, str(path), _folder(words.WHOLE))


def _folder(name: str) -> str | None:
    parent = str(PurePosixPath(name).parent)
    return None if parent == "." else parent


def _sort(said: tuple[Any, ...], told: dict[str, Any]) -> None:
    """Put a line of a run where it belongs."""
    if said[0] in {"params", "tags"}:
        told[said[0]].update(said[1])
    elif said[0] == "artifact":
        told["artifacts"].append(said[1:])
    elif said[0] in _KEPT:
        told["lines"].append(said)
