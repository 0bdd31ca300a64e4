"""Takes runs of MLflow in through its own client: they are written down as an export has them, and that is imported."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.store.streams import digest_of_file
from nbmlops.tracking.artifacts import check_artifact
from nbmlops.tracking.interchange import mlflow_words as words
from nbmlops.tracking.interchange.form import ARTIFACTS, AT_ONCE, LINES, Writer, shown
from nbmlops.tracking.interchange.importing import take_in
from nbmlops.tracking.interchange.records import Imported
from nbmlops.tracking.queries import interchange

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore

__all__ = ["import_from_mlflow"]

_PAGE = 500
# The stores of MLflow keep the largest number in the place of an infinity.
_LARGEST = 1.7976931348623157e308
_SOURCES = "mlflow.datasets"
"""Tag here: the datasets that a run there was given."""
Progress = Callable[[int], object]
_Said = tuple[Any, ...]


def import_from_mlflow(
    catalog: Catalog,
    objects: ObjectStore,
    uri: str,
    experiment: str | None,
    scratch: Path,
    progress: Progress | None = None,
) -> Imported:
    """Take in the runs of MLflow at an address that are not here, and those that still went on when they came.

    Raises
    ------
    DependencyError
        When MLflow is not installed.
    NotFoundError
        When there is no such database or experiment.
    UnavailableError
        When it cannot be reached.
    """
    database = Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
    if database is not None and not database.is_file():
        raise NotFoundError(f"there is no database {database} of MLflow", hint="check the path")
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as made, words.connected(uri) as client:
        folder = Path(made)
        (folder / ARTIFACTS).mkdir()
        reading = _Reading(client, catalog, folder)
        with (folder / LINES).open("wb") as sink:
            reading.write(sink, experiment)
        done = take_in(catalog, objects, folder, progress)
    return replace(
        done,
        source=words.place_of(uri),
        there=reading.there,
        # Numbers are given here: nothing was called so there.
        renamed=(),
        changed=tuple(reading.changed),
    )


class _Reading:
    """One import; `there` counts the runs that are here already, `changed` says what is not as it is there."""

    def __init__(self, client: Any, catalog: Catalog, folder: Path) -> None:
        self._client, self._catalog, self._folder = client, catalog, folder
        self._numbers: Counter[str] = Counter()
        self._environments: set[str] = set()
        self._parents: dict[str, str] = {}
        self.there = 0
        self.changed: list[str] = []

    def write(self, sink: IO[bytes], only: str | None) -> None:
        """Write down all runs that are wanted."""
        writer = Writer(sink)
        for experiment in self._experiments(only):
            name = words.experiment_here(experiment.name)
            if name != experiment.name:
                self.changed.append(f"the experiment {experiment.name[:80]} is called {name} here")
            for run in self._runs(experiment.experiment_id):
                self._numbers[name] += 1
                known = self._catalog.read(partial(interchange.known, ids=[_own_id(run)])).get(_own_id(run))
                if known is not None and (known.status != "running" or known.writer is not None):
                    self.there += 1
                    continue
                for said in self._told(run, experiment.name, name):
                    if said[0] != "environment" or said[1] not in self._environments:
                        writer.say(*said)
                    if said[0] == "environment":
                        self._environments.add(said[1])
        writer.end()

    def _experiments(self, only: str | None) -> Iterator[Any]:
        found, token = 0, None
        while True:
            page = self._client.search_experiments(max_results=_PAGE, page_token=token)
            for experiment in page:
                if only in {None, experiment.name, words.experiment_here(experiment.name)}:
                    found += 1
                    yield experiment
            token = page.token
            if not token:
                break
        if only is not None and not found:
            raise NotFoundError(f"MLflow has no experiment {only!r}", hint="leave it out to take in all of them")

    def _runs(self, experiment_id: str) -> Iterator[Any]:
        token = None
        while True:
            order = ["attributes.start_time ASC"]
            page = self._client.search_runs([experiment_id], max_results=_PAGE, order_by=order, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _told(self, run: Any, experiment: str, name: str) -> Iterator[_Said]:
        """What is told of a run, line by line."""
        run_id = run.info.run_id
        place = self._folder / "fetched"
        kept = self._fetched(run, place)
        whole = _whole(kept, run)
        if whole["lines"]:
            yield from whole["lines"]
        else:
            yield "run", self._fields(run, name)
        params = [whole["params"].get(key, (key, words.param_here(text))) for key, text in run.data.params.items()]
        yield from _some("params", dict(params))
        tags = self._tags(run, whole)
        if name != experiment:
            tags[words.EXPERIMENT] = experiment
        yield from _some("tags", tags)
        for key in run.data.metrics:
            yield from self._points(run_id, key, whole["metrics"].get(key, key))
        for inner, path in kept.items():
            if inner != words.WHOLE or not whole["lines"]:
                yield self._moved(inner, path)
        shutil.rmtree(place, ignore_errors=True)

    def _fields(self, run: Any, name: str) -> dict[str, Any]:
        status, began = words.HERE[run.info.status], run.info.start_time or 0
        ended = None if status == "running" else (run.info.end_time or began) * 1000
        tags = run.data.tags
        parent = tags.get(words.PARENT)
        return {
            "id": _own_id(run),
            "experiment": name,
            "number": self._numbers[name],
            "kind": "run",
            "status": status,
            "parent_id": self._parent(parent) if parent else tags.get(words.OWN_PARENT),
            "started_at": began * 1000,
            "ended_at": ended,
            **dict.fromkeys(("error", "notebook", "git", "environment", "resources", "hidden_state")),
        }

    def _parent(self, run_id: str) -> str:
        """Our id of a run there."""
        if run_id not in self._parents:
            all_of_them = [each.experiment_id for each in self._experiments(None)]
            found = self._client.search_runs(all_of_them, f"attributes.run_id = '{run_id}'", max_results=1)
            self._parents[run_id] = _own_id(found[0]) if found else run_id
        return self._parents[run_id]

    def _tags(self, run: Any, whole: Mapping[str, Any]) -> dict[str, str]:
        tags: dict[str, str] = {}
        ours = run.data.tags.get(words.OWN_NAME)
        own = {words.OWN_ID, words.OWN_NAME, words.OWN_PARENT, words.PARENT}
        for key, value in run.data.tags.items():
            if key in own or (ours and (key == "mlflow.source.git.commit" or (key, value) == (words.RUN_NAME, ours))):
                continue
            named, text = whole["tags"].get(key, ("note" if key == words.NOTE else key, value))
            tags[named] = text
        given = getattr(run.inputs, "dataset_inputs", None) or []
        if given:
            tags[_SOURCES] = json.dumps([{**vars(each.dataset)} for each in given], default=str)
            self.changed.append(f"the datasets of run {run.info.run_id} are kept as the tag {_SOURCES}")
        return tags

    def _points(self, run_id: str, key: str, named: str) -> Iterator[_Said]:
        # As MLflow tells which is the last: by step, then by time, then by value; and here by step, then by arrival.
        found = sorted(
            self._client.get_metric_history(run_id, key),
            key=lambda point: (point.timestamp, -_LARGEST if math.isnan(point.value) else point.value),
        )
        for start in range(0, len(found), AT_ONCE):
            some = found[start : start + AT_ONCE]
            yield "metrics", named, [[each.step, each.timestamp * 1000, _value(each.value)] for each in some]

    def _fetched(self, run: Any, place: Path) -> dict[str, Path]:
        """The artifacts of a run by name, fetched into a folder."""
        run_id = run.info.run_id
        if not self._client.list_artifacts(run_id):
            return {}
        place.mkdir()
        root = Path(self._client.download_artifacts(run_id, "", str(place)))
        found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
        return {check_artifact(name): path for name, path in found.items() if not path.is_symlink()}

    def _moved(self, name: str, path: Path) -> _Said:
        with path.open("rb") as stream:
            digest = digest_of_file(stream)
        size = path.stat().st_size
        path.replace(self._folder / ARTIFACTS / digest)
        return "artifact", name, digest, size


def _own_id(run: Any) -> str:
    return str(run.data.tags.get(words.OWN_ID, run.info.run_id))


def _value(value: float) -> float | str:
    return shown(float("inf") if value >= _LARGEST else float("-inf") if value <= -_LARGEST else value)


def _some(kind: str, pairs: Mapping[str, Any]) -> Iterator[_Said]:
    items = list(pairs.items())
    for start in range(0, len(items), AT_ONCE):
        yield kind, dict(items[start : start + AT_ONCE])


def _whole(kept: Mapping[str, Path], run: Any) -> dict[str, Any]:
    """What was kept whole beside a run that was exported from here; all empty for any other."""
    nothing: dict[str, Any] = {"lines": [], "params": {}, "tags": {}, "metrics": {}}
    if words.OWN_ID not in run.data.tags or words.WHOLE not in kept:
        return nothing
    try:
        found = json.loads(kept[words.WHOLE].read_bytes())
        about = next(line[1] for line in found["lines"] if line[0] == "run")
        if found["protocol"] != 1 or about["id"] != _own_id(run):
            raise ValueError("it is of another run")
        pairs = {what: {key: tuple(pair) for key, pair in found[what].items()} for what in ("params", "tags")}
        return {"lines": found["lines"], "metrics": dict(found["metrics"]), **pairs}
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        raise CorruptError(
            f"the artifact {words.WHOLE} of run {run.info.run_id} cannot be read: {error!r}"[:300],
            hint="delete it in MLflow to take the run in without it",
        ) from None
