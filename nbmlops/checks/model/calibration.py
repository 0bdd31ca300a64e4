"""Whether probabilities mean what they say: of what is given 0.7, seven in ten come true.

The expected calibration error is ``Σ (nₖ/n) |share that is true in bin k - mean probability in bin k|`` over bins
of equal width (Naeini et al. 2015; Guo et al. 2017); for more than two classes over the probability of the answer.
It is above 0 by chance alone, the more the fewer rows: so the truth is drawn anew from the probabilities
themselves, and only an error that such draws seldom reach counts (consistency resampling, Bröcker & Smith 2007).
The Brier score is taken apart as ``reliability - resolution + uncertainty + within`` (Murphy 1973; the last term,
Stephenson et al. 2008, is what bins leave over).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import CurvesEvidence
from nbmlops.checks.model.case import Case
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["Bins", "Brier", "binned", "brier", "by_chance", "judge", "places"]

_BINS = 10
_DRAWS = 500
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Bins:
    """Probabilities in bins of equal width: rows, mean probability and share that is true, each of shape ``(bins,)``.

    Empty bins are left out.
    """

    rows: Array
    said: Array
    true: Array

    @property
    def error(self) -> float:
        """The expected calibration error, from 0 to 1."""
        return float((self.rows * abs(self.true - self.said)).sum() / self.rows.sum())


@dataclass(frozen=True, slots=True)
class Brier:
    """A Brier score and its parts: ``score = reliability - resolution + uncertainty + within``."""

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def places(said: Array, bins: int = _BINS) -> npt.NDArray[np.intp]:
    """The bin that each probability is in."""
    import numpy as np

    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], said)


def binned(true: Any, said: Any, bins: int = _BINS) -> Bins:
    """Put probabilities `said` and whether each came `true`, both of shape ``(n,)``, into bins."""
    import numpy as np

    place = places(said, bins)
    rows = np.bincount(place, minlength=bins).astype(np.float64)
    there = rows > 0
    sums = (np.bincount(place, weights=each, minlength=bins)[there] for each in (said, true))
    means = [each / rows[there] for each in sums]
    return Bins(rows[there], means[0], means[1])


def brier(true: Any, said: Any, bins: int = _BINS) -> Brier:
    """Take a Brier score apart."""
    score = float(((said - true) ** 2).mean())
    found = binned(true, said, bins)
    share, weights = float(true.mean()), found.rows / found.rows.sum()
    reliability = float((weights * (found.said - found.true) ** 2).sum())
    resolution = float((weights * (found.true - share) ** 2).sum())
    uncertainty = share * (1 - share)
    return Brier(score, reliability, resolution, uncertainty, score - reliability + resolution - uncertainty)


def by_chance(said: Any, bins: int = _BINS) -> Array:
    """Calibration errors of outcomes that are drawn from the probabilities themselves, shape ``(500,)``."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    place = places(said, bins)
    total = np.bincount(place, weights=said, minlength=bins)
    errors = [
        abs(np.bincount(place, weights=random.random(len(said)) < said, minlength=bins) - total).sum() / len(said)
        for _ in range(_DRAWS)
    ]
    return np.array(errors)


def judge(case: Case) -> Iterator[Outcome]:
    """Judge the probabilities of a classifier.

    Raises
    ------
    InvalidError
        When the model gives none, or what it gives are none.
    """
    import numpy as np
    import pandas as pd

    given, classes = case.probabilities, case.classes
    if given is None or classes is None:
        raise InvalidError(f"{type(case.model).__name__} gives no probabilities")
    if not (np.isfinite(given).all() and (given >= 0).all() and (given <= 1).all()):
        raise InvalidError("the model gives probabilities that are no numbers from 0 to 1")
    column = case.table[case.target]
    if gaps := int(pd.isna(column).sum()):
        raise InvalidError(f"{gaps:,} of {len(column):,} rows have no truth", hint="drop them from the table")
    if len(classes) == 2:
        said, true = given[:, 1], np.asarray(column) == classes[1]
    else:
        said, true = given.max(axis=1), np.asarray(column) == np.asarray(classes)[given.argmax(axis=1)]
    yield _outcome(case, true.astype(np.float64), said)


def _outcome(case: Case, true: Any, said: Any) -> Outcome:
    import numpy as np

    found, bound = binned(true, said), case.asked.calibration
    usual = float(np.quantile(by_chance(said), 1 - case.asked.risk))
    failed = found.error > bound and found.error > usual
    parts = brier(true, said)
    allowed = " (above the bound, but so few rows give that by chance)" if bound < found.error <= usual else ""
    bisector = [(0.0, 0.0), (1.0, 1.0)]
    model = list(zip(found.said.tolist(), found.true.tolist(), strict=True))
    return Outcome(
        check="calibration error",
        column=None,
        status="failed" if failed else "passed",
        figure=f"{found.error:.4f}",
        bound=f"≤ {bound:g}",
        detail=f"up to {usual:.4f} by chance on {len(said):,} rows{allowed}; Brier score {parts.score:.4f} = "
        f"reliability {parts.reliability:.4f} - resolution {parts.resolution:.4f} + uncertainty "
        f"{parts.uncertainty:.4f} + within bins {parts.within:.4f}",
        evidence=(CurvesEvidence.of("share that is true by probability", {"model": model, "perfect": bisector}),),
        number=found.error,
    )
