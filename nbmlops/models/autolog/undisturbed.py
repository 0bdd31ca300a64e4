"""Look at a fitted model without leaving a trace: whatever is drawn meanwhile is drawn again afterwards."""

from __future__ import annotations

import random
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbmlops.models.reach import reachable

__all__ = ["size", "undisturbed"]

_one_at_a_time = threading.RLock()


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Give back, after the body, the state of every random generator: the global ones and those inside `model`.

    Some estimators draw when they predict, from a generator that the next fit would use. Warnings of the body are not
    shown: they were shown when it was fitted.
    """
    import numpy as np

    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is what estimators use
        kept: list[tuple[Any, Any]] = []
        for part in reachable(model):
            if isinstance(part, np.random.RandomState):
                kept.append((part, part.get_state()))
            elif isinstance(part, np.random.Generator):
                kept.append((part, part.bit_generator.state))
        try:
            yield
        finally:
            random.setstate(plain)
            np.random.set_state(legacy)  # noqa: NPY002 - as above
            for part, state in kept:
                if isinstance(part, np.random.RandomState):
                    part.set_state(state)
                else:
                    part.bit_generator.state = state


def size(model: Any) -> int:
    """Bytes of all arrays inside a model."""
    import numpy as np

    return sum(part.nbytes for part in reachable(model) if isinstance(part, np.ndarray))
