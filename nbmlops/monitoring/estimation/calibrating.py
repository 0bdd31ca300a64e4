"""Probabilities made to mean what they say, where that helps: isotonic regression, if it lowers the calibration error.

Whether it helps is told on rows that it has not seen: ten times a tenth of the reference, drawn with the same share of
each class, is held back. The expected calibration error is that of ten bins of equally many rows (Naeini et al. 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["Calibration", "calibrated", "calibration_error"]

_BINS, _SPLITS, _SHARE, _SEED = 10, 10, 0.1, 42
_SEPARATED = 0.999
"""A model with a larger ROC AUC has nearly no rows from which a calibration could be learnt."""
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes probabilities mean what they say.

    Attributes
    ----------
    isotonic : sklearn.isotonic.IsotonicRegression or None
        What was learnt; None where the probabilities are better left as they are.
    before, after : float
        The expected calibration error of rows that were held back, without it and with it; NaN where none could be.
    """

    isotonic: Any
    before: float
    after: float

    def __call__(self, said: Array) -> Array:
        """Probabilities of shape ``(n,)`` that mean what they say."""
        import numpy as np

        return said if self.isotonic is None else np.asarray(self.isotonic.predict(said), np.float64)


def calibrated(true: Array, said: Array) -> Calibration:
    """Learn from a reference: its labels, 0 or 1, and probabilities, both of shape ``(n,)``."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    counts = np.bincount(true.astype(np.intp), minlength=2)
    held = int(np.ceil(_SHARE * len(true)))
    # Each part of a split needs a row of each class.
    if counts.min() < _FEWEST or held < _FEWEST or roc_auc_score(true, said) > _SEPARATED:
        return Calibration(None, np.nan, np.nan)
    before, after = _held_back(true, said)
    return Calibration(_isotonic(true, said) if before > after else None, before, after)


def calibration_error(true: Array, said: Array, bins: int = _BINS) -> float:
    """The expected calibration error over bins of equally many rows, the last one with those that are left over.

    Examples
    --------
    >>> import numpy as np
    >>> round(calibration_error(np.array([0.0, 1, 0, 1]), np.array([0.1, 0.3, 0.6, 0.8]), bins=2), 3)
    0.25
    """
    import numpy as np

    order = np.argsort(said)
    bins = min(bins, max(1, len(said) // 2))
    begins = np.arange(bins) * (len(said) // bins)
    return float(np.abs(np.add.reduceat((said - true)[order], begins)).sum() / len(said))


def _isotonic(true: Array, said: Array) -> Any:
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(out_of_bounds="clip").fit(said, true)


def _held_back(true: Array, said: Array) -> tuple[float, float]:
    """The calibration error of what was held back, of all splits together: without and with a calibration."""
    import numpy as np
    from sklearn.model_selection import StratifiedShuffleSplit

    splits = StratifiedShuffleSplit(n_splits=_SPLITS, test_size=_SHARE, random_state=_SEED).split(said, true)
    parts = [
        (true[test], said[test], _isotonic(true[train], said[train]).predict(said[test])) for train, test in splits
    ]
    labels, plain, better = (np.concatenate(each) for each in zip(*parts, strict=True))
    return calibration_error(labels, plain), calibration_error(labels, better)
