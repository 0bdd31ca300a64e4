"""Logs what scikit-learn fits, while it is asked to: params, measures, pictures, the model, the parts of searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.models.service import Models
    from nbmlops.tracking.autologging import Autologger
    from nbmlops.tracking.service import Runs

__all__ = ["autologger"]


def autologger(runs: Runs, models: Callable[[], Models]) -> Autologger:
    """What logs the fits of this process to `runs`, and saves the models in the registry that `models` gives."""
    from nbmlops.models.autolog.watching import FitLogger

    return FitLogger(runs, models)
