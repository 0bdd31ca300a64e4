"""Every object inside a model, however it is nested."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

__all__ = ["reachable", "without_cycles"]

_OPAQUE = (type, ModuleType, FunctionType, BuiltinFunctionType, str, bytes, int, float, complex, type(None))


def reachable(model: Any) -> Iterator[Any]:
    """Walk all objects that `model` holds, itself first, each once; not into types, functions and scalars."""
    import numpy as np

    seen: set[int] = set()
    waiting = [model]
    while waiting:
        part = waiting.pop()
        if isinstance(part, _OPAQUE) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, np.ndarray):  # numpy does not tell the garbage collector what an array holds
            waiting += part.ravel().tolist() if part.dtype == object else []
        else:
            waiting += gc.get_referents(part)


@contextmanager
def without_cycles(model: Any) -> Iterator[None]:
    """Take out, for the body of a ``with``, what fitted parts hold of themselves; a skops file cannot hold cycles.

    Histogram boosting with early stopping keeps a bound method of its own and a scorer around itself. Both
    serve `fit` alone, which makes them anew.
    """
    taken: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for part in list(reachable(model)):
            own = getattr(part, "__dict__", None)
            if not isinstance(own, dict):
                continue
            for key, value in list(own.items()):
                if (isinstance(value, MethodType) and value.__self__ is part and value.__name__ == key) or (
                    type(value).__name__ == "_PassthroughScorer" and vars(value).get("_estimator") is part
                ):
                    taken.append((own, key, own.pop(key)))
        yield
    finally:
        for own, key, value in taken:
            own[key] = value
