"""Rows with labels that two environments make alike: from numpy's bits and arithmetic alone."""

from __future__ import annotations

import numpy as np


def classified(seed: int, rows: int, *, shift: float = 0.0, boast: float = 1.0) -> dict[str, np.ndarray]:
    """Scores of a classifier and labels; with `boast` above 1 its probabilities are too sure of themselves."""
    draws = np.random.default_rng(seed).random((rows, 4))
    leaning = 3 * (draws[:, 0] + draws[:, 1] + draws[:, 2] - 1.5) - 0.8 + shift
    true = (draws[:, 3] < 1 / (1 + np.exp(-leaning))).astype(np.int64)
    said = 1 / (1 + np.exp(-boast * leaning))
    return {"true": true, "said": said, "answered": (said >= 0.5).astype(np.int64)}


def measured(seed: int, rows: int, *, from_: float = 0.0) -> dict[str, np.ndarray]:
    """Inputs, labels and answers of a regressor that errs the more the larger its first input is."""
    draws = np.random.default_rng(seed).random((rows, 4))
    first, second = from_ + (1 - from_) * draws[:, 0], draws[:, 1]
    noise = (draws[:, 2] + draws[:, 3] - 1) * (0.2 + 2 * first)
    answered = 3 * first - second
    return {"first": first, "second": second, "answered": answered, "true": answered + noise}
