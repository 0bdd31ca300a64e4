"""A challenger gets more of the callers step by step, for as long as nothing speaks against it.

`decide` is a pure function of what was seen since the last step. `RampAction` asks it when the schedule comes due,
changes the split, and pauses the schedule at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.core.actions import Started
from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.core.refs import check_name
from nbmlops.profiling.sketches import merge_quantiles

if TYPE_CHECKING:
    from nbmlops.core.actions import Order
    from nbmlops.serving.capture.hours import Hour
    from nbmlops.serving.deployments.service import Deployments

__all__ = ["Health", "RampAction", "RampDecision", "decide", "health_of"]

LEAST = 100
"""Requests of the challenger before which nothing is decided."""
_SURE = 3.0
_SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Health:
    """How requests of one version went: how many, how many of them failed, and in what time 95 % were answered."""

    requests: int
    errors: int
    p95_ms: float

    @property
    def error_rate(self) -> float:
        """The share that was refused or failed."""
        return self.errors / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class RampDecision:
    """What is done: the challenger's share from now on, and why."""

    what: Literal["step", "wait", "stop", "done"]
    share: float
    why: str


def health_of(hours: Sequence[Hour]) -> Health:
    """The health of some hours of one version.

    Where it failed unheard counts too, as an error: of a version that does not open, the champion gives the answers.
    """
    unheard = sum(hour.errors for hour in hours if hour.role == "shadow")
    heard = [hour for hour in hours if hour.role == "served"]
    requests, errors = (sum(getattr(hour, what) for hour in heard) for what in ("requests", "errors"))
    return Health(requests + unheard, errors + unheard, _p95(heard))


def _p95(hours: Sequence[Hour]) -> float:
    if not hours:
        return math.nan
    whole = hours[0].latency
    for hour in hours[1:]:
        whole = merge_quantiles(whole, hour.latency)
    return replace(hours[0], latency=whole).latency_ms(0.95)


def decide(
    share: float, goal: float, step: float, challenger: Health, champion: Health, failing: Sequence[str] = ()
) -> RampDecision:
    """What becomes of the challenger's share.

    It stops when a monitor fails; when the challenger's share of errors is above the champion's by more than three
    standard errors of the difference; or when 95 % of its requests take more than half as long again.

    Examples
    --------
    >>> well = Health(1_000, 2, 12.0)
    >>> decide(10, 50, 10, well, well).what, decide(10, 50, 10, Health(1_000, 90, 12.0), well).what
    ('step', 'stop')
    """
    if failing:
        return RampDecision("stop", 0.0, f"failing: {', '.join(failing)}")
    if challenger.requests < LEAST:
        return RampDecision("wait", share, f"{challenger.requests:,} requests so far, {LEAST} are needed")
    if champion.requests:
        both = (challenger.errors + champion.errors) / (challenger.requests + champion.requests)
        deviation = math.sqrt(both * (1 - both) * (1 / challenger.requests + 1 / champion.requests))
        if challenger.error_rate - champion.error_rate > _SURE * deviation and challenger.errors:
            told = f"{challenger.error_rate:.1%} against {champion.error_rate:.1%}"
            return RampDecision("stop", 0.0, f"errors: {told}")
        if challenger.p95_ms > _SLOWER * champion.p95_ms:
            told = f"{challenger.p95_ms:.0f} ms against {champion.p95_ms:.0f} ms"
            return RampDecision("stop", 0.0, f"latency, 95 % within: {told}")
    if share >= goal:
        return RampDecision("done", share, f"{share:g} % reached")
    return RampDecision("step", min(goal, share + step), "nothing speaks against it")


class RampAction:
    """The Action ``ramp``: one look at a deployment, and what follows from it."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    def named(self, target: str) -> str:
        """The deployment's name."""
        return check_name(target)

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Say what is missing."""
        if missing := [key for key in ("challenger", "to", "step") if key not in parameters]:
            raise InvalidError(f"a ramp needs {', '.join(missing)}", hint=f"`ml deployment ramp {target} challenger`")
        self._deployments.resolve(self._deployments.said(target), str(parameters["challenger"]))

    def start(self, order: Order) -> Started:
        """Look, and step, wait or stop.

        Raises
        ------
        ConflictError
            When it stopped: the schedule has a failed fire then, of which people are told.
        """
        told = self._deployments.ramp_on(order.target, **order.parameters)
        if told.what == "stop":
            raise ConflictError(
                f"the ramp of {order.target} stopped, and {order.parameters['challenger']} answers nobody: {told.why}",
                hint=f"`ml deployment history {order.target}`",
            )
        return Started(note=f"{told.what} at {told.share:g} %: {told.why}")
