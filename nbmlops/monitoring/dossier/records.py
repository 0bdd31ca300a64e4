"""What a dossier is made of: statements with their evidence, gaps with what fills them, sections, the whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome

__all__ = ["UNANSWERED", "Dossier", "DossierSection", "Gap", "Mood", "Statement"]

Mood = Literal["plain", "good", "warn", "bad"]

UNANSWERED = MappingProxyType(
    {
        "Annex IV 4": "why these metrics are the right ones for this system",
        "Annex IV 5": "the risk management system of Article 9",
        "Annex IV 7": "the harmonised standards that were applied",
        "Annex IV 8": "the EU declaration of conformity",
    }
)
"""Points that no record of a store answers: people write them."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that the store knows.

    Attributes
    ----------
    what : str
        What it is about, such as ``intended use``; a `Gap` of the same name says that nothing is known of it.
    told : str
        What is known, in the words and figures of the store.
    evidence : str
        What says so: ``event 12``, ``report 4``, ``run gbm-3``, ``flights@v2``, or a file of the project.
    look : str
        What to type to see that, as a hint has it: ``ml check show 4``.
    mood : {"plain", "good", "warn", "bad"}
        How it stands for the model.
    """

    what: str
    told: str
    evidence: str
    look: str
    mood: Mood = "plain"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is asked and not known: what about, why, and what fills it, with what is typed in backticks."""

    what: str
    why: str
    fill: str


@dataclass(frozen=True, slots=True)
class DossierSection:
    """What one question was answered with.

    Attributes
    ----------
    number, title : int, str
        Which.
    point : str
        Which points of Annex IV of Regulation (EU) 2024/1689 it answers, or else which articles.
    statements : tuple of Statement
        What is known.
    gaps : tuple of Gap
        What is not.
    proofs : tuple of Outcome
        Outcomes whose tables and curves are shown below.
    """

    number: int
    title: str
    point: str
    statements: tuple[Statement, ...]
    gaps: tuple[Gap, ...]
    proofs: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Dossier:
    """What an auditor asks of a version of a model, as the store had it at one moment.

    Attributes
    ----------
    ref, name : str
        The version, and the model.
    digest : str
        The version's identity.
    aliases : tuple of str
        The aliases that are on it.
    at : datetime
        When it was made.
    sections : tuple of DossierSection
        The questions, in their order.
    """

    ref: str
    name: str
    digest: str
    aliases: tuple[str, ...]
    at: datetime
    sections: tuple[DossierSection, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All gaps, in the order of the sections."""
        return tuple(gap for section in self.sections for gap in section.gaps)
