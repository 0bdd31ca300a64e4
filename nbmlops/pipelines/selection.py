"""A part of a pipeline's steps: those from some on, those up to some, or some alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Graph

__all__ = ["ALL", "PARTIAL", "Selection"]

PARTIAL = "steps"
"""The tag that names the steps of a run that was of a part of them."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which steps are to run; what the others made before is read as it is.

    Attributes
    ----------
    start : tuple of str
        These, and all that waits for them.
    until : tuple of str
        These, and all that they wait for.
    only : tuple of str
        These alone.

    Examples
    --------
    >>> bool(Selection()), bool(Selection(only=("3_features",)))
    (False, True)
    """

    start: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.only and (self.start or self.until):
            raise InvalidError("--only names the steps that run", hint="leave out --from and --until, or --only")

    @classmethod
    def of(cls, steps: Selection | Sequence[str] | None, logical_time: str | None) -> Selection:
        """What is asked for by name or as a selection, for a time or for none.

        Raises
        ------
        InvalidError
            When some steps are to stand for a time, for which all of them commit or none.
        """
        found = steps if isinstance(steps, Selection) else cls(only=tuple(steps or ()))
        if found and logical_time:
            raise InvalidError(
                "some steps alone cannot stand for a time",
                hint="leave out --logical-time, or --from, --until and --only",
            )
        return found

    def __bool__(self) -> bool:
        return bool(self.start or self.until or self.only)

    def names(self, graph: Graph) -> frozenset[str]:
        """Names of the steps of `graph` that are selected.

        Raises
        ------
        InvalidError
            When it has no such step, or none is left.
        """
        only, start, until = (_meant(graph, names) for names in (self.only, self.start, self.until))
        chosen = frozenset(only) if only else graph.names
        if start:
            chosen &= _reached(start, graph.downstream)
        if until:
            chosen &= _reached(until, graph.upstream)
        if not chosen:
            raise InvalidError(
                f"no step is left: {', '.join(self.until)} does not wait for {', '.join(self.start)}",
                hint="`ml pipeline show NAME` draws what waits for what",
            )
        return chosen


ALL = Selection()
"""Every step."""


def _meant(graph: Graph, names: Collection[str]) -> list[str]:
    """The steps that go by some names; the name of a notebook that runs for several values means all of its steps."""
    found = []
    for name in names:
        several = [step.name for step in graph.steps if step.branch and step.stem == name]
        found += several or [graph.step(name).name]
    return found


def _reached(names: Collection[str], onward: Callable[[str], Collection[str]]) -> frozenset[str]:
    found, waiting = set(names), list(names)
    while waiting:
        new = set(onward(waiting.pop())) - found
        found |= new
        waiting += new
    return frozenset(found)
