"""Infers a pipeline's graph from what its notebooks read and write.

A step that reads a bare name follows the step that writes it. A step that checks a name strictly is a
gate: whoever else reads that name waits for it, so that nothing is built on data that is refused.
"""

from __future__ import annotations

import graphlib
import heapq
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.pipelines.graph import Edge, Graph, Step, predecessors
from nbmlops.pipelines.scan import Access

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["infer"]

_Writers = Mapping[tuple[str, str], list[tuple[Step, Access]]]


def infer(steps: Iterable[Step], exists: Callable[[Access], bool] | None = None) -> Graph:
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
    faults += list(_unknown(named))
    if faults:
        raise InvalidError("\n".join(faults), hint="`ml pipeline show NAME` draws what reads and writes what")
    edges = [*_data_edges(named, writers), *_ordering(named)]
    edges += _gates(named, edges)
    _refuse_cycle(named, edges)
    return Graph(_ordered(named, edges), tuple(edges), tuple((step.name, read) for step, read in external))


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


def _unknown(steps: list[Step]) -> Iterator[str]:
    names = {step.name for step in steps}
    for step in steps:
        for name in step.settings.after:
            if name not in names or name == step.name:
                near = nearest(name, names - {step.name})
                what = "itself" if name == step.name else f"{name}, and there is no such step"
                yield f"{step.path.name} cell {step.settings.cell} waits for {what}{f'; {near}' if near else ''}"


def _ordering(steps: list[Step]) -> Iterator[Edge]:
    for step in steps:
        yield from (Edge(before, step.name, "order", "") for before in step.settings.after)


def _gates(steps: list[Step], edges: list[Edge]) -> list[Edge]:
    """Let the readers of a name wait for its strict check, wherever that closes no circle."""
    after: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        after[edge.before].add(edge.after)
    found: list[Edge] = []
    for gate in steps:
        for kind, name in dict.fromkeys((check.kind, check.name) for check in gate.checks if check.is_bare):
            for step in steps:
                reads = any((r.kind, r.name) == (kind, name) and r.is_bare for r in step.reads)
                own = any((check.kind, check.name) == (kind, name) for check in step.checks)
                if reads and not own and step is not gate and gate.name not in _reached(step.name, after):
                    found.append(Edge(gate.name, step.name, kind, name, gate=True))
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
    if edge.kind == "order":
        return f"{reader.path.name} cell {reader.settings.cell} waits for {before}"
    read = next(r for r in reader.reads if (r.kind, r.name) == (edge.kind, edge.name))
    write = next(w for w in writer.writes if (w.kind, w.name) == (edge.kind, edge.name))
    return f"{_place(reader, read)} reads {edge.name}, which {_place(writer, write)} writes"


def _ordered(steps: list[Step], edges: list[Edge]) -> tuple[Step, ...]:
    """Sort topologically; among steps that could run next, the first by name goes first."""
    waits = predecessors(edges)
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
