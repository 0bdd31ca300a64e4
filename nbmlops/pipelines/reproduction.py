"""What came of executing a run again: a verdict, and the evidence for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from nbmlops.checks.records import Outcome

__all__ = ["VERDICTS", "Reproduction", "Verdict", "judged"]

Verdict = Literal["identical", "within tolerance", "differs", "cannot"]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""From best to worst; the verdict on a pipeline's run is the worst of its steps'."""


def judged(given: Iterable[Outcome], results: Iterable[Outcome]) -> Verdict:
    """The verdict that some evidence leads to.

    What could not be done says ``errored``, what is another ``failed``; a result that is ``warned`` is the same within
    the tolerance. What is ``warned`` of the given is worth knowing, and decides nothing.

    Examples
    --------
    >>> same, near = (Outcome("auc", None, status, "0.7", "= 0.7") for status in ("passed", "warned"))
    >>> judged([same, near], [same]), judged([same], [same, near])
    ('identical', 'within tolerance')
    """
    found, gave = ({outcome.status for outcome in outcomes} for outcomes in (given, results))
    if "errored" in found | gave:
        return "cannot"
    if "failed" in found | gave:
        return "differs"
    return "within tolerance" if "warned" in gave else "identical"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The verdict on a run, and what it rests on.

    Attributes
    ----------
    run : str
        The run that was executed again.
    verdict : {"identical", "within tolerance", "differs", "cannot"}
        ``cannot`` when it could not be executed as it was, or not to its end.
    given : tuple of Outcome
        Whether it was given the same: parameters, data, code, packages.
    results : tuple of Outcome
        Whether it gave the same: metrics, digests of data and models, outputs of cells.
    at : datetime
        When, in UTC.
    seconds : float
        How long it took.
    environment : str
        Digest of what it was executed on.
    proof : str or None
        The run of kind ``proof`` that executed it; None where it did not come to that, or each step has its own.
    changed : tuple of str
        What was to be another, as asked for; the verdict is then not kept with the run.
    parts : tuple of Reproduction
        Those of its steps.
    output_notebook : str or None
        The executed notebook.
    """

    run: str
    verdict: Verdict
    given: tuple[Outcome, ...]
    results: tuple[Outcome, ...]
    at: datetime
    seconds: float
    environment: str
    proof: str | None = None
    changed: tuple[str, ...] = ()
    parts: tuple[Reproduction, ...] = ()
    output_notebook: str | None = None

    @property
    def is_same(self) -> bool:
        """Whether it is the same again, exactly or within the tolerance."""
        return self.verdict in {"identical", "within tolerance"}

    @property
    def reasons(self) -> tuple[Outcome, ...]:
        """What the verdict rests on when it is not ``identical``, those of the steps after its own."""
        own = [outcome for outcome in self.given if outcome.status in {"failed", "errored"}]
        own += [outcome for outcome in self.results if outcome.status != "passed"]
        return (*own, *(reason for part in self.parts for reason in part.reasons))
