"""Where a version comes from and what was built on it: a graph of versions and of what made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, select

from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError, nearest
from nbmlops.core.refs import Ref, pinned
from nbmlops.store import edges, mermaid, schema
from nbmlops.store.subjects import Subject

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.store.edges import Derivation
    from nbmlops.store.versions import Version, Versions

__all__ = ["Arrow", "Direction", "LineageGraph", "Node", "found", "lineage", "trace"]

_SHOWN = 300
"""Versions of a lineage that are shown."""

Direction = Literal["both", "upstream", "downstream"]


@dataclass(frozen=True, slots=True)
class Node:
    """A version, or an execution that made versions.

    Attributes
    ----------
    id : str
        ``data:7`` for a version; for an execution its subject, and a number where it worked on more than one thing.
    kind : str
        ``data``, ``feature``, ``model`` or ``pipeline``; ``run``, ``cell`` or ``script``.
    label : str
        The reference, the run's name, the cell and its notebook, or the script.
    note : str
        What else is known: the aliases, the notebook of a run, whether it is deleted, the address it came from.
    layer : int
        How many nodes stand before it at most.
    """

    id: str
    kind: str
    label: str
    note: str = ""
    layer: int = 0

    @property
    def is_version(self) -> bool:
        """Whether it is a version."""
        return self.kind in {"data", "feature", "model", "pipeline"}


@dataclass(frozen=True, slots=True)
class Arrow:
    """One node came into another: a version into what read it, an execution into what it wrote."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class LineageGraph:
    """The lineage of a version.

    Attributes
    ----------
    ref : str
        The version that was asked for.
    root : str
        Its node.
    nodes : tuple of Node
        In an order in which each stands after what it came from.
    arrows : tuple of Arrow
        From what was there before to what came of it.
    cut : int
        How many versions at the border have more behind them that is not shown.
    """

    ref: str
    root: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    cut: int = 0

    def to_pandas(self) -> pd.DataFrame:
        """The arrows as a frame: ``before``, ``before_kind``, ``after``, ``after_kind``, each node by its label."""
        import pandas as pd

        of = {node.id: node for node in self.nodes}
        rows = [(of[a.before].label, of[a.before].kind, of[a.after].label, of[a.after].kind) for a in self.arrows]
        return pd.DataFrame(rows, columns=["before", "before_kind", "after", "after_kind"])

    def mermaid(self) -> str:
        """Draw it as a Mermaid flowchart (mermaid.js.org/syntax/flowchart.html)."""
        return mermaid.lineage(self)


def found(versions: Mapping[str, Versions], ref: str, kind: str | None) -> Version:
    """The version of any kind that a reference means.

    Raises
    ------
    NotFoundError
        When there is none; the hint names the nearest.
    AmbiguousError
        When versions of two kinds have that name.
    """
    parsed = Ref.parse(ref)
    asked = {kind: versions[kind]} if kind else versions
    known = {one: [version.name for version in each.newest()] for one, each in asked.items()}
    having = [one for one, names in known.items() if parsed.name in names]
    if not having:
        if len(asked) == 1:
            return next(iter(asked.values())).resolve(parsed)
        hint = nearest(parsed.name, [name for names in known.values() for name in names]) or "`ml data list`"
        raise NotFoundError(f"there is no data, model or pipeline named {parsed.name!r}", hint=hint)
    if len(having) > 1:
        raise AmbiguousError(
            f"{parsed.name} is the name of {' and of '.join(having)}",
            hint=f"`ml lineage {ref} --kind {having[0]}`",
        )
    return asked[having[0]].resolve(parsed)


@dataclass(slots=True)
class _Walk:
    connection: Connection
    most: int
    derivations: dict[tuple[str | None, str, str], Derivation] = field(default_factory=dict)
    things: dict[str, None] = field(default_factory=dict)
    border: set[str] = field(default_factory=set)

    def go(self, root: str, depth: int | None, *, up: bool) -> None:
        """Follow the edges breadth first, so that what is cut off is what is farthest."""
        asked, steps = [root], 0
        while asked and (depth is None or steps < depth):
            derived = self._derived(asked, up=up)
            new: dict[str, None] = {}
            for one in derived:
                far, near = (one.source, one.made) if up else (one.made, one.source)
                if far is not None and far not in self.things:
                    if len(self.things) >= self.most:
                        self.border.add(str(near))
                        continue
                    self.things[far] = new[far] = None
                self.derivations[one.source, one.subject, one.made] = one
            asked, steps = list(new), steps + 1
        for one in self._derived(asked, up=up):
            if (one.source if up else one.made) is not None:
                self.border.add(str(one.made if up else one.source))
            elif up:
                self.derivations[one.source, one.subject, one.made] = one

    def _derived(self, things: Iterable[str], *, up: bool) -> list[Derivation]:
        follow = edges.derived_to if up else edges.derived_from
        return edges.closest(self.connection, follow(self.connection, things))


def lineage(
    versions: Mapping[str, Versions], ref: str, direction: Direction, depth: int | None, kind: str | None
) -> LineageGraph:
    """Tell what a version came from, and what was built on it.

    Parameters
    ----------
    versions : mapping
        Those of each kind.
    ref : str
        The version.
    direction : {"both", "upstream", "downstream"}
        To what it came from, to what was built on it, or both.
    depth : int, optional
        How many versions far; None as far as it goes.
    kind : {"data", "model", "pipeline"}, optional
        Of what kind the name is, where several have it.
    """
    version = found(versions, ref, kind)
    return versions[version.kind].catalog.read(lambda c: trace(c, version, direction, depth, _SHOWN))


def trace(connection: Connection, version: Version, direction: Direction, depth: int | None, most: int) -> LineageGraph:
    """Follow the edges from a version.

    Parameters
    ----------
    connection : Connection
        The reader's.
    version : Version
        Where to start.
    direction : {"both", "upstream", "downstream"}
        To what it came from, to what was built on it, or both.
    depth : int, optional
        How many versions far.
    most : int
        How many versions at most.
    """
    if depth is not None and depth < 1:
        raise InvalidError(f"a depth of {depth} shows nothing", hint=f"`ml lineage {version.ref} --depth 1`")
    if direction not in {"both", "upstream", "downstream"}:
        raise InvalidError(f"there is no direction {direction!r}", hint="both, upstream or downstream")
    root = f"{version.kind}:{version.id}"
    walk = _Walk(connection, most)
    walk.things[root] = None
    for up in (True, False):
        if direction in {"both", "upstream" if up else "downstream"}:
            walk.go(root, depth, up=up)
    arrows, works = _joined(walk.derivations.values())
    nodes = {**_versions(connection, walk.things), **_works(connection, works)}
    layers = _layers(nodes, arrows)
    ordered = sorted(nodes.values(), key=lambda node: (layers[node.id], node.kind, node.label, node.id))
    placed = tuple(Node(node.id, node.kind, node.label, node.note, layers[node.id]) for node in ordered)
    return LineageGraph(version.ref, root, placed, tuple(arrows), len(walk.border))


def _joined(derivations: Iterable[Derivation]) -> tuple[list[Arrow], dict[str, list[Subject]]]:
    """Arrows through what made each version; a run and its cells are one, and so are versions of the same sources."""
    makers: dict[tuple[str, str], dict[str, Subject]] = {}
    sources: dict[tuple[str, str], dict[str, None]] = {}
    for one in derivations:
        subject = Subject.parse(one.subject)
        own = (f"run:{subject.run_id}" if subject.run_id else one.subject, one.made)
        makers.setdefault(own, {})[one.subject] = subject
        taken = sources.setdefault(own, {})
        if one.source is not None:
            taken[one.source] = None
    names: dict[tuple[str, frozenset[str]], str] = {}
    works: dict[str, dict[str, Subject]] = {}
    arrows: dict[Arrow, None] = {}
    for (work, made), taken in sources.items():
        # A run that read what it wrote before worked twice: else there would be a circle.
        taken.pop(made, None)
        same = sum(one == work for one, _ in names)
        name = names.setdefault((work, frozenset(taken)), f"{work}#{same}" if same else work)
        works.setdefault(name, {}).update(makers[work, made])
        arrows |= {Arrow(source, name): None for source in taken}
        arrows[Arrow(name, made)] = None
    return list(arrows), {name: list(each.values()) for name, each in works.items()}


def _versions(connection: Connection, things: Iterable[str]) -> dict[str, Node]:
    version, name = schema.version, schema.name
    query = select(
        version.c.id, version.c.number, version.c.digest, version.c.deleted_at, version.c.freed_at,
        version.c.detail, name.c.kind, name.c.name,
    ).join(name)  # fmt: skip
    rows = edges.selected(connection, query, version.c.id, [edges.parsed(thing)[1] for thing in things])
    aliases: dict[int, list[str]] = {}
    named = select(schema.alias.c.version_id, schema.alias.c.alias).order_by(schema.alias.c.alias)
    for version_id, alias in edges.selected(connection, named, schema.alias.c.version_id, [row.id for row in rows]):
        aliases.setdefault(version_id, []).append(alias)
    nodes = {}
    for row in rows:
        gone = "freed" if row.freed_at else "deleted" if row.deleted_at else ""
        source = row.detail.get("source")  # the address that it came from
        notes = [*aliases.get(row.id, ()), *([gone] if gone else []), *([f"from {source}"] if source else [])]
        nodes[f"{row.kind}:{row.id}"] = Node(
            f"{row.kind}:{row.id}", row.kind, pinned(row.name, row.number, row.digest), ", ".join(notes)
        )
    for thing in things:
        nodes.setdefault(thing, Node(thing, edges.parsed(thing)[0], f"{thing}, which is gone"))
    return nodes


def _works(connection: Connection, works: Mapping[str, list[Subject]]) -> dict[str, Node]:
    run = schema.run
    query = select(run.c.id, run.c.experiment, run.c.number, run.c.notebook, run.c.status, run.c.parent_id)
    ids = {subject.run_id for subjects in works.values() for subject in subjects if subject.run_id}
    rows: dict[str, Any] = {row.id: row for row in edges.selected(connection, query, run.c.id, ids)}
    above = edges.selected(connection, query, run.c.id, [row.parent_id for row in rows.values() if row.parent_id])
    parents = {row.id: f"{row.experiment}-{row.number}" for row in above}
    nodes = {}
    for name, subjects in works.items():
        cells = list(dict.fromkeys(_cell(one) for one in subjects if one.kind == "cell"))
        first = subjects[0]
        if first.run_id:
            row = rows.get(first.run_id)
            label = f"{row.experiment}-{row.number}" if row else f"run {first.run_id[:8]}"
            notes = [f"step of {parents[row.parent_id]}"] if row and row.parent_id in parents else []
            notes += cells or ([row.notebook] if row and row.notebook else [])
            nodes[name] = Node(name, "run", label, ", ".join(notes))
        elif cells:
            nodes[name] = Node(name, "cell", ", ".join(cells))
        else:
            nodes[name] = Node(name, "script", first.place)
    return nodes


def _cell(subject: Subject) -> str:
    cell = f"cell {subject.cell_id[:24]}" if subject.cell_id else f"a cell with source {subject.digest[:8]}"
    return f"{cell} of {subject.place}" if subject.place else cell


def _layers(nodes: Iterable[str], arrows: Iterable[Arrow]) -> dict[str, int]:
    """The length of the longest way to each node; what stands on a circle, which no clock allows, comes last."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    waiting = dict.fromkeys(after, 0)
    for arrow in arrows:
        after[arrow.before].append(arrow.after)
        waiting[arrow.after] += 1
    layers = dict.fromkeys(after, 0)
    ready = [node for node, count in waiting.items() if count == 0]
    while ready:
        node = ready.pop()
        for other in after[node]:
            layers[other] = max(layers[other], layers[node] + 1)
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)
    return layers
