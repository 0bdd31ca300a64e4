"""What becomes of a challenger: trained after an event, tested on live traffic, promoted by its gate or dropped.

Both halves are Actions, so the daemon does them, and a fire of a schedule tells of each. What is done to the deployment
is in its history with the reason. Being dropped is no failure of the loop, so such a fire has not failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.actions import Started
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.refs import Ref, check_name
from nbmlops.core.spans import parse_span
from nbmlops.models.records import PromotionRefusedError
from nbmlops.serving.deployments.challenge import Contest, contest_name
from nbmlops.serving.deployments.ramp import decide, health_of
from nbmlops.serving.deployments.shares import without

if TYPE_CHECKING:
    from nbmlops.core.actions import Order
    from nbmlops.core.clock import Clock
    from nbmlops.models.service import Models
    from nbmlops.pipelines.schedules.pipeline_action import PipelineAction
    from nbmlops.pipelines.schedules.service import Schedules
    from nbmlops.serving.deployments.service import Deployments
    from nbmlops.serving.records import Deployment

__all__ = ["CHALLENGER", "ChallengeAction", "ContestAction"]

CHALLENGER = "challenger"
"""The alias of a version that is tested."""
_REF, _BEGAN = "challenger", "began"


@dataclass(frozen=True, slots=True)
class _Loop:
    """What both halves need."""

    deployments: Deployments
    models: Models
    schedules: Schedules

    def end(self, deployment: Deployment, ref: str, verb: str, why: str) -> Started:
        """Let a challenger answer nobody any more, and look at its test no more."""
        rest = {
            "split": without(deployment.split, ref),
            "shadow": tuple(one for one in deployment.shadow if one != ref),
        }
        self.deployments.change(deployment.name, verb, note=why, **rest)
        self.schedules.delete(contest_name(deployment.name))
        return Started(note=f"{deployment.name}@{ref} {'promoted' if verb == 'promote' else 'dropped'}: {why}")


class ChallengeAction:
    """The Action ``challenge``: trains a challenger, and begins its test.

    Parameters
    ----------
    deployments, models, schedules
        The services of the workspace.
    pipelines : PipelineAction
        Trains.
    clock : Clock
        Tells when the test began.
    """

    def __init__(
        self, deployments: Deployments, models: Models, schedules: Schedules, pipelines: PipelineAction, clock: Clock
    ) -> None:
        self._loop = _Loop(deployments, models, schedules)
        self._pipelines = pipelines
        self._clock = clock

    def named(self, target: str) -> str:
        """The deployment's name."""
        return check_name(target)

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Read the rules, and look for the model and the pipeline."""
        rules = Contest.of(parameters)
        self._loop.deployments.said(target)
        self._pipelines.check(self._pipelines.named(rules.pipeline), rules.params)

    def start(self, order: Order) -> Started:
        """Train; a version that is new and passes its gate is tested from now on.

        Raises
        ------
        InvalidError
            When the pipeline makes no version of the model.
        """
        loop, rules, name = self._loop, Contest.of(order.parameters), order.target
        if tested := self._tested(name):
            return Started(note=f"{name}@{tested} is still tested: nothing was trained")
        trained = self._pipelines.ran(self._pipelines.named(rules.pipeline), rules.params, order)
        made = [ref for step in trained.steps for ref in step.outputs if Ref.parse(ref).name == name]
        models = [loop.models.show(ref) for ref in dict.fromkeys(made) if _is_model(loop.models, ref)]
        if not models:
            raise InvalidError(
                f"{rules.pipeline} made no version of the model {name}",
                hint=f"a step of it is to say `ml model save … {name}`",
            )
        candidate, deployment = models[-1], loop.deployments.said(name)
        served = loop.deployments.resolve(deployment, deployment.alias)
        run = trained.run.name
        if candidate.digest == served.digest:
            return Started(run, f"{candidate.ref} learnt the same as {served.ref}: nothing to test")
        why = f"trained by {run} after {order.logical_time}"
        try:
            loop.models.promote(candidate.ref, CHALLENGER, message=why)
        except PromotionRefusedError as refused:
            told = "; ".join(refused.message.splitlines()[1:]).replace("  ", "")
            loop.deployments.change(name, "drop", note=f"{candidate.ref}: its gate says no: {told}")
            return Started(run, f"{candidate.ref} dropped: its gate says no: {told}")
        return Started(run, self._begin(deployment, f"v{candidate.number}", rules, why))

    def _tested(self, name: str) -> str | None:
        try:
            return str(self._loop.schedules.show(contest_name(name)).parameters[_REF])
        except NotFoundError:
            return None

    def _begin(self, deployment: Deployment, ref: str, rules: Contest, why: str) -> str:
        loop, name = self._loop, deployment.name
        if rules.share is None:
            values: dict[str, Any] = {"shadow": tuple(dict.fromkeys([*deployment.shadow, ref]))}
        else:
            values = {"split": ((ref, rules.share), *without(deployment.split, ref))}
        loop.deployments.change(name, "challenge", note=why, **values)
        params = {**rules.to_json(), _REF: ref, _BEGAN: self._clock.now().isoformat()}
        loop.schedules.add(name, params=params, name=contest_name(name), action="contest", every=rules.every)
        where = "in shadow" if rules.share is None else f"with {rules.share:g} % of the callers"
        return f"{name}@{ref} is tested {where}"


class ContestAction:
    """The Action ``contest``: one look at the test of a challenger, and what follows from it.

    Parameters
    ----------
    deployments, models, schedules
        The services of the workspace.
    clock : Clock
        Tells how long it has been tested.
    """

    def __init__(self, deployments: Deployments, models: Models, schedules: Schedules, clock: Clock) -> None:
        self._loop = _Loop(deployments, models, schedules)
        self._clock = clock

    def named(self, target: str) -> str:
        """The deployment's name."""
        return check_name(target)

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Read the rules, and look for the challenger."""
        _, ref, _ = _read(parameters)
        self._loop.deployments.resolve(self._loop.deployments.said(target), ref)

    def start(self, order: Order) -> Started:
        """Look: go on, promote or drop."""
        (rules, ref, began), loop = _read(order.parameters), self._loop
        deployment = loop.deployments.said(order.target)
        if ref not in {*deployment.shadow, *(one for one, _ in deployment.split)}:
            loop.schedules.delete(contest_name(order.target))
            return Started(note=f"{order.target}@{ref} answers nobody any more: its test has ended")
        if rules.share is not None and (harm := self._harm(deployment, ref, began)):
            return loop.end(deployment, ref, "drop", harm)
        outcome, told = self._outcome(deployment, ref, rules)
        lasted = self._clock.now() - began
        if lasted < parse_span(rules.least):
            return Started(note=f"{outcome}, and tested for less than {rules.least}: {told}")
        if outcome == "better":
            return self._promote(deployment, ref, told)
        if outcome == "worse":
            return loop.end(deployment, ref, "drop", f"worse: {told}")
        if lasted >= parse_span(rules.within):
            return loop.end(deployment, ref, "drop", f"not told apart within {rules.within}: {told}")
        return Started(note=f"undecided: {told}")

    def _outcome(self, deployment: Deployment, ref: str, rules: Contest) -> tuple[str, str]:
        test = self._loop.deployments.test
        try:
            trial = test(deployment.name, challenger=ref, risk=rules.risk, measure=rules.measure)
        except InvalidError as error:
            return "undecided", error.message
        return trial.outcome, trial.told

    def _harm(self, deployment: Deployment, ref: str, began: datetime) -> str | None:
        """What a challenger that people hear does to them, beside being wrong: as of a ramp, errors and latency."""
        service = self._loop.deployments
        numbers = [service.resolve(deployment, one).number or 0 for one in (ref, deployment.alias)]
        sides = [health_of(service.captured.hours(deployment.name, began, version=number)) for number in numbers]
        share = dict(deployment.split).get(ref, 0.0)
        told = decide(share, share, share, sides[0], sides[1])
        return told.why if told.what == "stop" else None

    def _promote(self, deployment: Deployment, ref: str, why: str) -> Started:
        name = deployment.name
        try:
            moved = self._loop.models.promote(f"{name}@{ref}", deployment.alias, message=f"better: {why}")
        except PromotionRefusedError as refused:
            told = "; ".join(refused.message.splitlines()[1:]).replace("  ", "")
            return self._loop.end(deployment, ref, "drop", f"better on live traffic, but its gate says no: {told}")
        if moved.waits is not None:
            self._loop.schedules.delete(contest_name(name))
            return Started(note=f"{name}@{ref} is better and waits for approval: {why}")
        return self._loop.end(deployment, ref, "promote", f"better: {why}")


def _read(parameters: Mapping[str, Any]) -> tuple[Contest, str, datetime]:
    rules = dict(parameters)
    if missing := [key for key in (_REF, _BEGAN) if key not in rules]:
        raise InvalidError(
            f"a contest needs {', '.join(missing)}", hint="`ml deployment challenge NAME PIPELINE --on …` begins one"
        )
    ref, began = str(rules.pop(_REF)), str(rules.pop(_BEGAN))
    try:
        at = datetime.fromisoformat(began)
    except ValueError:
        raise InvalidError(f"{_BEGAN} is {began!r}, which is no time", hint="such as 2026-03-01T06:00:00Z") from None
    if at.tzinfo is None:
        raise InvalidError(f"{_BEGAN} is {began!r}, of no zone", hint="such as 2026-03-01T06:00:00Z")
    return Contest.of(rules), ref, at


def _is_model(models: Models, ref: str) -> bool:
    """Whether a reference that a step made is one of a model: data may be called as a model is."""
    try:
        models.show(ref)
    except NotFoundError:
        return False
    return True
