"""What is logged as metrics, as plain numbers by name: single ones, mappings of them, vectors of successive steps."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.wording import check_key

__all__ = ["measured", "named", "whole"]

_STEP_LIMIT = 1 << 63
_LISTING = ("tolist", "to_list", "to_pylist")
"""How numpy, pandas, torch, polars and pyarrow give the numbers of a vector."""


def named(values: Mapping[str, Any] | None, more: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is given as a mapping and by keywords, in one.

    Raises
    ------
    InvalidError
        When the first is no mapping.

    Examples
    --------
    >>> named(3, {})
    Traceback (most recent call last):
    ...
    nbmlops.core.errors.InvalidError: names and values are wanted, not 3
    hint: write name=value, or {"a name": value}
    """
    if values is not None and not isinstance(values, Mapping):
        raise InvalidError(
            f"names and values are wanted, not {values!r}"[:200], hint='write name=value, or {"a name": value}'
        )
    return {**(values or {}), **more}


def measured(values: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Metrics by dotted names: those that are one number, and those that are several, one after the other.

    Raises
    ------
    InvalidError
        When a value is no number, or a name comes twice.

    Examples
    --------
    >>> measured({"val": {"auc": 0.9}, "loss": [2.0, 1.5]})
    ({'val.auc': 0.9}, {'loss': [2.0, 1.5]})
    """
    single: dict[str, float] = {}
    several: dict[str, list[float]] = {}
    for key, value in values.items():
        if type(value) is float and type(key) is str and key not in single and key not in several:
            single[check_key(key)] = value  # what a loop logs
            continue
        for name, inner in _unnested(key, value):
            if check_key(name) in single or name in several:
                raise InvalidError(f"the metric {name} is given twice", hint="leave one of them out")
            vector = _vector(inner)
            if vector is None:
                single[name] = _number(name, inner)
            else:
                several[name] = [_number(name, each) for each in vector]
    return single, several


def _unnested(key: Any, value: Any) -> list[tuple[str, Any]]:
    try:
        return list(_named(key, value))
    except RecursionError:
        raise InvalidError(f"the metric {key} nests too deeply, or holds itself"[:200]) from None


def _named(key: Any, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for inner, found in value.items():
            yield from _named(f"{key}.{inner}", found)
    else:
        yield str(key), value


def _vector(value: Any) -> list[Any] | None:
    """The items of a list, a tuple, or an array of one dimension; None for anything else."""
    if isinstance(value, list | tuple):
        return list(value)
    shape = getattr(value, "shape", None)
    if (shape is not None and len(shape) == 1 and shape != (1,)) or (shape is None and hasattr(value, "to_pylist")):
        for name in _LISTING:
            if hasattr(value, name):
                return list(getattr(value, name)())
    return None


def whole(step: Any) -> int:
    """A step.

    Raises
    ------
    InvalidError
        When it is no whole number, or too large for the catalog.
    """
    if type(step) is int and -_STEP_LIMIT < step < _STEP_LIMIT:
        return step
    if type(step) is not bool and isinstance(step, numbers.Integral) and abs(int(step)) < _STEP_LIMIT:
        return int(step)
    raise InvalidError(f"the step must be a whole number below 2**63, not {step!r}"[:200])


def _number(key: str, value: Any) -> float:
    if type(value) is float:
        return value
    if isinstance(value, numbers.Real) or (hasattr(value, "item") and getattr(value, "shape", None) in {(), (1,)}):
        with contextlib.suppress(OverflowError):
            return float(value.item() if getattr(value, "shape", None) == (1,) else value)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return float(value)
    table = getattr(value, "ndim", 0) > 1
    hint = "numbers of one dimension are a series" if table else f"keep text as a tag: run.tag({key}=…)"
    raise InvalidError(f"the metric {key} must be a number, not {value!r}"[:300], hint=hint)
