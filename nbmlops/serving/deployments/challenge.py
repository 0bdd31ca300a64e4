"""The rules by which an event lets a challenger be trained, and the verb that says them.

What is said becomes a schedule, so a daemon keeps it, people see it in `schedule list`, and nothing is held in memory:
`contest` does what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self, get_args

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_known, check_one_of
from nbmlops.core.spans import parse_span
from nbmlops.serving.deployments.trial import Measure

if TYPE_CHECKING:
    from nbmlops.pipelines.schedules.records import Schedule
    from nbmlops.pipelines.schedules.service import Schedules

__all__ = ["Challenging", "Contest", "challenge_name", "contest_name"]


def challenge_name(deployment: str) -> str:
    """What the schedule is called that waits for the event."""
    return f"{deployment}_challenge"


def contest_name(deployment: str) -> str:
    """What the schedule is called that looks at the test."""
    return f"{deployment}_contest"


@dataclass(frozen=True, slots=True)
class Contest:
    """How a challenger is trained and tested.

    Attributes
    ----------
    pipeline : str
        What trains it: ``delays`` means ``delays@production``.
    params : mapping
        The pipeline's parameters; dates such as ``due-1d:%m`` are those of the event.
    share : float or None
        The percentage of the callers that it answers; without one it answers all in shadow, unheard.
    least, within : str
        How long it is tested at least, however sure the test is, and at most.
    every : str
        How long it is between two looks.
    measure : {"accuracy", "brier", "absolute error"} or None
        What is compared.
    risk : float
        The chance that the test ever tells equal ones apart.
    """

    pipeline: str
    params: Mapping[str, Any] = field(default_factory=dict)
    share: float | None = None
    least: str = "1w"
    within: str = "8w"
    every: str = "1d"
    measure: str | None = None
    risk: float = 0.05

    def __post_init__(self) -> None:
        least, within = parse_span(self.least), parse_span(self.within)
        if not parse_span(self.every) or within < least or not within:
            raise InvalidError(
                f"a test of {self.least} at least and {self.within} at most, looked at every {self.every}, is none",
                hint="--least 1w --within 8w --every 1d",
            )
        if self.share is not None and not 0 < self.share < 100:
            raise InvalidError(f"{self.share:g} is no share for a challenger", hint="--share 10, or none for shadow")
        if not 0 < self.risk < 1:
            raise InvalidError(f"{self.risk} is no risk", hint="a number between 0 and 1, such as 0.05")
        if self.measure is not None:
            check_one_of("measure", self.measure, get_args(Measure))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Read what a schedule was given.

        Raises
        ------
        InvalidError
            When a rule is unknown or none, or no pipeline is named.
        """
        check_known(cls, dict(given), "a challenge has no")
        if "pipeline" not in given:
            raise InvalidError("a challenge needs a pipeline", hint="`ml deployment challenge NAME PIPELINE --on …`")
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """What was said, as a schedule keeps it."""
        given = asdict(self)
        return {one.name: given[one.name] for one in fields(self) if given[one.name] is not None}


class Challenging:
    """The verb ``challenge`` of deployments."""

    _schedules: Callable[[], Schedules]

    def challenge(
        self,
        name: str,
        pipeline: str,
        params: Mapping[str, Any] | None = None,
        *,
        on: str,
        **asked: Any,
    ) -> Schedule:
        """Let a challenger be trained after an event, tested on live traffic, and promoted or dropped.

        After each event the pipeline runs, and the version that it gives becomes ``challenger`` if its gate passes. It
        answers all requests in shadow, or a share of them. At each turn the test is looked at: a challenger that is
        better is promoted through the gate of the served alias; one that is worse, fails, or is not told apart in
        time is dropped. One challenger is tested at a time.

        Parameters
        ----------
        name : str
            The model.
        pipeline : str
            What trains it.
        params : mapping, optional
            What the pipeline is given; a text that begins with ``due`` is a date of the event.
        on : str
            The event, such as ``monitor:good``.
        **asked
            Its rules: the attributes of `Contest`.

        Returns
        -------
        Schedule
            What waits for the event; ``schedule pause`` and ``delete`` end that.

        Raises
        ------
        InvalidError
            When a rule, the event or a parameter is none.
        NotFoundError
            When there is no such model or pipeline.
        ConflictError
            When it waits for an event already.
        """
        said = Contest.of({**asked, "pipeline": pipeline, "params": dict(params or {})}).to_json()
        return self._schedules().add(name, params=said, name=challenge_name(name), action="challenge", on=on)
