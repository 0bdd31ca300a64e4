"""Runs in a row, to be looked at or to be reckoned with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbmlops.render.listing import Listing
from nbmlops.tracking.records import Run

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunListing"]


class RunListing(Listing[Run]):
    """Runs, in order; as a frame each param, metric and tag is a column.

    Parameters
    ----------
    runs : iterable of Run
        The runs.
    nothing : str
        What is said when there are none; by default how to make the first.
    """

    __slots__ = ()

    def __init__(self, runs: Iterable[Run], nothing: str = "") -> None:
        super().__init__(runs, Run, nothing=nothing)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each run; columns ``run``, ``status``, ``params.depth``, ``metrics.auc``, ``tags.owner``, ….

        The names are those of conditions. What a run does not have is missing there; the index counts from 0.
        """
        import pandas as pd

        facts = {
            "run": [run.name for run in self],
            "experiment": [run.experiment for run in self],
            "kind": [run.kind for run in self],
            "status": [run.status for run in self],
            "started": pd.to_datetime([run.started_at for run in self], utc=True),
            "seconds": [run.seconds for run in self],
            "notebook": [run.notebook for run in self],
        }
        for group in ("params", "metrics", "tags"):
            found = [getattr(run, group) for run in self]
            for name in sorted({name for each in found for name in each}):
                facts[f"{group}.{name}"] = [each.get(name) for each in found]
        return pd.DataFrame({**facts, "id": [run.id for run in self]})
