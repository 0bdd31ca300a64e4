"""How many points evidence earns, by the rule of Breck et al. 2017 and what it takes to hold it against a store.

A half: something was tested and recorded, and that is about the version that is scored and not too old. A whole: it is
done without a person, at least twice, and the latest such time is about the version that is served and not too old.
Without evidence there is nothing. Whether the test passed is told beside the points and changes none of them: the
paper rewards having a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.monitoring.score.records import Evidence, ScoredTest, Section
from nbmlops.render.units import count

if TYPE_CHECKING:
    from nbmlops.monitoring.score.facts import Facts

__all__ = ["Found", "ScoreTest", "award", "filled"]

REPEATS = 2
"""So many times without a person make a test one that is repeated."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a test.

    Attributes
    ----------
    evidence : tuple of Evidence
        All that there is, whatever it is worth.
    note : str
        Why there is none, or why it is worth no more than `most`.
    most : float
        The points that it earns at most.
    repeats : int
        How many times without a person it takes for a whole point.
    """

    evidence: tuple[Evidence, ...] = ()
    note: str = ""
    most: float = 1.0
    repeats: int = REPEATS

    @classmethod
    def of(cls, evidence: Iterable[Evidence], note: str = "") -> Found:
        """What was found, with a word on why there is nothing."""
        return cls(tuple(evidence), note)


@dataclass(frozen=True, slots=True)
class ScoreTest:
    """One of the 28 tests.

    Attributes
    ----------
    id, section, title : str
        Which; the title says what holds when it is done.
    find : callable
        Finds evidence.
    first, always : str
        What earns the first half, and what makes it a whole; with names of `Facts` in braces.
    """

    id: str
    section: Section
    title: str
    find: Callable[[Facts], Found]
    first: str
    always: str

    def scored(self, facts: Facts) -> ScoredTest:
        """What the store says of it."""
        found = self.find(facts)
        points, why = award(found, is_served=facts.is_served)
        wanted = "" if points == 1 else self.first if points == 0 else self.always
        shown = sorted(found.evidence, key=lambda one: (one.counts, one.automatic, one.at), reverse=True)[:_SHOWN]
        return ScoredTest(self.id, self.section, self.title, points, why, filled(wanted, facts), tuple(shown))


def award(found: Found, *, is_served: bool) -> tuple[float, str]:
    """The points that evidence earns, and why not more."""
    good = [one for one in found.evidence if one.counts]
    if not good:
        return 0.0, _nothing(found)
    if found.most < 1:
        return found.most, found.note
    if not is_served:
        return 0.5, "no version is served, so nothing is done for one"
    if not any(one.automatic for one in good):
        return 0.5, "by hand only"
    times = len({one.occasion for one in found.evidence if one.automatic})
    if times < found.repeats:
        return 0.5, f"{count(times, 'time')} without a person; {found.repeats} are needed"
    return 1.0, ""


def _nothing(found: Found) -> str:
    if not found.evidence:
        return found.note or "nothing is recorded"
    newest = max(found.evidence, key=lambda one: (one.covers, one.at))
    if not newest.covers:
        return f"what is recorded is about another version or other code: {newest.ref}"
    return f"the newest is too old: {newest.at:%Y-%m-%d}"


def filled(template: str, facts: Facts) -> str:
    """A command with the names of what is scored in the place of braces."""
    gate = facts.gate
    names = {
        "name": facts.name,
        "ref": facts.version.ref,
        "alias": facts.alias,
        "table": gate.get("holdout", "TABLE"),
        "target": gate.get("target", "COLUMN"),
        "pipeline": facts.pipeline or "PIPELINE",
        "data": facts.inputs[0][1] if facts.inputs else "DATA",
        "train": facts.inputs[0][1] if facts.inputs else "TABLE",
    }
    return template.format(**names)
