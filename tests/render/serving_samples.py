"""Records of deployments to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from nbmlops.data.records import Column, DataVersion
from nbmlops.serving.batch.records import Scores
from nbmlops.serving.capture.forgetting import Forgotten
from nbmlops.serving.capture.labels import LabelIntake
from nbmlops.serving.deployments.replay import Replay, ReplayStep
from nbmlops.serving.deployments.sequential import Sample, judge
from nbmlops.serving.deployments.trial import Arm, Trial
from nbmlops.serving.endpoint.explanation import ExplainedRow, Explanation
from nbmlops.serving.endpoint.refusals import Fault
from nbmlops.serving.records import Deployment, DeploymentChange, Traffic

__all__ = ["deployments"]

NOW = datetime(2026, 7, 25, 12, 30, tzinfo=UTC)


def _saved(text: str) -> DataVersion:
    texts = dict.fromkeys(("name", "digest", "message", "author", "ref"), text)
    nothing = dict.fromkeys(("shape", "dtype", "run_id", "notebook", "cell_id", "deleted_at"))
    numbers = {"id": 4, "number": 4, "rows": 4_000, "size": 6_000, "new_bytes": 300}
    more = {"format": "table", "columns": (Column(text, "double"),), "created_at": NOW, "aliases": (), "tags": {}}
    return DataVersion(**{**texts, **nothing, **numbers, **more})  # type: ignore[arg-type]


def _explained(text: str) -> Explanation:
    row = ExplainedRow(text, 0.75, 0.5, {text: 0.25}, {text: 0.01})
    return Explanation("predict_proba", text, 100, 40, (row,))


def deployments(text: str) -> list[Any]:
    """One record of each type."""
    shares = ((text, 90.0), (f"{text}2", 10.0))
    champion, challenger = Arm(text, 1, Sample(900, 0.8, 0.16)), Arm(text, 2, Sample(100, 0.81, 0.15))
    traffic = (Traffic(1, "served", 1_200, 900, 3, 4.2), Traffic(2, "shadow", 1_200, 900, 0, float("nan")))
    return [
        Deployment(text, text, shares, (text,), text, 0.5, "null", {text: "hash"}, 3, text, NOW, traffic),
        Deployment(text),
        Trial(text, "accuracy", champion, challenger, 0.05, judge(challenger.sample, champion.sample)),
        Replay(text, text, {text: text}, (ReplayStep(text, text, 2, {text: text}),), {text: text}, {text: text}),
        Replay(text, text, {text: text}, (), {text: text}, {text: text}, _explained(text)),
        Forgotten(text, 3, 4_000, NOW),
        LabelIntake(text, text, 9, 2, 3, 1, 1, 4, 2, 1, (text, text)),
        DeploymentChange(text, NOW, text, text, {text: [text]}),
        Scores(_saved(text), text, text, 4_000, 2, {text: 2}, (Fault(text, text, 7),), 2, 1.5),
    ]
