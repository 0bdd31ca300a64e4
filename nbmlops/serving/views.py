"""How deployments and what was captured of them look."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Block, Facts, Look, Part, Tone, line, table
from nbmlops.render.units import count, size, when
from nbmlops.serving.capture.forgetting import Forgotten
from nbmlops.serving.capture.labels import LabelIntake
from nbmlops.serving.deployments.replay import Replay
from nbmlops.serving.deployments.trial import Trial
from nbmlops.serving.records import Deployment, DeploymentChange

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.explanation import Explanation

__all__: list[str] = []

_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "undecided": "muted"}


def _shares(deployment: Deployment) -> str:
    told = [f"{ref} {percent:g} %" for ref, percent in deployment.split]
    left = 100 - sum(percent for _, percent in deployment.split)
    return ", ".join([*told, *([f"{deployment.alias} {left:g} %"] if left > 1e-9 else [])])


def _detail(change: DeploymentChange) -> str:
    return ", ".join(
        f"{key} {json.dumps(value, ensure_ascii=False, default=str)}" for key, value in change.detail.items()
    )


@looks(Deployment)
def _(deployment: Deployment) -> Look:
    said = deployment.changed_at is not None
    facts = {
        "sticky by": deployment.sticky,
        "rows kept": f"of {deployment.sampled:.1%} of the requests",
        "unseen categories": {"refuse": "are refused", "null": "are null", "pass": "go to the model"}[
            deployment.unseen
        ],
        "personal columns": ", ".join(f"{column} {rule}" for column, rule in deployment.personal.items()),
        "changed": f"{when(deployment.changed_at)} by {deployment.author}" if said else None,
    }
    shadows = f"in shadow {', '.join(deployment.shadow)}" if deployment.shadow else None
    return Look(
        line(f"deployment {deployment.name}", _shares(deployment), shadows),
        body=_traffic(deployment),
        more=(Facts.of(facts),),
    )


def _traffic(deployment: Deployment) -> tuple[Block, ...]:
    if not deployment.traffic:
        return ()
    rows = [
        (
            f"v{one.version}",
            "in shadow" if one.role == "shadow" else "answered",
            f"{one.requests:,}",
            f"{one.rows:,}",
            f"{one.errors:,}",
            f"{one.p95_ms:.1f} ms" if math.isfinite(one.p95_ms) else "",
        )
        for one in deployment.traffic
    ]
    return (table(("last 24 hours", "", ">requests", ">rows", ">errors", ">95 % within"), rows),)


@looks(DeploymentChange)
def _(change: DeploymentChange) -> Look:
    told = Part(_detail(change), "muted")
    return Look(line(f"{change.name} {change.verb}", when(change.at), f"by {change.actor}", told))


def _signed(value: float) -> str:
    return f"{value:+.4g}" if math.isfinite(value) else "unknown"


@looks(Trial)
def _(trial: Trial) -> Look:
    verdict, tone = trial.verdict, _TONES[trial.outcome]
    arms = [
        (role, arm.ref, f"v{arm.version}", f"{arm.sample.count:,}", f"{arm.sample.mean:.4g}")
        for role, arm in (("champion", trial.champion), ("challenger", trial.challenger))
    ]
    wide = not math.isfinite(verdict.low)
    interval = None if wide else f"{_signed(verdict.low)} to {_signed(verdict.high)}"
    needed = f"about {verdict.needed:,} more" if verdict.needed else None
    facts = {
        "difference": _signed(verdict.effect),
        "interval": interval,
        "holds": f"at all times together, but for a chance of {trial.risk:g}",
        "still needed": needed if trial.outcome == "undecided" else None,
    }
    said = {"better": "is better", "worse": "is worse", "undecided": "is not told apart yet"}[trial.outcome]
    return Look(
        line(f"test of {trial.deployment}", Part(f"{trial.challenger.ref} {said}", tone), trial.measure),
        body=(table(("", "alias", "version", "units", trial.measure), arms),),
        more=(Facts.of(facts),),
    )


@looks(Replay)
def _(replay: Replay) -> Look:
    rows = [
        (
            step.name,
            step.kind,
            f"{step.width:,}",
            ", ".join(f"{key} {_short(value)}" for key, value in step.values.items()),
        )
        for step in replay.steps
    ]
    answers = [
        (key, _short(replay.then.get(key, "")), _short(replay.now.get(key, "")))
        for key in dict.fromkeys([*replay.then, *replay.now])
    ]
    verdict = Part("✓ the same answer", "good") if replay.is_same else Part("✗ another answer", "bad")
    asked = [(key, _short(value)) for key, value in replay.inputs.items()]
    parts = [table(("input", "value"), asked), table(("step", "kind", "values", "the first"), rows)]
    return Look(
        line(f"replay of {replay.request}", replay.ref, verdict),
        body=(
            *(parts if rows else parts[:1]),
            table(("answer", "then", "now"), answers),
            *(_contributions(replay.explanation) if replay.explanation else ()),
        ),
    )


def _contributions(explanation: Explanation) -> tuple[Block, ...]:
    row = explanation.rows[0]
    parts = sorted(row.contributions.items(), key=lambda part: -abs(part[1]))
    exact = explanation.orders is None
    told = [(key, _signed(value), "" if exact else f"± {row.errors[key]:.2g}") for key, value in parts]
    of = "the prediction" if row.label is None else f"the probability of {row.label}"
    facts = {
        of: f"{row.prediction:.6g}",
        "on average": f"{row.base:.6g} over {explanation.background_rows} rows of {explanation.background}",
        "reckoned": "with all sets of columns" if exact else f"with {explanation.orders} orders of the columns",
    }
    return (table(("input", ">added", ""), told), Facts.of(facts))


def _told(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {_short(value)}" for key, value in values.items())


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@looks(LabelIntake)
def _(intake: LabelIntake) -> Look:
    counts = {
        "met a row": intake.matched,
        "new": intake.new,
        "known already": intake.same,
        "in conflict; the new one holds": intake.conflicting,
        "twice in this arrival": intake.twice,
        "of unknown keys; they wait": intake.unknown,
        "late, in no window of a monitor": intake.late,
    }
    facts = {words: f"{number:,}" for words, number in counts.items() if number or words == "met a row"}
    examples = {"such as": ", ".join(intake.examples)}
    headline = line(f"{count(intake.rows, 'label')} of {intake.deployment}", f"by {intake.key}")
    return Look(headline, body=(Facts.of({**facts, **examples}),))


@looks(Forgotten)
def _(forgotten: Forgotten) -> Look:
    told = count(forgotten.hours, "hour")
    return Look(
        line(f"forgot {told} of {forgotten.deployment}", size(forgotten.size), f"before {when(forgotten.before)}")
    )


lists(
    Deployment,
    Field("deployment", lambda one: one.name),
    Field("answered by", _shares),
    Field("in shadow", lambda one: ", ".join(one.shadow)),
    Field("sticky", lambda one: one.sticky),
    Field("kept", lambda one: one.sampled, lambda share: f"{share:.0%}", right=True),
    Field("changed", lambda one: one.changed_at, when),
    nothing="no deployments; the first: `ml deployment split MODEL champion=90 challenger=10`",
)
lists(
    DeploymentChange,
    Field("when", lambda change: change.at, when),
    Field("verb", lambda change: change.verb),
    Field("by", lambda change: change.actor),
    Field("what", _detail),
    nothing="nothing was changed of it; `ml deployment split NAME champion=90 challenger=10`",
)
