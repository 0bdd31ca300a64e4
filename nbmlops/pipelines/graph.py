"""The graph of a pipeline's steps, inferred from what their notebooks read and write.

A step that reads a bare name follows the step that writes it. A step that checks a name strictly is a
gate: whoever else reads that name waits for it, so that nothing is built on data that is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.pipelines.cells import NotebookContent, code_cells, literal_parameters
from nbmlops.pipelines.fan import ALONE, Branch
from nbmlops.pipelines.scan import Access, Dynamic, scan_cells
from nbmlops.pipelines.step_cells import settings_of
from nbmlops.pipelines.step_settings import NONE, StepSettings
from nbmlops.store.mermaid import escaped

if TYPE_CHECKING:
    from nbmlops.core.signs import StepState
    from nbmlops.pipelines.scan import VersionKind

__all__ = ["Edge", "Graph", "Step", "predecessors"]


@dataclass(frozen=True, slots=True)
class Step:
    """One notebook of a pipeline; `name` is the stem of its file.

    `parameters` holds the names and literal defaults; `reads` only what comes from outside the step. `settings` is
    what the notebook says of how it wants to run; what that declares to be read and written counts as if its lines
    did. `branch` is what it runs for, when it runs for each of some values. A step with `parts` has no notebook: it
    puts the rows of these data together.
    """

    name: str
    path: Path
    parameters: Mapping[str, Any]
    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    checks: tuple[Access, ...] = ()
    dynamic: tuple[Dynamic, ...] = ()
    settings: StepSettings = NONE
    branch: Branch = ALONE
    parts: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Name of its notebook, whatever it runs for; its own where it has none."""
        return self.name if self.parts else self.path.stem

    @classmethod
    def of(cls, notebook: NotebookContent, path: Path | str, parameters: Mapping[str, Any] | None = None) -> Step:
        """Scan `notebook`, which lies at `path`, as it would run with `parameters`."""
        cells = code_cells(notebook)
        values = literal_parameters(cells) | dict(parameters or {})
        found, settings = scan_cells(cells, parameters), settings_of(cells, PurePath(path).name)
        writes = (*found.writes, *(Access(d.kind, d.ref, settings.cell, 1, d.ref) for d in settings.writes))
        # What the notebook wrote itself further up is not an input.
        own = {(w.kind, w.name): (w.cell, w.line) for w in reversed(writes)}
        reads = tuple(
            r for r in found.reads if not (r.is_bare and own.get((r.kind, r.name), _NEVER) < (r.cell, r.line))
        )
        reads += tuple(Access(d.kind, d.ref.partition("@")[0], settings.cell, 1, d.ref) for d in settings.reads)
        return cls(PurePath(path).stem, Path(path), values, reads, writes, found.checks, found.dynamic, settings)


@dataclass(frozen=True, slots=True)
class Edge:
    """`after` waits for `before`: it reads what `before` writes, or (`gate`) what `before` checks strictly.

    Of the kind ``order``, which has no name, it waits because its settings say so.
    """

    before: str
    after: str
    kind: VersionKind | Literal["order"]
    name: str
    gate: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps in an order in which they can run, stable by name, and why they wait for one another.

    `external` pairs the name of a step with a read that no step of the pipeline writes. `last` is what happened to the
    steps in the last run of the pipeline, which `run` names; without one they are empty.
    """

    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    external: tuple[tuple[str, Access], ...]
    last: Mapping[str, StepState] = field(default_factory=dict)
    run: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """Names of the steps."""
        return frozenset(step.name for step in self.steps)

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

    def mermaid(self) -> str:
        """Draw the graph as a Mermaid flowchart."""
        return _mermaid(self)

    def text(self) -> str:
        """Draw the graph as a tree of lines."""
        return _text(self)


_NEVER = (1 << 31, 0)


def predecessors(edges: Iterable[Edge]) -> dict[str, set[str]]:
    """Give, by step, the names of the steps that it waits for directly."""
    before: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        before[edge.after].add(edge.before)
    return before


def _mermaid(graph: Graph) -> str:
    """Draw `graph` as a Mermaid flowchart (mermaid.js.org/syntax/flowchart.html).

    Steps are boxes and arrows carry the names that pass; what comes from outside is a dotted arrow
    from a cylinder, and a strict check that others wait for is a thick arrow.
    """
    ids = {step.name: f"s{place}" for place, step in enumerate(graph.steps, start=1)}
    states = {name: f"<br/>{state.replace('_', ' ')}" for name, state in graph.last.items()}
    boxes = (f'    {ids[step.name]}["{escaped(step.name)}{states.get(step.name, "")}"]' for step in graph.steps)
    lines = ["flowchart LR", *boxes]
    labels: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for edge in graph.edges:
        labels[edge.before, edge.after, edge.gate].append(edge.name)
    for (before, after, gate), names in labels.items():
        arrow, said = ("==>", "checked: ") if gate else ("-->", "")
        label = f'|"{said}{escaped(", ".join(filter(None, names)))}"|' if any(names) else ""
        lines.append(f"    {ids[before]} {arrow}{label} {ids[after]}")
    outside = dict.fromkeys((read.kind, read.ref) for _, read in graph.external)
    for place, (kind, ref) in enumerate(outside, start=1):
        readers = dict.fromkeys(name for name, read in graph.external if (read.kind, read.ref) == (kind, ref))
        lines.append(f'    x{place}[("{escaped(ref)}")]')
        lines += [f"    x{place} -.-> {ids[name]}" for name in readers]
    return "\n".join(lines) + "\n"


def _text(graph: Graph) -> str:
    """Draw `graph` as a tree; a step with several predecessors hangs below the one that comes last."""
    children: dict[str | None, list[Step]] = defaultdict(list)
    for step in graph.steps:
        before = graph.upstream(step.name)
        children[before[-1] if before else None].append(step)
    lines: list[str] = []
    waiting = [(root, "", "") for root in reversed(children[None])]
    while waiting:
        step, lead, below = waiting.pop()
        lines.append(lead + _sentence(graph, step))
        own = children[step.name]
        for child in reversed(own):
            last = child is own[-1]
            waiting.append((child, below + ("└── " if last else "├── "), below + ("    " if last else "│   ")))
    return "\n".join(lines) + "\n" if lines else "no steps\n"


def _sentence(graph: Graph, step: Step) -> str:
    given = f" ({', '.join(step.parameters)})" if step.parameters else ""
    state = f"[{graph.last[step.name].replace('_', ' ')}]" if step.name in graph.last else ""
    outside = {(read.kind, read.ref) for name, read in graph.external if name == step.name}
    inside = [read.ref for read in step.reads if (read.kind, read.ref) not in outside]
    parts = [
        _listed("reads", inside),
        _listed("takes", (ref for _, ref in sorted(outside))),
        _listed("checks", (check.ref for check in step.checks)),
        _listed("writes", (write.name for write in step.writes)),
        _listed("also after", graph.upstream(step.name)[:-1]),
        _listed("known only when it runs:", (f"cell {place.cell} line {place.line}" for place in step.dynamic)),
        state,
    ]
    said = " · ".join(part for part in parts if part)
    return f"{step.name}{given}{'  ' + said if said else ''}"


def _listed(verb: str, names: Iterable[str]) -> str:
    known = list(dict.fromkeys(names))
    return f"{verb} {', '.join(known)}" if known else ""
