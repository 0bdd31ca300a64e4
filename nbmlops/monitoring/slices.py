"""Parts of an input by which labelled rows are judged as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.monitoring.watching import INPUT

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.monitoring.watching import Watched

__all__ = ["WIDE_OF_PARTS", "labelled_parts"]

WIDE_OF_PARTS = 4.0
"""Standard errors for a part: there are up to 22 of them, and each may be called wrong."""


def labelled_parts(
    watched: Watched, labelled: pl.DataFrame, before: pl.DataFrame
) -> Iterator[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """The name, the rows and the rows of before of each part of the input that the monitor names; none if it does not.

    Raises
    ------
    InvalidError
        When it is no input that is kept.
    """
    import polars as pl

    from nbmlops.checks.model.parts import parts_of

    column = watched.monitor.rules.get("column")
    if column is None:
        return
    place = f"{INPUT}{column}"
    if place not in labelled.columns:
        inputs = [name.removeprefix(INPUT) for name in labelled.columns if name.startswith(INPUT)]
        raise InvalidError(f"{column} is no input that is kept", hint=nearest(column, inputs))
    # Cut together, so that the parts are the same ones.
    values = pl.concat([labelled[place], before[place]]) if place in before.columns else labelled[place]
    parts = parts_of(values.to_pandas().rename(column))
    codes, earlier = parts.codes[: labelled.height], parts.codes[labelled.height :]
    for code, name in enumerate(parts.names):
        past = before.filter(pl.Series(earlier == code)) if len(earlier) else before.clear()
        yield name, labelled.filter(pl.Series(codes == code)), past
