"""A model's card: everything that the store knows of a version, for people who did not make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome, Report
    from nbmlops.data.records import DataVersion
    from nbmlops.models.records import ModelVersion
    from nbmlops.store.aliases import Move
    from nbmlops.store.asks import Ask
    from nbmlops.store.graph import LineageGraph
    from nbmlops.tracking.records import Run

__all__ = ["FAIR", "SLICED", "ModelCard", "document", "is_about", "newest_of_each"]

SLICED, FAIR = ("slice",), ("fair", "parity", "odds", "impact", "disparity")
"""Words in the names of checks on parts of the rows, and of those on groups of people."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is told of a version in the sections of its card (Mitchell et al. 2019, Model Cards for Model Reporting).

    Attributes
    ----------
    ref : str
        The version.
    version : ModelVersion
        What is known of it, with what people say of it.
    run : Run or None
        The run that made it, without cells; None where none did, or it is not known here.
    data : tuple of DataVersion
        What it learnt from.
    reports : tuple of Report
        The newest report of each suite on it, the newest first.
    lineage : LineageGraph
        What it came from.
    moves : tuple of Move
        Aliases that came to it or went from it, the oldest first.
    asks : tuple of Ask
        Who asked for its promotion, and who approved.
    """

    ref: str
    version: ModelVersion
    run: Run | None
    data: tuple[DataVersion, ...]
    reports: tuple[Report, ...]
    lineage: LineageGraph
    moves: tuple[Move, ...] = ()
    asks: tuple[Ask, ...] = ()


def newest_of_each(reports: Sequence[Report]) -> tuple[Report, ...]:
    """Of reports, the newest first, the first of each suite."""
    found: dict[str, Report] = {}
    for report in reports:
        found.setdefault(report.suite, report)
    return tuple(found.values())


def is_about(outcome: Outcome, words: Sequence[str]) -> bool:
    """Whether a check has one of some words in its name, such as those of `SLICED` or `FAIR`."""
    return any(word in outcome.check.lower() for word in words)


def document(card: ModelCard, file: Path) -> str:
    """The card as a file: Markdown, or a page of its own without scripts, by the file's ending; under 100 kB.

    Raises
    ------
    InvalidError
        When the file ends in neither ``.md`` nor ``.html``.
    """
    from nbmlops.render.dispatch import markdown
    from nbmlops.render.standalone import standalone

    ending = file.suffix.lower()
    if ending == ".md":
        return markdown(card, detail=True)
    if ending not in {".html", ".htm"}:
        raise InvalidError(f"a card is written as .md or .html, not as {file.name!r}", hint=f"`{file.stem}.md`")
    return standalone(card, f"Model card of {card.ref}")
