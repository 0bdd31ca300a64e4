"""What a suite of checks found: one `Outcome` per check, gathered in a `Report`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from nbmlops.checks import evidence
from nbmlops.core.errors import RefusedError, UnsupportedError

if TYPE_CHECKING:
    from nbmlops.checks.evidence import Evidence

__all__ = ["SECTIONS", "STATUSES", "Band", "Outcome", "Report", "Section", "Status"]

Status = Literal["passed", "warned", "failed", "errored"]
Section = Literal["data", "model", "infrastructure", "production"]

STATUSES: tuple[Status, ...] = get_args(Status)
"""From best to worst; the status of a report is the worst of its outcomes."""
SECTIONS: tuple[Section, ...] = get_args(Section)
"""The four sections of the ML Test Score (Breck et al. 2017)."""

Band = tuple[float | None, float | None]

_FORMAT = 2
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found.

    Parameters
    ----------
    check : str
        The expectation's name, such as ``between`` or ``roc_auc``.
    column : str or None
        The column it judged, or None for a whole table, model or system.
    status : {"passed", "warned", "failed", "errored"}
        ``errored`` means that the check itself could not run.
    figure, bound : str
        What was measured, and what was asked for; for people.
    detail : str
        What helps to find the cause: values seen, nearest names, the engine's message.
    rows : tuple of int
        Positions, from 0, of the first offending rows.
    evidence : tuple of Evidence
        What the verdict rests on: rows, tables, bars, curves and notes.
    number : float or None
        The figure as a number, for lines over time; None where there is none, or it is not finite.
    owner, reason : str
        Who looks after the check, and why it is there, as its suite says.
    band : tuple of float or None
        Between which ends `number` may be, None for an open one; for lines over time.
    """

    check: str
    column: str | None
    status: Status
    figure: str
    bound: str
    detail: str = ""
    rows: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    number: float | None = None
    owner: str = ""
    reason: str = ""
    band: Band | None = None

    def __post_init__(self) -> None:
        if self.number is not None:
            number = float(self.number)
            object.__setattr__(self, "number", number if math.isfinite(number) else None)

    @property
    def label(self) -> str:
        """Column and check in one phrase, such as ``dep_delay between``."""
        return self.check if self.column is None else f"{self.column} {self.check}"

    def __str__(self) -> str:
        found = f"{self.label}: {self.figure}" if self.figure else f"{self.label}: {self.detail}"
        return f"{found}, bound {self.bound}" if self.bound else found


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a suite of checks on one subject.

    Parameters
    ----------
    id : int or None
        Number in the catalog; None until it is saved.
    suite : str
        Name of the suite.
    section : {"data", "model", "infrastructure", "production"}
        Section of the ML Test Score that it is evidence for.
    subject : str
        What was judged: a reference such as ``flights@v4``, or ``dataframe``.
    outcomes : tuple of Outcome
        One per check, in the order of the suite.
    created_at : datetime
        When it was judged, in UTC.
    run_id : str or None
        The run that was active then.
    judged : tuple of str
        The versions that were judged, each as ``data:ID`` or ``model:ID`` with its id in the catalog.
    """

    id: int | None
    suite: str
    section: Section
    subject: str
    outcomes: tuple[Outcome, ...]
    created_at: datetime
    run_id: str | None = None
    judged: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The worst status of the outcomes; ``passed`` when there are none."""
        return max((outcome.status for outcome in self.outcomes), key=STATUSES.index, default="passed")

    @property
    def passed(self) -> bool:
        """Whether nothing failed and nothing errored; warnings do not count."""
        return self.status in ("passed", "warned")

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many outcomes have each status; all four are there."""
        found: dict[Status, int] = dict.fromkeys(STATUSES, 0)
        for outcome in self.outcomes:
            found[outcome.status] += 1
        return found

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that failed or errored."""
        return tuple(outcome for outcome in self.outcomes if outcome.status in ("failed", "errored"))

    def raise_if_failed(self) -> None:
        """Do nothing when the report passed, else raise.

        Raises
        ------
        RefusedError
            When a check failed or errored; names each (the first five) with figure and bound.
        """
        failures = self.failures
        if not failures:
            return
        named = [f"  {outcome.status:<7} {outcome}" for outcome in failures[:_NAMED]]
        if len(failures) > _NAMED:
            named.append(f"  and {len(failures) - _NAMED} more")
        suite = f" of {self.suite}" if self.suite else ""
        raise RefusedError(
            f"{self.subject}: {len(failures)} of {len(self.outcomes)} checks{suite} did not pass\n" + "\n".join(named),
            hint=None if self.id is None else f"see the whole report with `ml check show {self.id}`",
        )

    def to_json(self) -> dict[str, Any]:
        """Everything but the id, as plain JSON values; `from_json` reads it back."""
        return {
            "format": _FORMAT,
            "suite": self.suite,
            "section": self.section,
            "subject": self.subject,
            "status": self.status,
            "created_at": self.created_at.isoformat(),
            "run_id": self.run_id,
            "judged": list(self.judged),
            "outcomes": [_outcome_to_json(outcome) for outcome in self.outcomes],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, number: int | None = None) -> Report:
        """Build the report that `to_json` wrote.

        Raises
        ------
        UnsupportedError
            When it was written by a newer version of the format.
        """
        if document["format"] > _FORMAT:
            raise UnsupportedError(
                f"the report has format {document['format']}; this version reads up to {_FORMAT}",
                hint="upgrade nbmlops",
            )
        return cls(
            id=number,
            suite=document["suite"],
            section=document["section"],
            subject=document["subject"],
            outcomes=tuple(_outcome_from_json(each) for each in document["outcomes"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            run_id=document["run_id"],
            judged=tuple(document.get("judged", ())),
        )


def _outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "check": outcome.check,
        "column": outcome.column,
        "status": outcome.status,
        "figure": outcome.figure,
        "bound": outcome.bound,
        "detail": outcome.detail,
        "rows": list(outcome.rows),
        "evidence": [evidence.to_json(each) for each in outcome.evidence],
        "number": outcome.number,
        "owner": outcome.owner,
        "reason": outcome.reason,
        **({} if outcome.band is None else {"band": list(outcome.band)}),
    }


def _outcome_from_json(document: Mapping[str, Any]) -> Outcome:
    # Format 1 had neither evidence nor number, and the first reports of format 2 no owner and reason; an erasure puts a
    # mark in the place of a number.
    number = document.get("number")
    return Outcome(
        **{key: document[key] for key in ("check", "column", "status", "figure", "bound", "detail")},
        rows=tuple(document["rows"]),
        evidence=tuple(evidence.from_json(each) for each in document.get("evidence", ())),
        number=number if isinstance(number, float | int) else None,
        owner=document.get("owner", ""),
        reason=document.get("reason", ""),
        band=_band(document.get("band")),
    )


def _band(given: Any) -> Band | None:
    """The ends of a band; those that an erasure marked are gone."""
    if not isinstance(given, list) or len(given) != 2:
        return None
    low, high = (end if isinstance(end, int | float) else None for end in given)
    return low, high
