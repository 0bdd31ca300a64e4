"""The step that puts together what a step made for each of some values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError
from nbmlops.pipelines import keys

if TYPE_CHECKING:
    from nbmlops.data.service import Data
    from nbmlops.pipelines.graph import Step

__all__ = ["join", "joined_of"]

_CODE = "rows one below another"


def joined_of(step: Step, inputs: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """What decides the rows of all parts, in their order; see `keys.parts`."""
    return keys.parts(_CODE, {"parts": step.parts}, inputs, {}, keys.relevant(()))


def join(data: Data, step: Step) -> tuple[str, ...]:
    """Put the parts that are there together, and say which are not.

    Raises
    ------
    NotFoundError
        When none is there.
    InvalidError
        When one is no table, or their columns do not agree.
    """
    there, missing = [], []
    for part in step.parts:
        try:
            there.append(data.show(part).ref)
        except NotFoundError:
            missing.append(part)
    if not there:
        raise NotFoundError(f"there is nothing to put together: none of {', '.join(step.parts[:5])} was ever made")
    (write,) = step.writes
    data.concat(there, write.name, message=f"{len(there):,} parts")
    return tuple(f"{part} was never made, and is not among its rows" for part in missing)
