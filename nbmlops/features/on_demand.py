"""Features that are computed on the request: in training, on the rows of a spine, by the same function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data.frames import to_arrow
from nbmlops.features.trial import called

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["Answered", "answered", "refuse_mixing"]

_LOOKED = 1_000
_NEAR = 1e-9


@dataclass(frozen=True, slots=True)
class Answered:
    """What an on-demand function gave: one row for each that it was given."""

    frame: pd.DataFrame

    def kinds(self) -> dict[str, str]:
        """Each feature and its Arrow type."""
        return {field.name: str(field.type) for field in to_arrow(self.frame, allow_empty=True).schema}

    def polars(self) -> pl.DataFrame:
        """The features as columns."""
        import polars as pl

        made = pl.from_arrow(to_arrow(self.frame, allow_empty=True))
        assert isinstance(made, pl.DataFrame)
        return made


def answered(function: Callable[..., Any], name: str, inputs: Sequence[str], rows: pd.DataFrame) -> Answered:
    """Call the function of an on-demand view on the columns that it takes.

    Parameters
    ----------
    function : callable
        The function.
    name : str
        The view, which names a feature that comes as a Series.
    inputs : sequence of str
        Columns of `rows`, in the order of the parameters.
    rows : pandas.DataFrame
        The request, or the rows of a spine.

    Raises
    ------
    InvalidError
        When it fails, changes what it is given, or gives other rows.
    """
    import pandas as pd

    plain = rows.reset_index(drop=True)
    given = [plain[one].copy(deep=True) for one in inputs]
    result = called(function, name, given)
    for one, after in zip(inputs, given, strict=True):
        if not plain[one].equals(after):
            raise InvalidError(f"the feature {name} changes its input {one}", hint="compute a new column instead")
    if isinstance(result, pd.Series):
        result = result.to_frame(name)
    elif not isinstance(result, pd.DataFrame):
        raise InvalidError(
            f"the feature {name} gave {type(result).__name__}, neither a column nor a table",
            hint="compute with whole columns: def speed(distance, air_time): return distance / air_time * 60",
        )
    if len(result) != len(plain):
        raise InvalidError(
            f"the feature {name} gave {len(result):,} rows for {len(plain):,}", hint="give one row for each row"
        )
    if not result.index.equals(plain.index):
        raise InvalidError(f"the feature {name} gave its rows in another order", hint="keep the index of its inputs")
    return Answered(result)


def refuse_mixing(
    function: Callable[..., Any], name: str, inputs: Sequence[str], rows: pd.DataFrame, given: pd.DataFrame
) -> None:
    """Refuse a function whose value of a row depends on the other rows: a request has only its own.

    Raises
    ------
    InvalidError
        When some rows, asked alone, get other values than among all.
    """
    first = rows.head(_LOOKED)
    for part in (slice(0, 1), slice(0, max(1, len(first) // 2))):
        alone = answered(function, name, inputs, first.iloc[part]).frame
        among = given.iloc[part].reset_index(drop=True)
        for column in alone.columns:
            one, other = alone[column], among[column]
            same = (one == other) | (one.isna() & other.isna())
            if one.dtype.kind == "f":  # vectors and single numbers are rounded apart in the last digit
                same |= (one - other).abs() <= _NEAR * (1 + one.abs())
            if not same.all():
                place = int((~same).to_numpy().argmax())
                raise InvalidError(
                    f"the feature {name} mixes rows: {column} of row {place + 1} is {one.iloc[place]} when its part is "
                    f"asked alone and {other.iloc[place]} among all rows",
                    hint="compute each row from its own inputs; what takes many rows is a view of its own",
                )
