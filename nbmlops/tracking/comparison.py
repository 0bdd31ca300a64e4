"""What differs between runs: what they were given, read and reached, what they ran on, and their code, cell by cell."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.records import Cell, Run

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CodeChange", "Comparison", "Difference", "compare"]

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that runs have or have not, by run; None where one has it not."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CodeChange:
    """A cell whose code is not the same in two runs: added, removed or changed; `lines` are a unified diff."""

    what: str
    run: str
    cell_id: str | None
    position: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs beside each other.

    Attributes
    ----------
    runs : tuple of Run
        The runs, in the order asked for.
    params, tags, inputs, environment : tuple of Difference
        What differs, by name.
    metrics : tuple of Difference
        The last value of every metric that some run has.
    cells : tuple of CodeChange
        What the code of each run after the first is to that of the first.
    curves : Mapping[str, tuple[Points, ...]]
        The points of metrics that have more than one, thinned, for each run.
    """

    runs: tuple[Run, ...]
    params: tuple[Difference, ...]
    metrics: tuple[Difference, ...]
    tags: tuple[Difference, ...]
    inputs: tuple[Difference, ...]
    environment: tuple[Difference, ...]
    cells: tuple[CodeChange, ...]
    curves: Mapping[str, tuple[Points, ...]]

    def to_pandas(self) -> pd.DataFrame:
        """Params, metrics, tags and inputs as a table: a row for each, a column for each run."""
        import pandas as pd

        groups = {"params": self.params, "metrics": self.metrics, "tags": self.tags, "inputs": self.inputs}
        rows = [(group, each.name, *each.values) for group, found in groups.items() for each in found]
        columns = ["group", "name", *(run.name for run in self.runs)]
        return pd.DataFrame(rows, columns=columns).set_index(["group", "name"])


def compare(runs: Sequence[Run], curve: Callable[[Run, str], Points]) -> Comparison:
    """Put runs beside each other; `curve` gives the points of a metric of a run."""
    return Comparison(
        runs=tuple(runs),
        params=_differing([run.params for run in runs]),
        metrics=_beside([run.metrics for run in runs]),
        tags=_differing([run.tags for run in runs]),
        inputs=_differing([_by_name(run.inputs) for run in runs]),
        environment=_differing([_flat(run) for run in runs]),
        cells=tuple(change for run in runs[1:] for change in _cells(runs[0], run)),
        curves=_curves(runs, curve),
    )


def _beside(found: Sequence[Mapping[str, Any]]) -> tuple[Difference, ...]:
    names = sorted({name for each in found for name in each})
    return tuple(Difference(name, tuple(each.get(name) for each in found)) for name in names)


def _differing(found: Sequence[Mapping[str, Any]]) -> tuple[Difference, ...]:
    return tuple(each for each in _beside(found) if any(value != each.values[0] for value in each.values[1:]))


def _by_name(refs: Iterable[str]) -> dict[str, str]:
    """References by what they are versions of; several versions of one as one text."""
    found: dict[str, list[str]] = {}
    for ref in refs:
        found.setdefault(ref.partition("@")[0], []).append(ref.partition("@")[2])
    return {name: ", ".join(versions) for name, versions in found.items()}


def _flat(run: Run) -> dict[str, Any]:
    content, git = dict(run.environment or {}), run.git or {}
    distributions, threads = content.pop("distributions", {}), content.pop("threads", {})
    told = {"git branch": git.get("branch"), "git commit": git.get("commit"), "git diff": git.get("diff")}
    return {**content, **distributions, **threads, **{name: value for name, value in told.items() if value}}


def _cells(before: Run, after: Run) -> Iterable[CodeChange]:
    """What became of each cell: found again by its id, else by its place among the code that is the same."""
    old, new = before.cells, after.cells
    places = {cell.cell_id: place for place, cell in enumerate(old) if cell.cell_id is not None}
    pairs = {place: places[cell.cell_id] for place, cell in enumerate(new) if cell.cell_id in places}
    rest_old = [place for place in range(len(old)) if place not in pairs.values()]
    rest_new = [place for place in range(len(new)) if place not in pairs]
    matcher = difflib.SequenceMatcher(
        None, [old[place].digest for place in rest_old], [new[place].digest for place in rest_new], autojunk=False
    )
    for _, start, end, first, last in matcher.get_opcodes():
        pairs |= dict(zip(rest_new[first:last], rest_old[start:end], strict=False))
    for place, cell in enumerate(new):
        if place not in pairs:
            yield _change("added", after, cell, "", cell.source)
        elif old[pairs[place]].source != cell.source:
            yield _change("changed", after, cell, old[pairs[place]].source, cell.source)
    for place, cell in enumerate(old):
        if place not in pairs.values():
            yield _change("removed", after, cell, cell.source, "")


def _change(what: str, run: Run, cell: Cell, before: str, after: str) -> CodeChange:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))
    # The first two name files, of which there are none.
    return CodeChange(what, run.name, cell.cell_id, cell.position, tuple(lines[2:]))


def _curves(runs: Sequence[Run], curve: Callable[[Run, str], Points]) -> dict[str, tuple[Points, ...]]:
    names = sorted({name for run in runs for name in run.metrics})
    found = {name: tuple(curve(run, name) if name in run.metrics else () for run in runs) for name in names}
    return {name: points for name, points in found.items() if any(len(each) > 1 for each in points)}
