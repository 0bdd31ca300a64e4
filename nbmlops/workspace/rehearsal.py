"""A pipeline rehearsed on a sample: in a copy of the project with a store of its own, which is taken away in the end.

Nothing that a step saves, logs or moves reaches the real workspace; what it writes beside its notebook is written into
the copy. Only the report is kept. What steps reach by themselves (addresses, databases, absolute paths) is not sampled.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError, NbmlopsError, UnsupportedError
from nbmlops.core.refs import Ref
from nbmlops.pipelines.request import Cancellation
from nbmlops.store import lineage
from nbmlops.workspace import layout
from nbmlops.workspace.catalogs import create_catalog

if TYPE_CHECKING:
    from nbmlops.core.signs import StepProgress
    from nbmlops.pipelines.graph import Graph
    from nbmlops.pipelines.scan import Access
    from nbmlops.workspace.root import Workspace

__all__ = ["rehearse", "rehearser"]

_LEFT_OUT = (
    layout.FOLDER,
    ".git",
    ".venv*",
    "venv",
    "node_modules",
    "__pycache__",
    ".ipynb_checkpoints",
    "nbmlops.lock",
)
_ELSEWHERE = ("NBMLOPS_CATALOG", "NBMLOPS_OBJECTS")
_SEED = 20_240_229
_DONE = frozenset({"completed", "skipped"})

Progress = Callable[["StepProgress"], None]


def rehearse(
    workspace: Workspace, name: str, rows: int | None, timeout: float | None = None, progress: Progress | None = None
) -> Report:
    """Run a pipeline on samples of what it reads, and keep the report; see `Pipelines.rehearse`."""
    if rows is not None and rows < 1:
        raise InvalidError(f"{rows} rows are none", hint="--rows 1000")
    if timeout is not None and not timeout > 0:
        raise InvalidError(f"{timeout:g} seconds are none", hint="--timeout 600")
    if named := [variable for variable in _ELSEWHERE if os.environ.get(variable)]:
        raise UnsupportedError(f"a rehearsal needs a store of its own, and {named[0]} is set", hint=f"unset {named[0]}")
    graph = workspace.pipeline.show(name)
    with _copied(workspace) as copy:
        inputs = [_given(workspace, copy, access, rows) for access in _outside(graph)]
        stopped = any(outcome.status == "errored" for outcome in inputs)
        steps = [] if stopped else _steps(copy, graph, name, timeout, progress)
    run_id, now = lineage.current().run_id, workspace.clock.now()
    suite = f"rehearsal on {'all' if rows is None else f'{rows:,}'} rows"
    report = Report(None, suite, "infrastructure", name, (*inputs, *steps), now, run_id)
    return workspace.check.save(report)


@contextmanager
def _copied(workspace: Workspace) -> Iterator[Workspace]:
    """A copy of the project with an empty store inside, taken away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="nbmlops-rehearsal-"))
    root = folder / workspace.marker.root.name
    try:
        shutil.copytree(workspace.marker.root, root, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
        _without_places(root / "pyproject.toml")
        settings = replace(workspace.settings, catalog=None, objects=None, from_project=())
        now = workspace.clock.now()
        marker = layout.make(root, user="rehearsal", now=now, fill=lambda at: create_catalog(at, root, settings))
        with type(workspace)(marker, settings) as copy:
            yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _without_places(path: Path) -> None:
    """Take catalog, objects and remotes out of the copy's settings, so that its kernels find its own store.

    Nobody is asked to approve what happens in the copy.
    """
    import tomlkit

    if not path.is_file():
        return
    document: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = document.get("tool", {}).get("nbmlops", {})
    for key in ("catalog", "objects", "remotes", "approvals"):
        if key in table:
            del table[key]
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _outside(graph: Graph) -> list[Access]:
    """What steps read that no step of the pipeline writes, each reference once."""
    written = {(access.kind, access.name) for step in graph.steps for access in step.writes}
    found = {
        (access.kind, access.ref): access
        for step in graph.steps
        for access in (*step.reads, *step.checks)
        if not (access.is_bare and (access.kind, access.name) in written)
    }
    return list(found.values())


def _given(workspace: Workspace, copy: Workspace, access: Access, rows: int | None) -> Outcome:
    """Save a sample of what a reference names into the copy, under the same reference."""
    check = f"input {access.ref}"
    try:
        if access.kind == "model":
            value, figure = workspace.model.load(access.ref), "the model"
        else:
            value, figure = _sampled(workspace, access.ref, rows)
        _saved(copy, access, value)
    except NbmlopsError as error:
        return Outcome(check, None, "errored", "", "", error.message)
    return Outcome(check, None, "passed", figure, "")


def _sampled(workspace: Workspace, ref: str, rows: int | None) -> tuple[Any, str]:
    import numpy as np

    version = workspace.data.show(ref)
    value = workspace.data.load(version.ref)
    if rows is None or version.rows is None or version.rows <= rows or not hasattr(value, "iloc"):
        return value, "whole"
    places = np.sort(np.random.default_rng(_SEED).choice(len(value), rows, replace=False))
    return value.iloc[places].reset_index(drop=True), f"{rows:,} of {version.rows:,} rows"


def _saved(copy: Workspace, access: Access, value: Any) -> None:
    ref = Ref.parse(access.ref)
    if ref.number not in (None, 1) or ref.prefix is not None:
        raise UnsupportedError(
            f"{access.ref} names one version by its number, which the copy cannot have",
            hint="read the name or an alias of it in the notebook",
        )
    service: Any = copy.model if access.kind == "model" else copy.data
    saved = service.save(value, access.name)
    if ref.alias is None:
        return
    if access.kind == "model":
        copy.model.promote(saved.ref, ref.alias)
    else:
        copy.data.alias(saved.ref, ref.alias)


def _steps(copy: Workspace, graph: Graph, name: str, timeout: float | None, progress: Progress | None) -> list[Outcome]:
    """Run the copy's pipeline; one outcome for each step."""
    ends: dict[str, StepProgress] = {}
    guard = threading.Lock()

    def tell(sign: StepProgress) -> None:
        with guard:
            ends[sign.step] = sign
        if progress is not None:
            progress(sign)

    said, began, stop = "", time.monotonic(), Cancellation()
    with _stopped_after(timeout, stop):
        try:
            copy.pipeline.run(name, cache=False, progress=tell, cancellation=stop, executor="threads")
        except NbmlopsError as error:
            said = error.message
        except KeyboardInterrupt:
            if timeout is None or time.monotonic() - began < timeout:
                raise  # a person stopped it, not the limit
    found = [_step(step.name, ends.get(step.name)) for step in graph.steps]
    if said and all(outcome.status == "passed" for outcome in found):
        found.append(Outcome("pipeline", None, "failed", "", "it commits", said))
    if timeout is not None and stop.is_cancelled:
        figure = f"stopped after {time.monotonic() - began:.1f} s"
        found.append(Outcome("time", None, "failed", figure, f"at most {timeout:g} s"))
    return found


@contextmanager
def _stopped_after(seconds: float | None, stop: Cancellation) -> Iterator[None]:
    """Cancel after so many seconds, unless the body of the ``with`` has ended."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, stop.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _step(name: str, end: StepProgress | None) -> Outcome:
    check, asked = f"step {name}", "completed"
    if end is None or end.state in {"waiting", "running"}:
        return Outcome(check, None, "errored", "not run", asked, "an earlier step failed")
    figure = f"{end.state.replace('_', ' ')} in {end.seconds:.1f} s"
    if end.state in _DONE:
        return Outcome(check, None, "passed", figure, asked, number=end.seconds)
    return Outcome(check, None, "failed", figure, asked, end.why)


def rehearser(workspace: Workspace) -> Callable[[str, int | None, float | None, Progress | None], Report]:
    """What `Pipelines` asks for a rehearsal: `rehearse` of this workspace."""
    return lambda name, rows, timeout, progress: rehearse(workspace, name, rows, timeout, progress)
