"""The challenger against the champion on live traffic: what each got right, and whether that tells them apart.

A unit is what was assigned: the value of the sticky column, else the request. Rows of one unit are not independent, so
each unit counts once, by its mean. Only hours in which both answered count: a champion that also knew an easier month
is no better for that. Where the challenger answered in shadow, each unit is compared with itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.serving.deployments.sequential import Sample, Verdict, judge, judge_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from nbmlops.serving.capture.reading import Captured

__all__ = ["Arm", "Measure", "Trial", "tried"]

Measure = Literal["accuracy", "brier", "absolute error"]
_ANSWER, _CHANCE = "out:predict", "out:proba:"


@dataclass(frozen=True, slots=True)
class Arm:
    """One side: which version, and what was observed of it."""

    ref: str
    version: int
    sample: Sample


@dataclass(frozen=True, slots=True)
class Trial:
    """A challenger against a champion; `verdict.effect` is the challenger's mean less the champion's.

    `paired` says that both answered the same requests, and that their differences were judged.
    """

    deployment: str
    measure: Measure
    champion: Arm
    challenger: Arm
    risk: float
    verdict: Verdict
    paired: bool = False

    @property
    def outcome(self) -> Literal["better", "worse", "undecided"]:
        """What can be said of the challenger."""
        if not self.verdict.is_decided:
            return "undecided"
        return "better" if (self.verdict.effect > 0) == (self.measure == "accuracy") else "worse"

    @property
    def told(self) -> str:
        """The figures in one line."""
        verdict, counts = self.verdict, [f"{arm.sample.count:,}" for arm in (self.challenger, self.champion)]
        one, other = (f"{arm.sample.mean:.4f} of v{arm.version}" for arm in (self.challenger, self.champion))
        units = counts[0] if self.paired else " and ".join(counts)
        interval = f"{verdict.low:+.4f} to {verdict.high:+.4f}"
        return f"{self.measure} {one} against {other}, difference {verdict.effect:+.4f} ({interval}) on {units} units"


def tried(
    captured: Captured,
    deployment: str,
    champion: tuple[str, int],
    challenger: tuple[str, int],
    risk: float,
    measure: str | None = None,
) -> Trial:
    """Compare two versions on the labelled rows that they answered.

    Raises
    ------
    InvalidError
        When both are one version, no row has a label, or the risk or the measure is none.
    """
    if champion[1] == challenger[1]:
        raise InvalidError(
            f"{champion[0]} and {challenger[0]} are both version {champion[1]} of {deployment}",
            hint="train a challenger, and move its alias: `ml model promote REF --to challenger`",
        )
    if not 0 < risk < 1:
        raise InvalidError(f"{risk} is no risk", hint="a number between 0 and 1, such as 0.05")
    if measure is not None:
        check_one_of("measure", measure, get_args(Measure))
    frame = _labelled(captured, deployment, champion, challenger)
    chosen, values = _measured(frame, measure)
    one, other = (values.filter(values["_version"] == side[1]) for side in (challenger, champion))
    pairs = one.join(other, on=["_id", "unit"], suffix="_of_champion")
    if paired := 2 * pairs.height >= one.height:
        both = pairs.group_by("unit").agg(_mean("value"), _mean("value_of_champion")).sort("unit")
        sides = [_sample(both["value"]), _sample(both["value_of_champion"])]
        verdict = judge_pairs(_sample(both["value"] - both["value_of_champion"]), risk)
    else:
        sides = [_sample(side.group_by("unit").agg(_mean("value")).sort("unit")["value"]) for side in (one, other)]
        verdict = judge(sides[0], sides[1], risk)
    arms = [Arm(*side, sample) for side, sample in zip((challenger, champion), sides, strict=True)]
    return Trial(deployment, chosen, arms[1], arms[0], risk, verdict, paired)


def _labelled(
    captured: Captured, deployment: str, champion: tuple[str, int], challenger: tuple[str, int]
) -> pl.DataFrame:
    import polars as pl

    rows = captured.labelled(deployment)
    names = rows.collect_schema().names()
    if _ANSWER not in names:
        raise InvalidError(f"nothing that {deployment} answered has a label", hint="labels come with `Labels.add`")
    wanted = pl.col("_version").is_in([champion[1], challenger[1]])
    unit = pl.coalesce("_key", pl.col("_id").str.split("#").list.first()).alias("unit")
    hour = pl.col("_at").dt.truncate("1h").alias("hour")
    chances = [name for name in names if name.startswith(_CHANCE)]
    frame = (
        rows.filter(wanted, pl.col(_ANSWER).is_not_null())
        .select("_version", "_id", unit, hour, _ANSWER, *chances, "label")
        .collect()
    )
    shared = frame.group_by("hour").agg(pl.col("_version").n_unique()).filter(pl.col("_version") == 2)
    frame = frame.join(shared.select("hour"), on="hour", how="semi")
    if frame.is_empty():
        raise InvalidError(
            f"in no hour both {champion[0]} and {challenger[0]} of {deployment} answered something that has a label",
            hint="labels arrive later; see who answers: `ml deployment show`",
        )
    return frame


def _mean(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).mean()


def _sample(values: Sequence[float] | pl.Series) -> Sample:
    return Sample.of(float(value) for value in values)


def _measured(frame: pl.DataFrame, measure: str | None) -> tuple[Measure, pl.DataFrame]:
    import polars as pl

    numbers = frame.schema[_ANSWER].is_float() and frame.schema["label"].is_numeric()
    if measure == "absolute error" or (measure is None and numbers):
        if not frame.schema[_ANSWER].is_numeric() or not frame.schema["label"].is_numeric():
            raise InvalidError("answers or labels are no numbers: they have no absolute error", hint="accuracy")
        return "absolute error", frame.with_columns((pl.col(_ANSWER) - pl.col("label")).abs().alias("value"))
    if measure == "brier":
        chances = [name for name in frame.columns if name.startswith(_CHANCE)]
        if not chances:
            raise InvalidError("no probabilities were captured, so there is no Brier score", hint="accuracy")
        off = [(pl.col(name) - _is_class(frame, name.removeprefix(_CHANCE))) ** 2 for name in chances]
        # Of two classes both have the same error, and the score of one is what is called so (Brier 1950).
        return "brier", frame.with_columns((pl.sum_horizontal(off) / 2).alias("value")).drop_nulls("value")
    same = pl.col(_ANSWER).cast(pl.String) == pl.col("label").cast(pl.String)
    if frame.schema[_ANSWER].is_numeric() and frame.schema["label"].is_numeric():
        same = pl.col(_ANSWER) == pl.col("label")
    return "accuracy", frame.with_columns(same.cast(pl.Float64).alias("value"))


def _is_class(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Whether the label is a class: 1 and 1.0 are both the class ``1``."""
    import polars as pl

    if frame.schema["label"].is_numeric():
        try:
            return pl.col("label") == float(name)
        except ValueError:
            return pl.lit(value=False)
    return pl.col("label").cast(pl.String) == (name.lower() if frame.schema["label"] == pl.Boolean else name)
