"""Whether the probabilities of a classifier still mean what they say, once labels have come.

The expected calibration error of as many bins as `check model` has is above 0 by chance alone, the more the fewer
rows. So it is estimated without that: a bin counts as too low or too high by what nine tenths of the rows say, and how
much so is taken from the other tenth, for each tenth in turn. The mean of ``±(truth - probability)`` that this gives is
0 where probabilities are right, and never above the true error in expectation; so what is beyond the bound by three
standard errors (of a part of an input by four) is no chance. The plain error has to be beyond what truths that are
drawn from the probabilities themselves give as well (consistency resampling, Bröcker & Smith 2007).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from nbmlops.checks.evidence import CurvesEvidence
from nbmlops.checks.model.calibration import binned, by_chance, places
from nbmlops.checks.records import Outcome, Status
from nbmlops.monitoring.answers import said_and_true
from nbmlops.monitoring.estimation.estimates import WIDE
from nbmlops.monitoring.slices import WIDE_OF_PARTS, labelled_parts
from nbmlops.monitoring.watching import NoDataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from nbmlops.checks.model.calibration import Bins
    from nbmlops.monitoring.watching import Watched

    Array = npt.NDArray[np.float64]

__all__ = ["ENOUGH", "LARGEST", "CalibrationError", "calibration_error", "is_off", "judge"]

LARGEST = 0.05
"""The largest expected calibration error, as in `check model`."""
ENOUGH = 100
"""Labels from which on it is measured."""
_FOLDS = 10
_SEED = 20_240_229
_LIKELY = 0.998
"""Which of the errors that chance gives has to be exceeded; more of 500 draws does not tell."""


class CalibrationError(NamedTuple):
    """An expected calibration error without what chance adds, and its standard error."""

    value: float
    error: float


def judge(watched: Watched) -> list[Outcome]:
    """One outcome for all rows whose label is known, and one for each part of the input that the monitor names."""
    labelled, before = watched.labelled().collect(), watched.labelled(before=True).collect()
    if labelled.height < ENOUGH:
        raise NoDataError(
            f"{labelled.height:,} labels came in this window: {ENOUGH} are needed to tell how well probabilities fit",
            hint="give labels, or let the monitor look at a longer window",
        )
    bound = LARGEST if watched.monitor.bound is None else watched.monitor.bound
    return [_judged(labelled, before, None, bound), *_by_part(watched, labelled, before, bound)]


def _by_part(watched: Watched, labelled: pl.DataFrame, before: pl.DataFrame, bound: float) -> Iterator[Outcome]:
    for name, rows, past in labelled_parts(watched, labelled, before):
        if rows.height >= ENOUGH:
            yield _judged(rows, past, name, bound, WIDE_OF_PARTS)


def calibration_error(true: Array, said: Array) -> CalibrationError:
    """The error of probabilities `said` of what came `true`, both of shape ``(n,)``, from 0 to 1 but for chance."""
    import numpy as np

    place, gap = places(said), true - said
    fold = np.random.default_rng(_SEED).permutation(len(said)) % _FOLDS
    own = np.zeros((_FOLDS, int(place.max()) + 1))
    np.add.at(own, (fold, place), gap)
    # What the other folds say of each bin: whether more comes true than was said.
    direction = np.sign(own.sum(axis=0) - own)
    each = direction[fold, place] * gap
    # Of rows of which none is surprising the spread says too little: as the probabilities have it, at least.
    spread = max(float(each.var(ddof=1)), float((said * (1 - said)).mean()))
    return CalibrationError(float(each.mean()), (spread / len(said)) ** 0.5)


def is_off(true: Array, said: Array, bound: float = LARGEST, wide: float = WIDE) -> bool:
    """Whether the error is above a bound, by so many standard errors, and by more than chance gives."""
    import numpy as np

    found = calibration_error(true, said)
    if found.value - wide * found.error <= bound:
        return False
    return binned(true, said).error > float(np.quantile(by_chance(said), _LIKELY))


def _judged(rows: pl.DataFrame, before: pl.DataFrame, part: str | None, bound: float, wide: float = WIDE) -> Outcome:
    import numpy as np

    said, true = said_and_true(rows)
    known = np.isfinite(said)
    if known.sum() < ENOUGH:
        told = f"{int(known.sum()):,} of {len(said):,} labelled rows have a probability: {ENOUGH} are needed"
        return Outcome("calibration error", part, "errored", "", f"at most {bound:g}", told)
    said, true = said[known], true[known]
    found = calibration_error(true, said)
    low, high = (min(1.0, max(0.0, found.value + sign * wide * found.error)) for sign in (-1, 1))
    status: Status = "failed" if is_off(true, said, bound, wide) else "passed"
    left = f", {int((~known).sum()):,} without a probability left out" if not known.all() else ""
    value = max(0.0, found.value)
    return Outcome(
        "calibration error",
        part,
        status,
        f"{value:.4f}, between {low:.4f} and {high:.4f}",
        f"at most {bound:g}",
        f"{said.mean():.1%} said, {true.mean():.1%} came true, of {len(said):,} labels{left}",
        evidence=(_curves(binned(true, said), before),) if part is None or status == "failed" else (),
        number=value,
        band=(None, bound),
    )


def _curves(now: Bins, before: pl.DataFrame) -> CurvesEvidence:
    """What came true by what was said, in the window and before."""
    import numpy as np

    curves = {"window": now, "perfect": None}
    if before.height >= ENOUGH:
        said, true = said_and_true(before)
        known = np.isfinite(said)
        if known.any():
            curves = {"window": now, "before": binned(true[known], said[known]), "perfect": None}
    lines = {
        name: [(0.0, 0.0), (1.0, 1.0)] if one is None else list(zip(one.said.tolist(), one.true.tolist(), strict=True))
        for name, one in curves.items()
    }
    return CurvesEvidence.of("share that is true by probability", lines)
