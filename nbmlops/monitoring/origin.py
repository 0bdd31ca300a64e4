"""Where a version comes from: versions of data, and runs, however far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.store.graph import LineageGraph

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version comes from.

    Attributes
    ----------
    data : frozenset of str
        All versions of data, as edges name them: ``data:7``.
    inputs : tuple of (str, str)
        What it came from directly, as ``data:7`` and its reference; `sources` those that came from nothing.
    runs : frozenset of str
        Ids of the runs between.
    """

    data: frozenset[str]
    inputs: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    runs: frozenset[str]

    @classmethod
    def of(cls, graph: LineageGraph) -> Origin:
        """What a lineage upstream says of its root."""
        refs = {node.id: node.label for node in graph.nodes if node.kind == "data"}
        runs = {node.id.split(":")[1].partition("#")[0] for node in graph.nodes if node.kind == "run"}
        makers: dict[str, set[str]] = {}
        for arrow in graph.arrows:
            makers.setdefault(arrow.after, set()).add(arrow.before)
        direct = _things_before(graph.root, makers, refs)
        sources = [thing for thing in refs if not _things_before(thing, makers, refs)]
        named = [tuple(sorted((thing, refs[thing]) for thing in group)) for group in (direct, sources)]
        return cls(frozenset(refs), named[0], named[1], frozenset(runs))


def _things_before(thing: str, makers: Mapping[str, set[str]], things: Mapping[str, str]) -> set[str]:
    """The versions that a version was made from, whoever made it in between."""
    found, seen, wanted = set[str](), {thing}, list(makers.get(thing, ()))
    while wanted:
        node = wanted.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in things:
            found.add(node)
        else:
            wanted += makers.get(node, ())
    return found
