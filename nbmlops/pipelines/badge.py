"""Whether a notebook would give the same again, by what is known of it, and of what that is known.

Nothing is guessed. Only a run that was executed again and gave the same proves anything, and only for the source that
it had. Short of that, the grounds for and against are told: what this session executed and in which order, names that
come from cells that are gone, reads of files that no version pins, draws without a seed, and what the lint calls an
error. A ground on which nothing is known says so, and then the notebook is not called in order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nbmlops.core.errors import NbmlopsError
from nbmlops.render.units import count
from nbmlops.store import lineage
from nbmlops.tracking import capture
from nbmlops.tracking.hidden_state import hidden_state
from nbmlops.tracking.notebook_source import file_of, saved

if TYPE_CHECKING:
    from nbmlops.pipelines.linting.finding import Finding
    from nbmlops.tracking import Runs
    from nbmlops.tracking.notebook_source import Saved
    from nbmlops.tracking.records import Cell, HiddenState

__all__ = ["Badge", "Ground", "badge_of"]

State = Literal["for", "against", "unknown"]
Verdict = Literal["reproduced", "in order", "not proven", "not reproducible"]

_ORDER = frozenset({"execution-order", "execution-gap"})
"""Rules about the counts in the file, which the session knows better."""
_KINDS = {"unversioned-read": "reads", "unseeded": "seeds"}
_NAMES = 3
_ASKING = re.compile(r"\s*%ml(\s+(status|doctor))?\s*;?\s*")
"""A cell that only asks how things stand, which need not be saved."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that the verdict rests on: what was looked at, what it speaks for, what was seen, what to do."""

    what: str
    state: State
    seen: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Badge:
    """What is known of whether a notebook gives the same again.

    Attributes
    ----------
    notebook : str
        Its path below the workspace, or its name.
    grounds : tuple of Ground
        What it rests on.
    proof : str or None
        The run that gave the same when it was executed again, of the very source that is saved now.
    """

    notebook: str
    grounds: tuple[Ground, ...]
    proof: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What the grounds come to; the worst of them decides."""
        states = {ground.state for ground in self.grounds}
        if "against" in states:
            return "not reproducible"
        if self.proof is not None:
            return "reproduced"
        return "not proven" if "unknown" in states else "in order"


def badge_of(root: Path, runs: Runs) -> Badge | None:
    """Judge the notebook whose cell is executing; None where none is.

    Parameters
    ----------
    root : Path
        The project's folder.
    runs : Runs
        Where its runs are.
    """
    active = lineage.current()
    if active.cell is None or (notebook := active.notebook) is None:
        return None
    page, path = saved(notebook, root), file_of(notebook, root)
    session = [cell for cell in capture.log.executed if cell.cell_id is not None]
    if page is None or path is None:
        lost = Ground("source", "unknown", "its file is not to be found from here, or is no notebook", "save it")
        return Badge(notebook, (lost, _names(hidden_state(capture.log.executed, None))))
    hidden = hidden_state(capture.log.executed, page)
    unsaved = _unsaved(session, page)
    grounds = (unsaved, _names(hidden), _order(session, page), *_linted(path))
    proof = _proof(runs, notebook, page) if unsaved.state == "for" else None
    return Badge(notebook, grounds, proof)


def _unsaved(session: Sequence[Cell], page: Saved) -> Ground:
    """Whether what was executed is what is saved."""
    sources = dict(page.cells)
    newest = {cell.cell_id: cell for cell in session if cell.started_at > page.at}
    changed = [cell for cell in newest.values() if sources.get(cell.cell_id) != cell.source]
    changed = [cell for cell in changed if not _ASKING.fullmatch(cell.source)]
    if not changed:
        return Ground("source", "for", "saved as it ran")
    return Ground(
        "source", "unknown", f"{count(len(changed), 'cell')} ran since it was saved, and not as saved", "save it"
    )


def _names(hidden: Sequence[HiddenState]) -> Ground:
    """Whether names come from cells that are not what they were."""
    if not capture.log.executed:
        return Ground("hidden state", "unknown", "no cell of this session is recorded")
    if not hidden:
        return Ground("hidden state", "for", "no name comes from a cell that is gone or was changed")
    rest = f", and {len(hidden) - _NAMES} more" if len(hidden) > _NAMES else ""
    seen = "; ".join(one.message for one in hidden[:_NAMES]) + rest
    return Ground("hidden state", "against", seen, "restart the kernel and run all cells")


def _order(session: Sequence[Cell], page: Saved) -> Ground:
    """Whether the cells ran from top to bottom, each once, as they do at night."""
    places = {key: place for place, (key, source) in enumerate(page.cells) if key is not None and source.strip()}
    ran = [places[cell.cell_id] for cell in session if cell.cell_id in places]
    order = "execution order"
    if not ran:
        return Ground(order, "unknown", "no saved cell is known to have run", "run all cells")
    failed = sum(cell.status == "failed" for cell in session if cell.cell_id in places)
    if failed:
        return Ground(order, "unknown", f"{count(failed, 'cell')} failed", "restart the kernel and run all cells")
    if ran != sorted(set(ran)):
        again = len(ran) - len(set(ran))
        seen = f"{count(again, 'cell')} ran again" if again else "cells ran in another order than they stand in"
        return Ground(order, "unknown", seen, "restart the kernel and run all cells")
    missed = len([place for place in places.values() if place < ran[-1]]) - len(ran) + 1
    if missed:
        return Ground(
            order, "unknown", f"{count(missed, 'cell')} above did not run, as far as is known", "run all cells"
        )
    return Ground(order, "for", f"{count(len(ran), 'cell')} of {len(places)} ran, from top to bottom, each once")


def _linted(path: Path) -> list[Ground]:
    """What the page itself tells: reads, draws, and what would stop it."""
    from nbmlops.pipelines.linting.lint import lint
    from nbmlops.pipelines.notebook import read_content

    try:
        found = lint(read_content(path), path)
    except NbmlopsError as error:
        return [Ground("lint", "unknown", error.message, error.hint or "")]
    groups: dict[str, list[Finding]] = {"reads": [], "seeds": [], "lint": []}
    for finding in found:
        kind = _KINDS.get(finding.rule) or ("lint" if finding.severity == "error" else None)
        if kind and finding.rule not in _ORDER:
            groups[kind].append(finding)
    good = {
        "reads": "every file that it reads is a version, as far as the page tells",
        "seeds": "every draw has a seed, as far as the page tells",
        "lint": "nothing would stop it",
    }
    return [_of(kind, findings, good[kind]) for kind, findings in groups.items()]


def _of(kind: str, findings: Sequence[Finding], good: str) -> Ground:
    if not findings:
        return Ground(kind, "for", good)
    first, more = findings[0], len(findings) - 1
    seen = f"cell {first.cell}, line {first.line}: {first.message}" + (f", and {more} more" if more else "")
    return Ground(kind, "against", seen, first.fix)


def _proof(runs: Runs, notebook: str, page: Saved) -> str | None:
    """The run of this very source that gave the same when it was executed again."""
    record = runs.reproduced(notebook)
    return record.name if record is not None and record.source == page.text else None
