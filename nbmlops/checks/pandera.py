"""Suites from pandera's schemas, and schemas from suites.

A check that pandera knows too becomes pandera's own; any other becomes a function of the frame that
judges by this package, under a name from which it is read back. What a schema says that a suite
cannot is named in `Suite.left_out`, and every report warns of it. pandera's meaning, version 0.35:
a check leaves nulls out, ``nullable=False`` is the default, and ``str_matches`` holds the beginning.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.kinds import Between, Check, Columns, Key, Nulls, OneOf, Unique
from nbmlops.checks.lines import ColumnChecks, written
from nbmlops.checks.tokens import write_name
from nbmlops.core.errors import DependencyError

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.checks.suite import Suite

__all__ = ["NAMED", "exported"]

NAMED = "nbmlops "
"""What the name of a check begins with that is read back from its name."""


def exported(suite: Suite) -> Any:
    """Write `suite` as a ``pandera.pandas.DataFrameSchema`` that passes and fails the same frames.

    Raises
    ------
    DependencyError
        When pandera is not installed.
    """
    pandera = _pandera()
    columns = {}
    named: list[tuple[str | None, Check]] = []
    required = {each.column for each in suite.columns if _refuses_nulls(each)}
    for each in suite.columns:
        own, rest = _own(pandera, each)
        named += [(each.column, check) for check in rest]
        columns[each.column] = pandera.Column(
            checks=own,
            nullable=each.column not in required,
            unique=any(_is_plain(check, Unique) for check in each.checks) and each.column in required,
            description=each.note or None,
        )
    strict = False
    unique: list[str] | None = None
    for check in suite.table:
        if _is_plain(check, Columns) and check == Columns(mode="exact"):
            strict = True
        elif (
            isinstance(check, Key)
            and check == Key(columns=check.columns)
            and not unique
            and required >= {*check.columns}
        ):
            unique = list(check.columns)
        else:
            named.append((None, check))
    return pandera.DataFrameSchema(
        columns,
        checks=[_function(pandera, suite, column, check) for column, check in named],
        strict=strict,
        unique=unique,
        name=suite.name or None,
        description=suite.note or None,
    )


def _pandera() -> Any:
    try:
        import pandera.pandas
    except ImportError:
        raise DependencyError(
            "pandera is not installed, and schemas of it cannot be made", hint="pip install 'nbmlops[pandera]'"
        ) from None
    return pandera.pandas


def _is_plain(check: Check, kind: type[Check]) -> bool:
    return isinstance(check, kind) and check.mostly == 1 and check.severity == "error"


def _refuses_nulls(line: ColumnChecks) -> bool:
    return any(isinstance(check, Nulls) and check == Nulls(limit=0.0, inclusive=True) for check in line.checks)


def _own(pandera: Any, line: ColumnChecks) -> tuple[list[Any], list[Check]]:
    """The checks of a column that pandera has too, and the rest."""
    own: list[Any] = []
    rest: list[Check] = []
    refuses_nulls = _refuses_nulls(line)
    # By nullable; and where any nulls may be and nothing else is asked, by the column alone.
    there = Nulls(limit=1.0, inclusive=True)
    said = [Nulls(limit=0.0, inclusive=True), *([there] if line.checks == (there,) else ())]
    for check in line.checks:
        made = _builtin(pandera, check)
        if made is not None:
            own.append(made)
        elif not (check in said or (refuses_nulls and _is_plain(check, Unique))):
            rest.append(check)
    return own, rest


def _builtin(pandera: Any, check: Check) -> Any | None:
    if check.mostly < 1:
        return None
    how = {"raise_warning": check.severity == "warn"}
    if isinstance(check, Between) and not check.of_dates:
        if check.low is None:
            return pandera.Check.le(check.high, **how)
        return (
            pandera.Check.ge(check.low, **how)
            if check.high is None
            else pandera.Check.in_range(check.low, check.high, **how)
        )
    if isinstance(check, OneOf):
        return pandera.Check.isin(list(check.values), **how)
    return None


def _function(pandera: Any, suite: Suite, column: str | None, check: Check) -> Any:
    place = "table" if column is None else write_name(column, reserved=frozenset({"table"}))
    columns = () if column is None else (ColumnChecks(column, (check,)),)
    alone = replace(suite, columns=columns, table=(check,) if column is None else (), left_out=())

    def holds(frame: pd.DataFrame) -> bool:
        return all(outcome.status == "passed" for outcome in judge(table_of(frame), alone))

    holds.__name__ = check.kind
    said = written(place, (check,), "")
    return pandera.Check(holds, name=f"{NAMED}{said}", error=said, raise_warning=check.severity == "warn")
