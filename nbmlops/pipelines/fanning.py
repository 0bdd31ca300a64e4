"""Fan-out and fan-in: a step that runs for each of some values, and what the steps after it read of that.

What each of those times writes under one name is kept under a name of its own: ``flights`` becomes
``flights.month-3``. The notebooks go on to say ``flights``. A step that runs for the same values reads the one of its
own; any other reads the rows of all of them, one below another in the order of the values, which are put together
under the name itself as soon as the last of them is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.graph import Step
from nbmlops.pipelines.scan import Access

if TYPE_CHECKING:
    from nbmlops.pipelines.fan import Branch

__all__ = ["Spread", "spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Steps as they run.

    Attributes
    ----------
    steps : tuple of Step
        Each as often as it runs, and those that put rows together.
    names : mapping of str to mapping of str to str
        Step -> what a bare name means to its notebook: ``KIND:NAME`` -> the name in the store.
    refused : mapping of str to InvalidError
        Step -> why it cannot run: it reads a model of which there is one for each of some values.
    """

    steps: tuple[Step, ...]
    names: Mapping[str, Mapping[str, str]]
    refused: Mapping[str, InvalidError]


@dataclass(frozen=True, slots=True)
class _Shared:
    """A name that a step writes each time that it runs, under a name of its own each time."""

    kind: str
    name: str
    writer: str
    branches: tuple[Branch, ...]

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(name for branch in self.branches for name, _ in branch.values)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.name}"


def spread(steps: Sequence[Step], fixed: Mapping[str, Step]) -> Spread:
    """Tell apart what the branches of a step write, and join it where others read all of it.

    Parameters
    ----------
    steps : sequence of Step
        The steps, each as often as it runs, with its branch.
    fixed : mapping of str to Step
        Each notebook as a step in which no name depends on what it runs for, by its stem.
    """
    shared = {one.key: one for one in _shared(steps, fixed)}
    found, names = list[Step](), dict[str, Mapping[str, str]]()
    joins, refused = dict[str, Step](), dict[str, InvalidError]()
    for step in steps:
        own = {key: step.branch.of(one.parameters).named(one.name) for key, one in shared.items()}
        reads = list(step.reads)
        for read in step.reads:
            one = shared.get(f"{read.kind}:{read.name}")
            if one is None or not read.is_bare or one.parameters <= {name for name, _ in step.branch.values}:
                continue
            if one.kind == "data":
                join = _join(step, one)
                joins[join.name] = join
            else:
                refused.setdefault(step.name, _refusal(step, read, one))
                reads.remove(read)
                reads += _all_of(step, read, one)
        found.append(_renamed(replace(step, reads=tuple(reads)), own))
        if own:
            names[step.name] = own
    ordered = [_ordered(step, found) for step in found]
    return Spread((*ordered, *joins.values()), names, refused)


def _shared(steps: Sequence[Step], fixed: Mapping[str, Step]) -> Iterator[_Shared]:
    for stem, step in fixed.items():
        branches = tuple(each.branch for each in steps if each.stem == stem)
        if any(branches):
            for kind, name in dict.fromkeys((write.kind, write.name) for write in step.writes):
                yield _Shared(kind, name, stem, branches)


def _renamed(step: Step, names: Mapping[str, str]) -> Step:
    def one(access: Access) -> Access:
        name = names.get(f"{access.kind}:{access.name}")
        return replace(access, name=name, ref=name) if name is not None and access.is_bare else access

    def each(accesses: Iterable[Access]) -> tuple[Access, ...]:
        return tuple(map(one, accesses))

    return replace(step, reads=each(step.reads), writes=each(step.writes), checks=each(step.checks))


def _parts(step: Step, shared: _Shared) -> tuple[str, ...]:
    """Names of what the branches wrote that `step` reads all of."""
    own = step.branch.of(shared.parameters)
    return tuple(branch.named(shared.name) for branch in shared.branches if branch.agrees(own))


def _join(step: Step, shared: _Shared) -> Step:
    """The step that puts together what `step` reads of all branches."""
    parts = _parts(step, shared)
    name = step.branch.of(shared.parameters).named(shared.name)
    reads = tuple(Access("data", part, 0, 0, part) for part in parts)
    return Step(f"join-{name}", Path(), {}, reads, (Access("data", name, 0, 0, name),), parts=parts)


def _refusal(step: Step, read: Access, shared: _Shared) -> InvalidError:
    values = ", ".join(sorted(shared.parameters))
    return InvalidError(
        f"{step.path.name} cell {read.cell} line {read.line} reads {read.kind} {read.name}, of which "
        f"{shared.writer} makes one for each {values}",
        hint=f"read one of them, such as {_parts(step, shared)[0]}@v1, or declare the parameter {values} there too; "
        f"--until {shared.writer} runs what comes before",
    )


def _all_of(step: Step, read: Access, shared: _Shared) -> Iterator[Access]:
    """A read of each of them, by which the step comes after all, also where it is left out."""
    for part in _parts(step, shared):
        yield replace(read, name=part, ref=part)


def _ordered(step: Step, steps: Sequence[Step]) -> Step:
    """The step with the names of those that it waits for as they are called here."""
    after = [
        other.name
        for name in step.settings.after
        for other in steps
        if name in {other.name, other.stem} and other.branch.agrees(step.branch)
    ]
    if not after:
        # What is no step is said by whoever draws the graph.
        return step
    unknown = [
        name for name in step.settings.after if name not in {n for other in steps for n in (other.name, other.stem)}
    ]
    return replace(step, settings=replace(step.settings, after=tuple(dict.fromkeys([*after, *unknown]))))
