"""What differs between two reports, check by check."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from nbmlops.checks.records import STATUSES, Outcome, Report

__all__ = ["CHANGES", "Change", "Changed", "ReportDiff", "compare"]

Changed = Literal["worse", "new", "gone", "better", "moved"]

CHANGES: tuple[Changed, ...] = get_args(Changed)
"""Kinds of changes, in the order in which they are told; `moved` is another figure or bound of the same status."""


@dataclass(frozen=True, slots=True)
class Change:
    """One check in two reports; it has no outcome `before` when it is new, and none `after` when it is gone."""

    kind: Changed
    before: Outcome | None
    after: Outcome | None

    @property
    def label(self) -> str:
        """Column and check in one phrase."""
        outcome = self.after or self.before
        return outcome.label if outcome else ""

    @property
    def by(self) -> float | None:
        """How far the figure went up; None where it is no number in both."""
        numbers = [outcome.number for outcome in (self.before, self.after) if outcome is not None]
        found = [number for number in numbers if number is not None]
        return found[1] - found[0] if len(found) == 2 else None


@dataclass(frozen=True, slots=True)
class ReportDiff:
    """Two reports, what changed between them, and how many checks are the same in both.

    `changes` stand in the order of `CHANGES`, those of a kind in the order of the reports.
    """

    before: Report
    after: Report
    changes: tuple[Change, ...]
    same: int

    def of(self, kind: Changed) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)


def compare(before: Report, after: Report) -> ReportDiff:
    """Compare two reports.

    A check is the same one by column, name and bound; what is left, by column and name alone, in order: its bound was
    edited then.
    """
    changes, same = [], 0
    for old, new in _pairs(before.outcomes, after.outcomes):
        kind = _kind(old, new)
        if kind is None:
            same += 1
        else:
            changes.append(Change(kind, old, new))
    changes.sort(key=lambda change: CHANGES.index(change.kind))
    return ReportDiff(before, after, tuple(changes), same)


def _pairs(old: tuple[Outcome, ...], new: tuple[Outcome, ...]) -> list[tuple[Outcome | None, Outcome | None]]:
    """Outcomes of the same check; those of the new report in its order, then those that are gone."""
    partner: dict[int, int] = {}
    _match(partner, old, new, lambda outcome: (outcome.column, outcome.check, outcome.bound))
    _match(partner, old, new, lambda outcome: (outcome.column, outcome.check))
    found: list[tuple[Outcome | None, Outcome | None]] = [
        (old[partner[place]] if place in partner else None, outcome) for place, outcome in enumerate(new)
    ]
    taken = set(partner.values())
    return [*found, *((outcome, None) for place, outcome in enumerate(old) if place not in taken)]


def _match(
    partner: dict[int, int], old: Iterable[Outcome], new: Iterable[Outcome], key: Callable[[Outcome], Hashable]
) -> None:
    """Add to `partner` places in `new` -> places in `old` of equal keys, first to first."""
    taken = set(partner.values())
    free: dict[Hashable, list[int]] = {}
    for place, outcome in reversed(list(enumerate(old))):
        if place not in taken:
            free.setdefault(key(outcome), []).append(place)
    for place, outcome in enumerate(new):
        if place not in partner and (places := free.get(key(outcome))):
            partner[place] = places.pop()


def _kind(old: Outcome | None, new: Outcome | None) -> Changed | None:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    step = STATUSES.index(new.status) - STATUSES.index(old.status)
    if step:
        return "worse" if step > 0 else "better"
    same = (old.figure, old.bound, old.number) == (new.figure, new.bound, new.number)
    return None if same else "moved"
