"""What a score is made of: pieces of evidence, tests with their points, sections, levels of maturity, the sheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = [
    "SECTIONS",
    "SUITE",
    "Evidence",
    "Level",
    "Maturity",
    "Requirement",
    "ScorePoint",
    "ScoreSection",
    "ScoreSheet",
    "ScoredTest",
    "Section",
    "band",
]

Section = Literal["data", "model", "infrastructure", "monitoring"]
SECTIONS: dict[Section, str] = {
    "data": "Features and data",
    "model": "Model development",
    "infrastructure": "Infrastructure",
    "monitoring": "Monitoring",
}
"""The four sections and their titles."""
SUITE = "ml test score"
"""What the reports are called that keep each score."""
_BANDS = (
    (0.0, "a research project, not a production system"),
    (1.0, "tested in parts; serious holes are possible"),
    (2.0, "a first step to production; more is worth its cost"),
    (3.0, "reasonably tested; more can be made automatic"),
    (5.0, "strongly tested and monitored, fit for what must not fail"),
)


def band(score: float) -> str:
    """What a score means, by the bands of Breck et al. 2017, table V.

    Examples
    --------
    >>> band(0), band(0.5), band(5.5)[:11]
    ('a research project, not a production system', 'tested in parts; serious holes are possible', 'exceptional')
    """
    return next((words for most, words in _BANDS if score <= most), "exceptional: automated and monitored throughout")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that the store holds in favour of a test.

    Attributes
    ----------
    what : str
        What was found, with its figure.
    at : datetime
        When it was recorded.
    ref : str
        What it is about, such as ``delay@v3``.
    look : str
        The line that shows it.
    report : int or None
        The number of its report; None where it is no report.
    automatic : bool
        Whether a step, a gate or a schedule made it, and no person.
    covers : bool
        Whether it is about the version that is scored.
    fresh : bool
        Whether it is recent enough.
    passed : bool or None
        Whether what was tested held; None where that is no question.
    occasion : str
        The run or the report that it comes from: what one occasion says twice, it says once.
    """

    what: str
    at: datetime
    ref: str
    look: str
    report: int | None = None
    automatic: bool = False
    covers: bool = True
    fresh: bool = True
    passed: bool | None = None
    occasion: str = ""

    @property
    def counts(self) -> bool:
        """Whether it earns points: it is about the version that is scored, and recent."""
        return self.covers and self.fresh


@dataclass(frozen=True, slots=True)
class ScoredTest:
    """One of the 28 tests, with what the store says of it.

    Attributes
    ----------
    id : str
        Such as ``Data 1``.
    section : str
        One of `SECTIONS`.
    title : str
        What is tested.
    points : float
        0, 0.5 or 1.
    why : str
        Why it is not more; empty for 1.
    command : str
        What earns the next half, what is to be typed in backticks; empty for 1.
    evidence : tuple of Evidence
        What there is, that which counts first.
    """

    id: str
    section: Section
    title: str
    points: float
    why: str = ""
    command: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def passed(self) -> bool | None:
        """Whether the newest evidence that counts says that the test holds; apart from the points, as in the paper."""
        return next((one.passed for one in self.evidence if one.counts and one.passed is not None), None)


@dataclass(frozen=True, slots=True)
class ScoreSection:
    """One of the four sections and its tests."""

    section: Section
    tests: tuple[ScoredTest, ...]

    @property
    def title(self) -> str:
        """What it is called."""
        return SECTIONS[self.section]

    @property
    def points(self) -> float:
        """The sum, from 0 to 7."""
        return sum(test.points for test in self.tests)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that a level of maturity asks for: what there is of it, or how to get it."""

    what: str
    met: bool
    told: str


@dataclass(frozen=True, slots=True)
class Level:
    """A level of maturity and what it asks for beyond the one before."""

    number: int
    title: str
    requirements: tuple[Requirement, ...] = ()

    @property
    def met(self) -> bool:
        """Whether all of that is there."""
        return all(one.met for one in self.requirements)


@dataclass(frozen=True, slots=True)
class Maturity:
    """How far the way of working is, by a published ladder: a level counts when it and all below it are met."""

    ladder: str
    levels: tuple[Level, ...]

    @property
    def level(self) -> Level:
        """The level that is reached."""
        reached = self.levels[0]
        for one in self.levels[1:]:
            if not one.met:
                break
            reached = one
        return reached

    @property
    def next(self) -> Level | None:
        """The level after that; None at the top."""
        return next((one for one in self.levels if one.number == self.level.number + 1), None)

    @property
    def missing(self) -> tuple[Requirement, ...]:
        """What the next level lacks."""
        return () if self.next is None else tuple(one for one in self.next.requirements if not one.met)


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """A score of the past: when, of which version, score, sums of the four sections, report, points of the 28."""

    at: datetime
    ref: str
    score: float
    sums: tuple[float, ...]
    report: int
    points: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """The ML Test Score of a model, as the store had it.

    Attributes
    ----------
    name, ref : str
        The model, and the version that is scored.
    alias : str
        The alias that is served.
    is_served : bool
        Whether the version is served; else it is the newest, and no test gets more than a half.
    at : datetime
        When.
    days : int
        After how many days evidence is too old.
    sections : tuple of ScoreSection
        The four.
    maturity : tuple of Maturity
        Microsoft's ladder and Google's.
    history : tuple of ScorePoint
        Earlier scores, the oldest first, this one last where it is kept.
    """

    name: str
    ref: str
    alias: str
    is_served: bool
    at: datetime
    days: int
    sections: tuple[ScoreSection, ...]
    maturity: tuple[Maturity, ...] = ()
    history: tuple[ScorePoint, ...] = ()

    @property
    def score(self) -> float:
        """The smallest sum of the four: a chain is as strong as its weakest link."""
        return min(section.points for section in self.sections)

    @property
    def weakest(self) -> ScoreSection:
        """The section that decides."""
        return min(self.sections, key=lambda section: section.points)

    @property
    def band(self) -> str:
        """What the score means."""
        return band(self.score)

    @property
    def tests(self) -> tuple[ScoredTest, ...]:
        """All 28."""
        return tuple(test for section in self.sections for test in section.tests)

    def test(self, wanted: str) -> ScoredTest:
        """One of them by its id, such as ``Data 1``."""
        return next(one for one in self.tests if one.id == wanted)
