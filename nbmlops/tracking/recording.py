"""Writes down what runs say: into the journal what comes often, into the catalog what others must see at once."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core import digests
from nbmlops.core.clock import microseconds
from nbmlops.core.errors import InvalidError
from nbmlops.store.addresses import recordable
from nbmlops.store.journal import Journal
from nbmlops.tracking import environment
from nbmlops.tracking.draining import Drain
from nbmlops.tracking.git_states import GitStates
from nbmlops.tracking.queries import runs, values
from nbmlops.tracking.records import Cell, Resources
from nbmlops.tracking.resources import Gauge

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.objects import Stored
    from nbmlops.tracking.ending import Ending

__all__ = ["Recording"]

_TRUSTED = 1.0
"""Seconds for which a run that another process began counts as running without a look."""

_NUMBERS = 200
"""Numbers of a vector in one fact."""


class _Begun(NamedTuple):
    at: datetime
    params: dict[str, Any]
    notebook: str | None
    gauge: Gauge


class Recording:
    """What this process says of runs.

    Parameters
    ----------
    catalog : Catalog
        Where runs are recorded.
    clock : Clock
        Tells when.
    root : Path
        The project's folder, whose git state a run keeps.
    folder : Path
        Where the journals lie.
    """

    def __init__(self, catalog: Catalog, clock: Clock, root: Path, folder: Path) -> None:
        self._catalog = catalog
        self._clock = clock
        self._journal = Journal(folder)
        self._drain = Drain(catalog, self._journal, folder)
        self._git = GitStates(root, self._git_state)
        # The runs that this process began and did not end, with their params; others, with when they were seen running.
        self._mine: dict[str, _Begun] = {}
        self._seen: dict[str, float] = {}
        self._known: set[str] = set()
        self._environment = ""
        self._sources: set[str] = set()

    def begin(self, run_id: str, fields: dict[str, Any], params: dict[str, Any], tags: dict[str, str]) -> None:
        """A run begins."""
        digest, content = environment.identified()
        if self._environment != digest:
            self._say("environment", digest, content)
            self._environment = digest
        at = self._clock.now()
        started = {"started_at": microseconds(at), "environment": digest}
        self._say("begin", {"id": run_id, **fields, **started}, params, tags)
        self._mine[run_id] = _Begun(at, dict(params), fields["notebook"], Gauge())
        self._git.ask(run_id)

    def resume(self, run_id: str, params: Mapping[str, Any], notebook: str | None) -> None:
        """A run goes on in this process that another began."""
        self._mine[run_id] = _Begun(self._clock.now(), dict(params), notebook, Gauge())

    def metrics(self, run_id: str, points: Mapping[str, float], step: int | None) -> None:
        """A run measured something."""
        self._check(run_id)
        # Written by hand: this is what is called in a loop.
        told = ",".join([f"{_quoted(key)}:{_shown(value)}" for key, value in points.items()])
        shown = "null" if step is None else step
        self._journal.append_text(f'["metrics","{run_id}",{self._now()},{shown},{{{told}}}]')
        self._drain.nudge()

    def series(self, run_id: str, key: str, numbers: Sequence[float], step: int | None) -> None:
        """A run measured one thing several times, at a step and those after it."""
        self._check(run_id)
        for start in range(0, len(numbers), _NUMBERS):
            told = [value if math.isfinite(value) else repr(value) for value in numbers[start : start + _NUMBERS]]
            self._say("series", run_id, self._now(), None if step is None else step + start, key, told)

    def params(self, run_id: str, found: dict[str, Any]) -> None:
        """A run was given something.

        Raises
        ------
        ConflictError
            When a param has another value already.
        """
        begun = self._mine.get(run_id)
        if begun is None:
            self.write(run_id, lambda c: values.add_params(c, run_id, found))
            return
        values.refuse_change(begun.params, found)
        new = {key: value for key, value in found.items() if key not in begun.params}
        self._say("params", run_id, new)
        begun.params.update(new)

    def tags(self, run_id: str, found: dict[str, str]) -> None:
        """A run gets labels."""
        if run_id in self._mine:
            self._say("tags", run_id, found)
        else:
            self.write(run_id, lambda c: values.add_tags(c, run_id, found))

    def artifacts(self, run_id: str, kept: Mapping[str, Stored]) -> None:
        """A run keeps objects of the store, all of them or none."""
        self.write(run_id, lambda c: values.set_artifacts(c, run_id, kept))

    def began(self, run_id: str) -> datetime | None:
        """When a run began, or went on, that this process began or resumed and did not end."""
        begun = self._mine.get(run_id)
        return begun.at if begun else None

    def taken(self, run_id: str) -> Resources | None:
        """What this process has taken since it began a run; None for a run that it did not begin."""
        begun = self._mine.get(run_id)
        return begun.gauge.read() if begun else None

    def notebook(self, run_id: str) -> str | None:
        """The notebook of a run."""
        if begun := self._mine.get(run_id):
            return begun.notebook
        row = self._catalog.read(lambda c: runs.told(c, run_id))
        return None if row is None else row["notebook"]

    def end(self, run_id: str, ending: Ending) -> bool:
        """End a run that this process began; False when another did, or it has ended already."""
        if self._mine.pop(run_id, None) is None:
            return False
        if ending.source is not None:
            self.source(ending.source)
        cells = [_told(cell) for cell in ending.cells]
        self._say("end", run_id, ending.status, self._now(), ending.error, cells, ending.about)
        return True

    def write(self, run_id: str, work: Callable[[Connection], None]) -> None:
        """Write to a run that is running, in one transaction.

        Raises
        ------
        InvalidError
            When it has ended.
        """
        self._drain.own()

        def checked(connection: Connection) -> None:
            _refuse_ended(runs.state(connection, run_id))
            work(connection)

        self._catalog.transact(checked)

    def settle(self) -> None:
        """Bring the catalog to what this process has said, and those that are gone."""
        self._git.settle()
        self._drain.everyone()

    def close(self) -> None:
        """Bring the catalog to what was said, and leave no journal behind."""
        self._git.settle()
        self._drain.close()

    def _check(self, run_id: str) -> None:
        if run_id in self._mine or time.monotonic() - self._seen.get(run_id, -_TRUSTED) < _TRUSTED:
            return
        self._drain.own()
        _refuse_ended(self._catalog.read(lambda c: runs.state(c, run_id)))
        self._seen[run_id] = time.monotonic()

    def knows(self, run_id: str) -> bool:
        """Whether the catalog has a run; asked once for each that it has."""
        if run_id not in self._known and self._catalog.read(lambda c: runs.state(c, run_id)) is not None:
            self._known.add(run_id)
        return run_id in self._known

    def source(self, text: str) -> str:
        """A text that runs refer to is kept, once; its digest."""
        digest = digests.of_text(text)
        if digest not in self._sources:
            self._say("source", digest, text)
            self._sources.add(digest)
        return digest

    def _git_state(self, run_id: str, state: Mapping[str, Any], diff: str | None) -> None:
        if diff is not None:
            self.source(diff)
        self._say("git", run_id, state)

    def _say(self, *fact: Any) -> None:
        self._journal.append(*fact)
        self._drain.nudge()

    def _now(self) -> int:
        return microseconds(self._clock.now())


@lru_cache(maxsize=10_000)
def _quoted(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def _shown(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'"{value!r}"'


def _refuse_ended(found: Any) -> None:
    if found is not None and found.status != "running":
        raise InvalidError(
            f"the run {found.experiment}-{found.number} is {found.status}", hint="start another: `%%ml run NAME`"
        )


def _told(cell: Cell) -> dict[str, Any]:
    # A journal is a file like others: secrets of addresses are left out of it as they are of the catalog.
    told = {name: getattr(cell, name) for name in Cell.__slots__}  # `asdict` takes ten times as long
    kept = {"source": recordable(cell.source), "error": cell.error and recordable(cell.error)}
    resources = cell.resources and {name: getattr(cell.resources, name) for name in Resources.__slots__}
    return {**told, **kept, "started_at": microseconds(cell.started_at), "resources": resources}
