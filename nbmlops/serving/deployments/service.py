"""Verbs on deployments: list, show, history, split, shadow, ramp, challenge, set, test, replay, forget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.core.spans import parse_span
from nbmlops.serving import queries
from nbmlops.serving.capture.forgetting import Forgotten, forget
from nbmlops.serving.deployments.challenge import Challenging
from nbmlops.serving.deployments.ramp import RampDecision
from nbmlops.serving.deployments.ramping import Ramping
from nbmlops.serving.deployments.replay import Again, Replay, noted
from nbmlops.serving.deployments.shares import parse_shares
from nbmlops.serving.deployments.trial import Trial, tried
from nbmlops.serving.records import Deployment, DeploymentChange, Personal, Unseen
from nbmlops.store import audit, holds

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.schedules.service import Schedules
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.versions import Version, Versions

__all__ = ["Deployments"]

_LATELY = timedelta(hours=24)


class Deployments(Challenging):
    """Deployments of one workspace.

    Parameters
    ----------
    catalog : Catalog
        Where they are.
    clock : Clock
        The time.
    models : Versions
        The versions of models.
    captured : Captured
        What was asked of them, and what they answered.
    again : Again
        Answers what was captured once more.
    schedules : callable
        Gives the schedules, by which ramps go on.
    """

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        models: Versions,
        captured: Captured,
        again: Again,
        schedules: Callable[[], Schedules],
    ) -> None:
        self._schedules = schedules
        self._ramping = Ramping(self, schedules)
        self._again = again
        self._catalog = catalog
        self._clock = clock
        self._models = models
        self.captured = captured

    def show(self, name: str) -> Deployment:
        """What is said of a deployment, by default that its alias answers all, and what it answered in 24 hours.

        Raises
        ------
        NotFoundError
            When there is no model of that name.
        """
        said = self.said(name)
        if name not in self.captured.deployments():
            return said
        return replace(said, traffic=self.captured.traffic(name, self._clock.now() - _LATELY))

    def said(self, name: str) -> Deployment:
        """What is said of a deployment, without what it answered; raises as `show` does."""
        row = self._catalog.read(lambda c: queries.deployment(c, name))
        if row is not None:
            return Deployment.of(row)
        self._models.resolve(name)
        return Deployment(name)

    def history(self, name: str, *, limit: int = 20) -> list[DeploymentChange]:
        """Changes of a deployment, newest first."""
        self.said(name)
        rows = self._catalog.read(lambda c: queries.events(c, name, limit))
        return [
            DeploymentChange(row.subject, row.at, row.actor, row.action.removeprefix("deployment."), row.detail)
            for row in rows
        ]

    def resolve(self, deployment: Deployment, ref: str) -> Version:
        """The version that an alias or number of a deployment means now.

        Raises
        ------
        NotFoundError
            When it means none.
        """
        return self._models.resolve(Ref.parse(f"{deployment.name}@{ref}"))

    def split(
        self, name: str, *shares: str | Mapping[str, float], sticky: str | None = None, off: bool = False
    ) -> Deployment:
        """Share out the callers among versions.

        Parameters
        ----------
        name : str
            The model.
        *shares : str or mapping
            Aliases or versions with their percentages: ``"champion=90", "challenger=10"``. What is left of the hundred
            is answered by the alias that is served.
        sticky : str, optional
            The input column or header whose value chooses the share; by default each request is on its own.
        off : bool
            Serve the alias to all again.

        Raises
        ------
        InvalidError
            When the shares are none, or above a hundred together.
        NotFoundError
            When an alias or a version is not there.
        """
        if bool(shares) == off:
            raise InvalidError(
                "shares and --off exclude each other" if off else "no share is given",
                hint=f"`ml deployment split {name} champion=90 challenger=10`, or `ml deployment split {name} --off`",
            )
        if off and sticky is not None:
            raise InvalidError("without shares nothing is sticky", hint=f"`ml deployment split {name} --off`")
        return self.change(name, "split", split=parse_shares(shares), sticky=sticky)

    def shadow(self, name: str, *refs: str, off: bool = False) -> Deployment:
        """Let versions answer too, unheard: what they would have said is captured beside what was answered.

        Parameters
        ----------
        name : str
            The model.
        *refs : str
            Aliases or versions, such as ``challenger`` or ``v7``.
        off : bool
            Let none do so any more.

        Raises
        ------
        InvalidError
            When neither is given, or both are.
        NotFoundError
            When an alias or a version is not there.
        """
        if bool(refs) == off:
            raise InvalidError(
                "versions and --off exclude each other" if off else "no version is given",
                hint=f"`ml deployment shadow {name} challenger`, or `ml deployment shadow {name} --off`",
            )
        return self.change(name, "shadow", shadow=tuple(dict.fromkeys(refs)))

    def set(
        self,
        name: str,
        *,
        alias: str | None = None,
        sampled: float | None = None,
        unseen: Unseen | None = None,
        personal: Mapping[str, Personal] | None = None,
    ) -> Deployment:
        """Say how a deployment serves and what is kept of it; what is not given stays.

        Parameters
        ----------
        name : str
            The model.
        alias : str, optional
            The alias that answers whom no share takes.
        sampled : float, optional
            The share of the requests whose rows are kept, from 0 to 1; profiles are of all.
        unseen : {"refuse", "null", "pass"}, optional
            What becomes of a category that the model has not seen.
        personal : mapping, optional
            By input columns: ``keep``, ``drop``, or ``hash`` with the workspace's key.

        Raises
        ------
        InvalidError
            When nothing is given, or what is given is none of these.
        NotFoundError
            When the alias is nowhere.
        """
        given: dict[str, Any] = {"alias": alias, "sampled": sampled, "unseen": unseen}
        values = {key: value for key, value in given.items() if value is not None}
        if unseen is not None and unseen not in get_args(Unseen):
            raise InvalidError(f"{unseen!r} is no rule for unseen categories", hint="refuse, null or pass")
        for column, rule in (personal or {}).items():
            if rule not in get_args(Personal):
                raise InvalidError(f"{rule!r} is no rule for {column}", hint="keep, drop or hash")
        if personal:
            values["personal"] = {**self.said(name).personal, **personal}
        if not values:
            raise InvalidError("nothing is set", hint=f"`ml deployment set {name} --sampled 0.1`")
        if alias is not None:
            self.resolve(self.said(name), alias)
        return self.change(name, "set", **values)

    def test(
        self,
        name: str,
        *,
        challenger: str = "challenger",
        champion: str | None = None,
        risk: float = 0.05,
        measure: str | None = None,
    ) -> Trial:
        """Compare a challenger with the champion on the labelled rows that each answered; may be asked at any time.

        Parameters
        ----------
        name : str
            The model.
        challenger : str
            Its alias or version.
        champion : str, optional
            Whom it is compared with; the alias that is served by default.
        risk : float
            With which probability equal ones are ever told apart, however often one looks.
        measure : {"accuracy", "brier", "absolute error"}, optional
            What is compared; by default accuracy, or for answers that are real numbers the absolute error.

        Raises
        ------
        NotFoundError
            When one of them is not there.
        InvalidError
            When both are one version, or in no hour both answered something that has a label.
        """
        deployment = self.said(name)
        sides = champion or deployment.alias, challenger
        numbers = [self.resolve(deployment, ref).number or 0 for ref in sides]
        pairs = list(zip(sides, numbers, strict=True))
        return tried(self.captured, name, pairs[0], pairs[1], risk, measure)

    def replay(self, request: str, *, explain: bool = False, background: str | None = None) -> Replay:
        """Answer a captured request again, step by step; of one with several rows the first, or ``ID#2``.

        `explain` tells what each input added, against the table `background` or what the version was made from.

        Raises
        ------
        NotFoundError, InvalidError
            When no row of it is kept, or its version is gone; when it was refused, or what it takes was not kept.
        """
        return noted(self._catalog, self._clock, self._again.replayed(request, explain, background))

    def forget(self, name: str, *, older: str) -> Forgotten:
        """Remove what was captured of hours that ended so long ago, such as ``30d``.

        Raises
        ------
        InvalidError
            When that is no span of time.
        RefusedError
            While a hold is on the model or a version of it.
        """
        self.said(name)
        if hold := self._catalog.read(lambda c: holds.on_name(c, "model", name)):
            raise holds.refusal(f"what was captured of {name}", "forgotten", hold)
        before = self._clock.now() - parse_span(older)
        forgotten = forget(self.captured.place(name), before)
        detail = {"before": before.isoformat(), "hours": forgotten.hours}
        self._catalog.transact(lambda c: audit.append(c, self._clock, "deployment.forget", name, detail))
        return forgotten

    def ramp(self, name: str, challenger: str, *, to: float = 50, step: float = 10, every: str = "1h") -> Deployment:
        """Give a challenger more and more of the callers, for as long as nothing speaks against it.

        It has `step` percent at once. A schedule, ``NAME_ramp``, looks at each turn: it takes the next step, waits for
        more requests, or stops and takes the share away, on errors, latency or a failing monitor.

        Parameters
        ----------
        name : str
            The model.
        challenger : str
            An alias or a version of it.
        to, step : float
            The percentage at the end, and that of each step.
        every : str
            How long each step lasts, such as ``1h``.

        Raises
        ------
        InvalidError
            When the percentages or the span are none.
        ConflictError
            When the callers are shared out already.
        NotFoundError
            When the challenger is not there.
        """
        return self._ramping.begin(name, challenger, to, step, every)

    def ramp_on(self, name: str, challenger: str, to: float, step: float) -> RampDecision:
        """Take the next step of a ramp: what its schedule does."""
        return self._ramping.on(name, challenger, to, step)

    def failing(self, name: str) -> Sequence[str]:
        """Monitors of a deployment whose newest report failed."""
        return self._catalog.read(lambda c: queries.failing_monitors(c, name))

    def change(self, name: str, verb: str, *, note: str | None = None, **values: Any) -> Deployment:
        """Change what is said of a deployment, with its Event; what it names must be there."""
        first = self.said(name)

        def work(connection: Connection) -> Deployment:
            row = queries.deployment(connection, name)
            before = first if row is None else Deployment.of(row)
            after = replace(before, **values)
            self._refuse_unknown(connection, after)
            said = {**after.to_json(), "author": audit.actor(), "changed_at": self._clock.now()}
            queries.put(connection, name, said)
            detail = {key: after.to_json()[key] for key in values} | ({"why": note} if note else {})
            audit.append(connection, self._clock, f"deployment.{verb}", name, detail)
            return Deployment.of(queries.deployment(connection, name))

        return self._catalog.transact(work)

    def _refuse_unknown(self, connection: Connection, deployment: Deployment) -> None:
        for ref in dict.fromkeys([*(ref for ref, _ in deployment.split), *deployment.shadow]):
            try:
                self._models.resolve_in(connection, Ref.parse(f"{deployment.name}@{ref}"))
            except NotFoundError as error:
                hint = error.hint or f"the versions are in `ml model history {deployment.name}`"
                raise NotFoundError(f"{deployment.name} has no {ref} that could answer", hint=hint) from None

    def list(self) -> list[Deployment]:
        """Every deployment of which something was said or captured, by name."""
        said = {row.name: Deployment.of(row) for row in self._catalog.read(queries.deployments)}
        heard = {name: Deployment(name) for name in self.captured.deployments()}
        return [one for _, one in sorted({**heard, **said}.items())]
