"""The verb ``model dossier``: answers what an auditor asks, and writes it to a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.data.output import target_of
from nbmlops.monitoring.dossier import describing, learning, overseeing, running
from nbmlops.monitoring.dossier.gathering import gathered
from nbmlops.monitoring.dossier.records import Dossier, DossierSection, Gap, Statement
from nbmlops.monitoring.pages import write

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome
    from nbmlops.monitoring.dossier.facts import Answer, Facts
    from nbmlops.monitoring.dossier.gathering import Known

__all__ = ["QUESTIONS", "Dossiers", "Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """What an auditor asks: a title, the points of Annex IV that it answers, and what answers it."""

    title: str
    point: str
    answer: Callable[[Facts], Answer]
    proofs: Callable[[Facts], tuple[Outcome, ...]] | None = None


QUESTIONS = (
    Question("Purpose and intended use", "Annex IV 1(a), 3", describing.purpose),
    Question("The system", "Annex IV 1(a), 1(c), 2(h)", describing.system),
    Question("Data and its origin", "Annex IV 2(d)", learning.data),
    Question("Training and validation", "Annex IV 2(a), 2(b), 2(g)", learning.training),
    Question("Metrics by group", "Annex IV 2(g), 3", learning.groups, learning.of_groups),
    Question("Human oversight", "Annex IV 2(e), 3", overseeing.oversight),
    Question("Serving", "Annex IV 1(b), 1(d)", running.serving),
    Question("Monitoring plan", "Annex IV 3, 9", running.plan),
    Question("Incidents", "Annex IV 9", running.incidents),
    Question("Changes", "Annex IV 2(f), 6", running.changes),
    Question("Retention, holds and erasures", "Articles 12 and 19; no point of Annex IV", overseeing.retention),
)
"""The sections, by the points of Annex IV of Regulation (EU) 2024/1689, *Technical documentation* of Article 11(1)."""
_HTML, _MARKDOWN = (".html", ".htm"), (".md",)


class Dossiers:
    """Makes dossiers of the models of one workspace.

    Parameters
    ----------
    known : Known
        What knows of them.
    """

    def __init__(self, known: Known) -> None:
        self._known = known

    def __call__(self, ref: str, *, to: str | Path | None = None, overwrite: bool = False) -> Dossier:
        """Answer what an auditor asks of a version by what the store holds; what is not known is shown as a gap.

        Parameters
        ----------
        ref : str
            The version, such as ``delay@production``.
        to : str or Path, optional
            Where to write it: ``.html``, a page of its own without scripts and with nothing to be fetched, or ``.md``.
        overwrite : bool
            Whether to write over what is there.

        Returns
        -------
        Dossier
            Eleven sections of statements, each with its evidence, and of gaps, each with what fills it.

        Raises
        ------
        NotFoundError
            When there is no such version, or no folder for the file.
        InvalidError
            When the file has another ending.
        ConflictError
            When something is there already and may not be overwritten.
        """
        target = None if to is None else _target(to, ref, overwrite=overwrite)
        dossier = _answered(gathered(self._known, ref))
        if target is not None:
            places = (target, None) if target.suffix.lower() in _HTML else (None, target)
            write(dossier, f"Dossier of {dossier.ref}", *places)
        return dossier


def _target(to: str | Path, ref: str, *, overwrite: bool) -> Path:
    """The file to write, found before anything is gathered."""
    target = target_of(to, f"{ref.partition('@')[0]}_dossier.html", overwrite=overwrite)
    if target.suffix.lower() not in {*_HTML, *_MARKDOWN}:
        raise InvalidError(
            f"a dossier is written as .html or .md, not as {target.name!r}",
            hint=f"`ml model dossier {ref} --to {target.stem or 'dossier'}.html`",
        )
    return target


def _answered(facts: Facts) -> Dossier:
    version = facts.version
    sections = tuple(_section(number, question, facts) for number, question in enumerate(QUESTIONS, start=1))
    return Dossier(version.ref, version.name, version.digest, version.aliases, facts.now, sections)


def _section(number: int, question: Question, facts: Facts) -> DossierSection:
    entries = tuple(question.answer(facts))
    return DossierSection(
        number,
        question.title,
        question.point,
        tuple(one for one in entries if isinstance(one, Statement)),
        tuple(one for one in entries if isinstance(one, Gap)),
        () if question.proofs is None else question.proofs(facts),
    )
