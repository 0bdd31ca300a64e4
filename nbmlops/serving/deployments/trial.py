"""The challenger against the champion on live traffic: what each got right, and whether that tells them apart.

A unit is what was assigned: the value of the sticky column, else the request. Rows of one unit are not independent, so
each unit counts once, by its mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nbmlops.core.errors import InvalidError
from nbmlops.serving.deployments.sequential import Sample, Verdict, judge

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.serving.capture.reading import Captured

__all__ = ["Arm", "Measure", "Trial", "tried"]

Measure = Literal["accuracy", "absolute error"]
_ANSWER = "out:predict"


@dataclass(frozen=True, slots=True)
class Arm:
    """One side: which version, and what was observed of it."""

    ref: str
    version: int
    sample: Sample


@dataclass(frozen=True, slots=True)
class Trial:
    """A challenger against a champion; `verdict.effect` is the challenger's mean less the champion's."""

    deployment: str
    measure: Measure
    champion: Arm
    challenger: Arm
    risk: float
    verdict: Verdict

    @property
    def outcome(self) -> Literal["better", "worse", "undecided"]:
        """What can be said of the challenger."""
        if not self.verdict.is_decided:
            return "undecided"
        return "better" if (self.verdict.effect > 0) == (self.measure == "accuracy") else "worse"


def tried(
    captured: Captured, deployment: str, champion: tuple[str, int], challenger: tuple[str, int], risk: float
) -> Trial:
    """Compare two versions on the labelled rows that they answered.

    Raises
    ------
    InvalidError
        When both are one version, no row has a label, or the risk is none.
    """
    import polars as pl

    if champion[1] == challenger[1]:
        raise InvalidError(
            f"{champion[0]} and {challenger[0]} are both version {champion[1]} of {deployment}",
            hint="train a challenger, and move its alias: `ml model promote REF --to challenger`",
        )
    if not 0 < risk < 1:
        raise InvalidError(f"{risk} is no risk", hint="a number between 0 and 1, such as 0.05")
    rows = captured.labelled(deployment)
    names = rows.collect_schema().names()
    if _ANSWER not in names:
        raise InvalidError(f"nothing that {deployment} answered has a label", hint="labels come with `Labels.add`")
    wanted = pl.col("_version").is_in([champion[1], challenger[1]])
    found = rows.filter(wanted, pl.col(_ANSWER).is_not_null()).select(
        "_version", pl.coalesce("_key", pl.col("_id").str.split("#").list.first()).alias("unit"), _ANSWER, "label"
    )
    frame = found.collect()
    if frame.is_empty():
        raise InvalidError(
            f"no labelled row was answered by {champion[0]} or {challenger[0]} of {deployment}",
            hint="labels arrive later; see who answers: `ml deployment show`",
        )
    measure, values = _measured(frame)
    units = values.group_by("_version", "unit").agg(pl.col("value").mean()).sort("_version", "unit")

    def arm(side: tuple[str, int]) -> Arm:
        return Arm(*side, Sample.of(units.filter(pl.col("_version") == side[1])["value"].to_list()))

    one, other = arm(challenger), arm(champion)
    return Trial(deployment, measure, other, one, risk, judge(one.sample, other.sample, risk))


def _measured(frame: pl.DataFrame) -> tuple[Measure, pl.DataFrame]:
    import polars as pl

    if frame.schema[_ANSWER].is_float() and frame.schema["label"].is_numeric():
        return "absolute error", frame.with_columns((pl.col(_ANSWER) - pl.col("label")).abs().alias("value"))
    same = pl.col(_ANSWER).cast(pl.String) == pl.col("label").cast(pl.String)
    if frame.schema[_ANSWER].is_numeric() and frame.schema["label"].is_numeric():
        same = pl.col(_ANSWER) == pl.col("label")
    return "accuracy", frame.with_columns(same.cast(pl.Float64).alias("value"))
