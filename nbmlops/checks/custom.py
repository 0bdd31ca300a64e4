"""A kind of check that is a function of one's own: of a column's values, or of the whole table."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from nbmlops.checks.kinds import Check
from nbmlops.checks.plans import EVIDENCE, CheckPlan, Frame, Values
from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    from nbmlops.checks.frames import CheckedTable

__all__ = ["Function", "Tested", "plan_tested"]

Function = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Tested(Check):
    """A function says what holds.

    It is called with the column as a ``pandas.Series``, or of a table with the table as a ``pandas.DataFrame``, and
    gives True or False, or for each row whether it is good; where that is null the row is not judged.

    Parameters
    ----------
    name : str
        Its name, by which a cell's suite finds it among what the notebook defines.
    function : callable, optional
        The function itself; not part of the text.
    """

    kind: ClassVar[str] = "test"
    by_value: ClassVar[bool] = True
    name: str
    function: Function | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        if not self.name.isidentifier():
            raise InvalidError(f"a test is named as its function is, not {self.name!r}", hint="def late(column): …")

    def _words(self) -> str:
        return f"test({self.name})"


def plan_tested(check: Tested, column: str, frame: Frame, key: str) -> CheckPlan:  # noqa: ARG001 - nothing is measured
    """Call the function, before the pass over the table.

    Raises
    ------
    InvalidError
        When there is no such function, or it raises, or gives something else than is asked for.
    """
    function = check.function or _named(check.name, frame.functions)
    assert frame.table is not None
    try:
        given = function(_handed_over(frame.table, column))
    except Exception as error:  # whatever it raises, the check could not run
        raise InvalidError(f"{check.name} raised {type(error).__name__}: {error}{_place(error, function)}") from error
    return _told(check, given, frame.table.height())


def _named(name: str, functions: Mapping[str, Any]) -> Function:
    found = functions.get(name)
    if callable(found):
        known: Function = found
        return known
    if found is not None:
        raise InvalidError(f"{name} is no function, but a {type(found).__name__}", hint=f"def {name}(column): …")
    if not functions:
        raise InvalidError(
            f"there is no function {name} here: it belongs to a notebook",
            hint=f'in Python: ml.check.data(value, suite, functions={{"{name}": {name}}})',
        )
    raise InvalidError(f"there is no function {name} in this notebook", hint=nearest(name, functions))


def _handed_over(table: CheckedTable, column: str) -> Any:
    names = (column,) if column else table.names
    polars = table.frame(names).collect(engine="streaming" if table.streaming else "in-memory")
    frame = polars.rename(dict(zip(polars.columns, names, strict=True))).to_pandas()
    return frame[column] if column else frame


def _place(error: BaseException, function: Function) -> str:
    """Where in the function it was raised, as far as that is known."""
    code = getattr(function, "__code__", None)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return f" in line {lines[-1] - code.co_firstlineno + 1} of {code.co_name}" if code and lines else ""


def _told(check: Tested, given: Any, rows: int) -> CheckPlan:
    import numpy as np
    import pandas as pd

    if isinstance(given, bool | np.bool_):
        holds = bool(given)
        return CheckPlan(fixed="true" if holds else "false", holds=holds)
    what = f"{check.name} gives {type(given).__name__}"
    try:
        answers = pd.Series(np.asarray(given, dtype=object))
        judged = answers.notna()
        is_boolean = answers[judged].map(lambda value: isinstance(value, bool | np.bool_)).all()
    except (TypeError, ValueError) as error:
        raise InvalidError(f"{what}, and True, False or one of them for each row is asked for") from error
    if not is_boolean or getattr(given, "ndim", 1) != 1:
        raise InvalidError(f"{what}, and True, False or one of them for each row is asked for")
    if len(answers) != rows:
        raise InvalidError(f"{what} of {len(answers):,} answers for {rows:,} rows", hint="one for each row")
    bad = np.flatnonzero(judged & ~answers.where(judged, other=True).astype(bool))
    total, of = len(bad), int(judged.sum())

    def tally(_: Values) -> tuple[int, int]:
        return total, of

    return CheckPlan(tally=tally, located=tuple(map(int, bad[:EVIDENCE])))
