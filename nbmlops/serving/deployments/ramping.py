"""Starts a ramp and takes its steps: what a schedule does with a deployment, apart from the verbs that people type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.serving.deployments.ramp import RampDecision, decide, health_of
from nbmlops.serving.records import Deployment

if TYPE_CHECKING:
    from nbmlops.pipelines.schedules.service import Schedules
    from nbmlops.serving.deployments.service import Deployments

__all__ = ["Ramping", "schedule_name"]


def schedule_name(deployment: str) -> str:
    """What the schedule of a ramp is called."""
    return f"{deployment}_ramp"


class Ramping:
    """The ramps of one workspace."""

    def __init__(self, deployments: Deployments, schedules: Callable[[], Schedules]) -> None:
        self._deployments = deployments
        self._schedules = schedules

    def begin(self, name: str, challenger: str, to: float, step: float, every: str) -> Deployment:
        """Give the challenger its first share, and let a schedule do the rest."""
        if not 0 < step <= to <= 100:
            raise InvalidError(f"a ramp to {to:g} % by {step:g} is none", hint="`--to 50 --step 10`")
        before = self._deployments.said(name)
        self._deployments.resolve(before, challenger)
        if before.split:
            hint = f"`ml deployment split {name} --off` first"
            raise ConflictError(f"the callers of {name} are shared out already", hint=hint)
        params = {"challenger": challenger, "to": to, "step": step}
        self._schedules().add(name, params=params, name=schedule_name(name), action="ramp", every=every)
        return self._deployments.change(name, "ramp", split=((challenger, float(step)),))

    def on(self, name: str, challenger: str, to: float, step: float) -> RampDecision:
        """Look at what was answered since the last change, and do what follows."""
        service = self._deployments
        deployment = service.said(name)
        share = dict(deployment.split).get(challenger)
        if share is None:
            told = RampDecision("done", 0.0, f"{challenger} has no share any more")
        else:
            since = deployment.changed_at
            numbers = [service.resolve(deployment, ref).number or 0 for ref in (challenger, deployment.alias)]
            sides = [health_of(service.captured.hours(name, since, version=number, role=None)) for number in numbers]
            told = decide(share, to, step, sides[0], sides[1], service.failing(name))
        self._follow(deployment, challenger, told)
        return told

    def _follow(self, deployment: Deployment, challenger: str, told: RampDecision) -> None:
        if told.what in {"step", "stop"}:
            split = ((challenger, told.share),) if told.what == "step" else ()
            self._deployments.change(deployment.name, "ramp", note=told.why, split=split)
        if told.what in {"stop", "done"}:
            self._schedules().delete(schedule_name(deployment.name))
