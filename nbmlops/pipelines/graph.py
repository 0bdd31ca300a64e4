"""The graph of a pipeline's steps, inferred from what their notebooks read and write.

A step that reads a bare name follows the step that writes it. A step that checks a name strictly is a
gate: whoever else reads that name waits for it, so that nothing is built on data that is refused.
"""

from __future__ import annotations

import graphlib
import heapq
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.pipelines import drawing
from nbmlops.pipelines.cells import Notebook, code_cells, literal_parameters
from nbmlops.pipelines.scan import Access, Dynamic, scan_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbmlops.pipelines.scan import Kind

__all__ = ["Edge", "Graph", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One notebook of a pipeline; `name` is the stem of its file.

    `parameters` holds the names and literal defaults; `reads` only what comes from outside the step.
    """

    name: str
    path: Path
    parameters: Mapping[str, Any]
    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    checks: tuple[Access, ...] = ()
    dynamic: tuple[Dynamic, ...] = ()

    @classmethod
    def of(cls, notebook: Notebook, path: Path | str, parameters: Mapping[str, Any] | None = None) -> Step:
        """Scan `notebook`, which lies at `path`, as it would run with `parameters`."""
        cells = code_cells(notebook)
        values = literal_parameters(cells) | dict(parameters or {})
        found = scan_cells(cells, parameters)
        # What the notebook wrote itself further up is not an input.
        own = {(w.kind, w.name): (w.cell, w.line) for w in reversed(found.writes)}
        reads = tuple(
            r for r in found.reads if not (r.is_bare and own.get((r.kind, r.name), _NEVER) < (r.cell, r.line))
        )
        return cls(PurePath(path).stem, Path(path), values, reads, found.writes, found.checks, found.dynamic)


@dataclass(frozen=True, slots=True)
class Edge:
    """`after` waits for `before`: it reads what `before` writes, or (`gate`) what `before` checks strictly."""

    before: str
    after: str
    kind: Kind
    name: str
    gate: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps in an order in which they can run, stable by name, and why they wait for one another.

    `external` pairs the name of a step with a read that no step of the pipeline writes.
    """

    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    external: tuple[tuple[str, Access], ...]

    @classmethod
    def infer(cls, steps: Iterable[Step], exists: Callable[[Access], bool] | None = None) -> Graph:
        """Join `steps` by what they read and write.

        Parameters
        ----------
        steps : iterable of Step
            The notebooks of one pipeline, in any order.
        exists : callable, optional
            Whether the version that an external read refers to exists; without it, every one is taken to.

        Raises
        ------
        InvalidError
            When two notebooks have one name, two steps write one name, a read has no producer, or steps
            wait for each other in a circle. The message names notebooks, cells and lines.
        """
        named = sorted(steps, key=lambda step: _natural(step.name))
        writers = _writers(named)
        external = [(s, read) for s in named for read in s.reads if not _written_for(s, read, writers)]
        faults = [*_same_names(named), *_two_writers(writers)]
        faults += [_missing(step, read, writers) for step, read in external if exists and not exists(read)]
        if faults:
            raise InvalidError("\n".join(faults), hint="nbmlops pipeline show NAME draws what reads and writes what")
        edges = list(_data_edges(named, writers))
        edges += _gates(named, edges)
        _refuse_cycle(named, edges)
        return cls(_ordered(named, edges), tuple(edges), tuple((step.name, read) for step, read in external))

    def step(self, name: str) -> Step:
        """Give the step called `name`, or raise `InvalidError` with the nearest names."""
        for step in self.steps:
            if step.name == name:
                return step
        raise InvalidError(f"there is no step {name!r}", hint=nearest(name, (step.name for step in self.steps)))

    def upstream(self, name: str) -> tuple[str, ...]:
        """Names of the steps that the step `name` waits for directly, in order."""
        before = {edge.before for edge in self.edges if edge.after == name}
        return tuple(step.name for step in self.steps if step.name in before)

    def downstream(self, name: str) -> tuple[str, ...]:
        """Names of the steps that wait for `name` directly, in order."""
        after = {edge.after for edge in self.edges if edge.before == name}
        return tuple(step.name for step in self.steps if step.name in after)

    def generations(self) -> tuple[tuple[Step, ...], ...]:
        """Group the steps so that each group needs only the groups before it and can run in parallel."""
        before, depth = _predecessors(self.edges), dict[str, int]()
        groups: dict[int, list[Step]] = defaultdict(list)
        for step in self.steps:
            depth[step.name] = max((depth[name] + 1 for name in before[step.name]), default=0)
            groups[depth[step.name]].append(step)
        return tuple(tuple(groups[level]) for level in sorted(groups))

    def mermaid(self) -> str:
        """Draw the graph as a Mermaid flowchart."""
        return drawing.mermaid(self)

    def text(self) -> str:
        """Draw the graph as a tree of lines."""
        return drawing.text(self)


_NEVER = (1 << 31, 0)
_Writers = Mapping[tuple[str, str], list[tuple[Step, Access]]]


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Order `2_validate` before `10_report`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name


def _place(step: Step, access: Access) -> str:
    return f"{step.path.name} cell {access.cell} line {access.line}"


def _writers(steps: Iterable[Step]) -> _Writers:
    writers: dict[tuple[str, str], list[tuple[Step, Access]]] = defaultdict(list)
    for step in steps:
        for write in step.writes:
            writers[write.kind, write.name].append((step, write))
    return writers


def _written_for(step: Step, read: Access, writers: _Writers) -> bool:
    found = writers.get((read.kind, read.name), ())
    return read.is_bare and any(writer is not step for writer, _ in found)


def _same_names(steps: list[Step]) -> Iterator[str]:
    for first, second in pairwise(steps):
        if first.name == second.name:
            yield f"two notebooks are called {first.name}: {first.path} and {second.path}"


def _two_writers(writers: _Writers) -> Iterator[str]:
    for (kind, name), found in writers.items():
        first: dict[str, str] = {}
        for step, write in found:
            first.setdefault(step.name, _place(step, write))
        if len(first) > 1:
            yield f"{kind} {name} is written by {len(first)} steps: {', '.join(first.values())}; one must own it"


def _missing(step: Step, read: Access, writers: _Writers) -> str:
    hint = nearest(read.name, (name for kind, name in writers if kind == read.kind and name != read.name))
    said = f"; {hint}" if hint else ""
    return f"{_place(step, read)} reads {read.kind} {read.ref}, which no step writes and the store does not hold{said}"


def _data_edges(steps: Iterable[Step], writers: _Writers) -> Iterator[Edge]:
    seen = set[Edge]()
    for step in steps:
        for read in step.reads:
            for writer, _ in writers.get((read.kind, read.name), ()) if read.is_bare else ():
                edge = Edge(writer.name, step.name, read.kind, read.name)
                if writer is not step and edge not in seen:
                    seen.add(edge)
                    yield edge


def _gates(steps: list[Step], edges: list[Edge]) -> list[Edge]:
    """Let the readers of a name wait for its strict check, wherever that closes no circle."""
    after: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        after[edge.before].add(edge.after)
    found: list[Edge] = []
    for gate in steps:
        for name in dict.fromkeys(check.name for check in gate.checks if check.is_bare):
            for step in steps:
                reads = any(r.kind == "data" and r.name == name and r.is_bare for r in step.reads)
                own = any(check.name == name for check in step.checks)
                if reads and not own and step is not gate and gate.name not in _reached(step.name, after):
                    found.append(Edge(gate.name, step.name, "data", name, gate=True))
                    after[gate.name].add(step.name)
    return found


def _reached(start: str, after: Mapping[str, set[str]]) -> set[str]:
    found, stack = set[str](), [start]
    while stack:
        for name in after.get(stack.pop(), ()):
            if name not in found:
                found.add(name)
                stack.append(name)
    return found


def _refuse_cycle(steps: list[Step], edges: list[Edge]) -> None:
    sorter = graphlib.TopologicalSorter({step.name: set[str]() for step in steps})
    for edge in edges:
        sorter.add(edge.after, edge.before)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1]
        said = [_waiting(steps, edges, before, after) for before, after in pairwise(circle)]
        raise InvalidError(
            f"the steps wait for each other in a circle: {'; '.join(said)}",
            hint="let one of them read a fixed version (name@v3), or join them into one notebook",
        ) from None


def _waiting(steps: list[Step], edges: list[Edge], before: str, after: str) -> str:
    edge = next(edge for edge in edges if (edge.before, edge.after) == (before, after))
    writer = next(step for step in steps if step.name == before)
    reader = next(step for step in steps if step.name == after)
    read = next(r for r in reader.reads if (r.kind, r.name) == (edge.kind, edge.name))
    write = next(w for w in writer.writes if (w.kind, w.name) == (edge.kind, edge.name))
    return f"{_place(reader, read)} reads {edge.name}, which {_place(writer, write)} writes"


def _ordered(steps: list[Step], edges: list[Edge]) -> tuple[Step, ...]:
    """Sort topologically; among steps that could run next, the first by name goes first."""
    waits = _predecessors(edges)
    after: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        after[edge.before].add(edge.after)
    places = {step.name: place for place, step in enumerate(steps)}
    ready = [place for name, place in places.items() if not waits[name]]
    heapq.heapify(ready)
    done: list[Step] = []
    while ready:
        step = steps[heapq.heappop(ready)]
        done.append(step)
        for name in after[step.name]:
            waits[name].remove(step.name)
            if not waits[name]:
                heapq.heappush(ready, places[name])
    return tuple(done)


def _predecessors(edges: Iterable[Edge]) -> dict[str, set[str]]:
    before: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        before[edge.after].add(edge.before)
    return before
