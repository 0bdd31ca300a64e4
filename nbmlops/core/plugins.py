"""What packages higher in the house add to the verbs: found among the entry points, loaded when it is asked for."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from nbmlops.core.errors import DependencyError

__all__ = ["plugged"]

_GROUP = "nbmlops.verbs"


def plugged(name: str) -> Any:
    """What stands for a verb that is not of the package that asks: the object its entry point names.

    Raises
    ------
    DependencyError
        When nothing that is installed has it.
    """
    for point in entry_points(group=_GROUP, name=name):
        return point.load()
    raise DependencyError(f"nothing that is installed gives the verb {name}", hint="pip install --upgrade nbmlops")
