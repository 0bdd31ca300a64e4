"""What is expected of the training data, asked of live inputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.records import BEFORE
from nbmlops.monitoring.watching import input_columns

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome
    from nbmlops.checks.suite import Suite
    from nbmlops.monitoring.watching import Watched

__all__ = ["judge"]

_SUITE = ".suite"


def judge(watched: Watched) -> list[Outcome]:
    """An outcome for each check of the suite whose column is an input."""
    from nbmlops.checks import engine, frames
    from nbmlops.checks.suite import Suite

    rows = input_columns(watched.rows())
    suite = _suite(watched, rows.columns)
    own = tuple(column for column in suite.columns if column.column in rows.columns)
    if not own:
        raise InvalidError(
            f"the suite {suite.name or watched.reference()} expects nothing of {', '.join(rows.columns[:5])}",
            hint="`ml check infer NAME --to NAME.suite` writes one",
        )
    # What is expected of the whole table, such as its rows, is not expected of a window.
    return list(engine.judge(frames.table_of(rows), Suite(suite.name, columns=own), now=watched.until))


def _suite(watched: Watched, inputs: list[str]) -> Suite:
    from nbmlops.checks import frames
    from nbmlops.checks.accepting import read_suite
    from nbmlops.checks.infer import infer

    reference = watched.reference()
    if reference.endswith(_SUITE):
        return read_suite(Path(reference))
    if reference == BEFORE:
        raise InvalidError(
            "nothing says what the model was trained on, so nothing is expected",
            hint="`ml monitor add … --reference flights.suite`, or a version of data",
        )
    known = {column.name for column in watched.data.show(reference).columns}
    shared = [name for name in inputs if name in known]
    if not shared:
        raise InvalidError(
            f"{reference} has none of the inputs {', '.join(inputs[:5])}",
            hint="name the data that the model was trained on: `ml monitor add … --reference NAME@vN`",
        )
    return infer([frames.table_of(watched.data.load(reference, columns=shared, as_="arrow"))], reference)
