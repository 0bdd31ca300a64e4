"""One captured request once more: what each step of the model makes of it, and whether the answer holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.models.inputs import taken
from nbmlops.models.records import ModelSignature
from nbmlops.serving.capture.requests import INPUT, OUTPUT
from nbmlops.serving.endpoint.explanation import Explanation, background, explained, needed
from nbmlops.serving.endpoint.refusals import Refusal
from nbmlops.serving.endpoint.served import Served
from nbmlops.store import audit, lineage

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.core.clock import Clock
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.serving.endpoint.rows import Columns
    from nbmlops.store.catalog import Catalog

__all__ = ["Again", "Against", "Load", "Replay", "ReplayStep", "noted"]

_SHOWN = 8
_TOLERANCE = 1e-9
Load = Callable[[str], tuple[Any, ModelSignature]]
"""Opens a version of a model after all checks of trust, and tells its signature."""
Against = Callable[[str, ModelSignature, str | None], tuple[str, "Columns"]]
"""Gives rows of a table, by its name or by default, that answers of a version are explained against."""


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """What one step of the model gave: its name, its class, how many values, and the first of them by name."""

    name: str
    kind: str
    width: int
    values: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Replay:
    """A request that was answered again.

    Attributes
    ----------
    request : str
        The id of the row.
    ref : str
        The version that answered, then and now.
    inputs : mapping
        What was asked.
    steps : tuple of ReplayStep
        What became of it on its way.
    then, now : mapping
        The answers: as they were captured, and as they are.
    explanation : Explanation, optional
        What each input added to the answer.
    """

    request: str
    ref: str
    inputs: Mapping[str, Any] = field(hash=False)
    steps: tuple[ReplayStep, ...]
    then: Mapping[str, Any] = field(hash=False)
    now: Mapping[str, Any] = field(hash=False)
    explanation: Explanation | None = None

    @property
    def is_same(self) -> bool:
        """Whether each answer that was captured came again, numbers to nine digits."""
        return all(key in self.now and _alike(value, self.now[key]) for key, value in self.then.items())


def noted(catalog: Catalog, clock: Clock, done: Replay) -> Replay:
    """Leave an Event of a replay: whoever looks at what one was asked leaves a trace, and it shows that one can."""
    said = {"request": done.request, "steps": len(done.steps), "same": done.is_same, "run": lineage.current().run_id}
    catalog.transact(lambda c: audit.append(c, clock, "deployment.replay", done.ref, said))
    return done


class Again:
    """Answers captured requests once more.

    Parameters
    ----------
    captured : Captured
        What was asked, and answered.
    load : callable
        Opens versions.
    against : callable
        Gives what they are explained by.
    """

    def __init__(self, captured: Captured, load: Load, against: Against) -> None:
        self._captured = captured
        self._load = load
        self._against = against

    def replayed(self, request: str, explain: bool, background: str | None) -> Replay:
        """Answer one, and explain that if it is wanted or a table to explain it by is named.

        Raises
        ------
        NotFoundError
            When it was not captured, or its row is not kept any more.
        InvalidError
            When it was refused then, or what it asked was not kept; when it cannot be explained.
        """
        deployment, row = _found(self._captured, request)
        ref = f"{deployment}@v{row['_version']}"
        model, signature = self._load(ref)
        inputs = _kept(row, request, deployment, signature)
        steps, now = _walked(model, taken(signature, _frame(inputs, signature), ""))
        then = {n.removeprefix(OUTPUT): v for n, v in row.items() if n.startswith(OUTPUT) and v is not None}
        explanation = None
        if explain or background is not None:
            by = self._against(ref, signature, background)
            explanation = _explained(Served(ref, 0, 0, "", signature, model, "pass"), inputs, by)
        return Replay(row["_id"], ref, inputs, steps, then, now, explanation)


def _kept(row: Mapping[str, Any], request: str, deployment: str, signature: ModelSignature) -> dict[str, Any]:
    given = {name.removeprefix(INPUT): value for name, value in row.items() if name.startswith(INPUT)}
    names = [one.name for one in signature.inputs]
    if row["_status"] >= 400:
        raise InvalidError(f"{request} was refused with the status {row['_status']}, so nothing answered it")
    if missing := [name for name in names if name not in given]:
        raise InvalidError(
            f"{request} cannot be answered again: {', '.join(missing)} was not kept",
            hint=f"what is kept of it: `ml deployment show {deployment}`",
        )
    return {name: given[name] for name in names}


def _explained(served: Served, inputs: Mapping[str, Any], by: tuple[str, Columns]) -> Explanation:
    wanted = needed(served)
    try:
        arrays = served.intake.take({name: [value] for name, value in inputs.items()})
    except Refusal as refusal:
        raise InvalidError(f"what was kept of it does not fit {served.name} any more: {refusal.message}") from None
    return explained(served, arrays, served.answer(arrays, wanted), background(served, *by))


def _found(captured: Captured, request: str) -> tuple[str, dict[str, Any]]:
    import polars as pl

    for deployment in captured.deployments():
        rows = captured.rows(deployment)
        wanted = pl.col("_id").is_in([request, f"{request}#0"])
        served = rows.filter(wanted, pl.col("_role") == "served").head(1).collect()
        if served.height:
            return deployment, served.row(0, named=True)
    raise NotFoundError(
        f"no request {request} was captured",
        hint="of a request with several rows name one, as ID#2; rows may be forgotten, or not drawn to be kept",
    )


def _frame(values: Mapping[str, Any], signature: ModelSignature) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame({name: [value] for name, value in values.items()})
    for one in signature.inputs:
        if one.categories is not None:
            frame[one.name] = pd.Categorical(frame[one.name], categories=list(one.categories))
    return frame


def _walked(model: Any, rows: Any) -> tuple[tuple[ReplayStep, ...], dict[str, Any]]:
    now: dict[str, Any] = {}
    found: list[ReplayStep] = []
    between = rows
    for name, step in getattr(model, "steps", ())[:-1]:
        if step is None or step == "passthrough":
            continue
        between = step.transform(between)
        found.append(_step(name, step, between))
    if (last := getattr(model, "steps", None)) and hasattr(last[-1][1], "predict"):
        found.append(_step(last[-1][0], last[-1][1], last[-1][1].predict(between)))
    now["predict"] = _plain(model.predict(rows)[0])
    if hasattr(model, "predict_proba"):
        chances = model.predict_proba(rows)[0]
        now |= {f"proba:{one}": float(chance) for one, chance in zip(model.classes_, chances, strict=True)}
    return tuple(found), now


def _step(name: str, step: Any, result: Any) -> ReplayStep:
    import numpy as np

    dense = result.toarray() if hasattr(result, "toarray") else np.asarray(result)
    values = dense.reshape(dense.shape[0], -1)[0]
    names = list(getattr(result, "columns", ())) or _names(step, len(values))
    shown = {str(key): _plain(value) for key, value in list(zip(names, values, strict=False))[:_SHOWN]}
    return ReplayStep(name, type(step).__name__, len(values), shown)


def _names(step: Any, width: int) -> list[str]:
    try:
        found = [str(name) for name in step.get_feature_names_out()]
    except (AttributeError, ValueError, TypeError):  # scikit-learn's ways to say that it has none
        found = []
    return found if len(found) == width else [f"x{number}" for number in range(width)]


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(str(one) == str(other))
