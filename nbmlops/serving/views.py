"""How deployments and what was captured of them look."""

from __future__ import annotations

import json

from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Look, Part, line
from nbmlops.render.units import when
from nbmlops.serving.records import Deployment, DeploymentChange

__all__: list[str] = []


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
        "explains": "yes" if deployment.explain else None,
        "changed": f"{when(deployment.changed_at)} by {deployment.author}" if said else None,
    }
    shadows = f"in shadow {', '.join(deployment.shadow)}" if deployment.shadow else None
    return Look(line(f"deployment {deployment.name}", _shares(deployment), shadows), more=(Facts.of(facts),))


@looks(DeploymentChange)
def _(change: DeploymentChange) -> Look:
    told = Part(_detail(change), "muted")
    return Look(line(f"{change.name} {change.verb}", when(change.at), f"by {change.actor}", told))


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
