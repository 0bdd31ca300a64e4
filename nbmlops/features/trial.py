"""A feature's function on trial, when it is defined: on the first rows of its sources, more than once.

It runs as it will run everywhere, from its captured text. What it does to its input, whether it gives the same again,
and whether what it knows of a time changes with what came later, is seen here and not first in production.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.features.shaping import shaped, shown

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["TRIED", "called", "tried"]

TRIED = 20_000
"""Rows of each source that a function is tried on."""
_NEAR = 1e-9

Function = Callable[..., Any]


def called(function: Function, name: str, values: Sequence[Any]) -> Any:
    """Call a feature's function; what it raises is told as its own fault.

    Raises
    ------
    InvalidError
        When it fails.
    """
    try:
        return function(*values)
    except NbmlopsError:
        raise
    except Exception as error:
        trace, line = error.__traceback__, ""
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == f"<feature {name}>":
                line = f" in line {trace.tb_lineno}"
            trace = trace.tb_next
        raise InvalidError(
            f"the feature {name} failed{line}: {type(error).__name__}: {error}", hint="try it on its source in a cell"
        ) from error


def tried(
    function: Function, name: str, sources: Mapping[str, pd.DataFrame], entities: Sequence[str], time: str | None
) -> pl.DataFrame:
    """Try a function on the first rows of its sources; what it gives of them, shaped.

    Raises
    ------
    InvalidError
        When it changes its input, gives something else the second time, knows entities that its sources do not, looks
        into the future, or gives no table that can be an offline table.
    """
    given = [frame.copy(deep=True) for frame in sources.values()]
    first = called(function, name, given)
    for (ref, before), after in zip(sources.items(), given, strict=True):
        if not (before.columns.equals(after.columns) and before.equals(after)):
            raise InvalidError(
                f"the feature {name} changes its input {ref}{_what_changed(before, after)}",
                hint="work on a copy: df = df.copy(), or df.assign(…)",
            )
    made = shaped(first, name, entities, time)
    again = shaped(called(function, name, given), name, entities, time)
    if (other := _first_other(made, again, exactly=True)) is not None:
        raise InvalidError(
            f"the feature {name} gives something else the second time:\n{other}",
            hint="take the time from a column, and chance from a generator with a seed",
        )
    _refuse_strangers(made, name, sources, entities)
    if time is not None:
        _refuse_foresight(function, name, made, sources, (entities, time))
    return made


def _what_changed(before: pd.DataFrame, after: pd.DataFrame) -> str:
    new = [str(name) for name in after.columns if name not in before.columns]
    if new:
        return f": it adds {', '.join(new)}"
    gone = [str(name) for name in before.columns if name not in after.columns]
    if gone:
        return f": it drops {', '.join(gone)}"
    if len(before) != len(after):
        return f": it has {len(after):,} rows afterwards, not {len(before):,}"
    touched = [str(name) for name in before.columns if not before[name].equals(after[name])]
    return f": it changes {', '.join(touched)}" if touched else ""


def _first_other(one: pl.DataFrame, other: pl.DataFrame, *, exactly: bool) -> str | None:
    """The first rows in which two shaped tables differ; None when they are the same."""
    import polars as pl

    if one.columns != other.columns:
        return f"  columns {', '.join(one.columns)}, then {', '.join(other.columns)}"
    if one.height != other.height:
        return f"  {one.height:,} rows, then {other.height:,}"
    differs = pl.Series([False]).new_from_index(0, one.height) if one.height else pl.Series([], dtype=pl.Boolean)
    for name in one.columns:
        left, right = one[name], other[name]
        if left.dtype != right.dtype:
            return f"  {name} is {left.dtype}, then {right.dtype}"
        if not exactly and left.dtype in {pl.Float32, pl.Float64}:
            same = ((left - right).abs() <= _NEAR * (1 + left.abs())).fill_null(False)
            same |= left.eq_missing(right)
        else:
            same = left.eq_missing(right)
        differs |= ~same
    if not differs.any():
        return None
    return shown(one.filter(differs), one.columns) + "\nand then\n" + shown(other.filter(differs), one.columns)


def _refuse_strangers(
    made: pl.DataFrame, name: str, sources: Mapping[str, pd.DataFrame], entities: Sequence[str]
) -> None:
    import polars as pl

    for entity in entities:
        known = [frame[entity] for frame in sources.values() if entity in frame.columns]
        if not known:
            continue
        values = set().union(*(set(column.dropna().tolist()) for column in known))
        strange = [value for value in made[entity].unique(maintain_order=True).to_list() if value not in values]
        if strange:
            rows = shown(made.filter(pl.col(entity).is_in(strange)), made.columns[:6])
            raise InvalidError(
                f"the feature {name} gave {len(strange):,} values of {entity} that are not in its sources:\n{rows}",
                hint=f"give rows of the {entity} that came in",
            )


def _refuse_foresight(
    function: Function,
    name: str,
    made: pl.DataFrame,
    sources: Mapping[str, pd.DataFrame],
    key: tuple[Sequence[str], str],
) -> None:
    """Refuse a function whose values of a time change when what came later is taken away.

    Its sources are cut at the middle of the times, where they have that column, and the rows up to there must be the
    same as before: a mean over all rows, or over the day that has only begun, is not.
    """
    import pandas as pd
    import polars as pl

    entities, time = key
    timed = {ref for ref, frame in sources.items() if time in frame.columns}
    if not timed or not made.height:
        return
    times = [pd.to_datetime(sources[ref][time], utc=True) for ref in timed]
    every = pd.concat(times).dropna().sort_values()
    if every.empty or every.iloc[0] == every.iloc[-1]:
        return
    cut = every.iloc[len(every) // 2].floor("us")  # as exact as Python is
    past = [
        frame[pd.to_datetime(frame[time], utc=True) <= cut].copy(deep=True) if ref in timed else frame.copy(deep=True)
        for ref, frame in sources.items()
    ]
    now = shaped(called(function, name, past), name, entities, time)
    until = pl.lit(cut.to_pydatetime()).dt.replace_time_zone(None)
    plain = pl.col(time).dt.replace_time_zone(None)
    before, after = made.filter(plain <= until), now.filter(plain <= until)
    if (other := _first_other(before, after, exactly=False)) is not None:
        raise InvalidError(
            f"the feature {name} looks into the future: without what came after {cut:%Y-%m-%d %H:%M}, what it said of "
            f"the times before is\n{_swapped(other)}",
            hint=f"use only rows up to each row's {time}, and give each value the time when it was known",
        )


def _swapped(other: str) -> str:
    """The two halves of a difference, the second one first: it is what was known then."""
    known, _, then = other.partition("\nand then\n")
    return f"{then}\nand with it\n{known}" if then else known
