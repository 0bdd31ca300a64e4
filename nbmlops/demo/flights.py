"""Flights of later months as callers ask for them: features by the project's own notebooks, and what became of each.

They are made in a workspace apart, beside the project: nothing of what is still to come lies in the project itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.pipelines.service import Progress

__all__ = ["later_flights", "some"]

_STEPS = ("1_ingest.ipynb", "3_features.ipynb")
_SETTINGS = f"""\
[project]
name = "flights-to-come"
version = "0"

[tool.nbmlops.pipelines]
flights = ["notebooks/{_STEPS[0]}", "notebooks/{_STEPS[1]}"]
"""
_ZONE = "America/New_York"


def later_flights(
    project: Path, folder: Path, first: int, last: int, per_day: int, progress: Progress | None = None
) -> pd.DataFrame:
    """Flights of some months of 2013 that flew, the same number of each day where there are so many.

    Parameters
    ----------
    project : Path
        The project's folder; its notebooks 1 and 3 make the features.
    folder : Path
        Where the workspace is made in which they do.
    first, last : int
        The months.
    per_day : int
        How many flights of a day are taken, at even distances in its timetable.
    progress : callable, optional
        Given the signs of life of the two steps.

    Returns
    -------
    pandas.DataFrame
        The inputs of the model; ``day``, the date in New York; ``late``, what turned out to be true; and an index that
        says the day and the place in it, such as ``0401-17``.
    """
    (folder / "notebooks").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_SETTINGS, encoding="utf-8")
    for step in _STEPS:
        shutil.copy(project / "notebooks" / step, folder / "notebooks" / step)
    # What the notebook calls the held-out month has to be there, and comes after the last one that is wanted.
    beyond = {"month": last + 1, "until": last, "holdout": last + 1}
    with Workspace.init(folder) as workspace:
        workspace.pipeline.run("flights", beyond, progress=progress)
        table: pd.DataFrame = workspace.data.load("delays_train")
    local = table["time_hour"].dt.tz_convert(_ZONE)
    return some(table.assign(day=local.dt.date)[local.dt.month >= first], per_day)


def some(table: pd.DataFrame, per_day: int) -> pd.DataFrame:
    """So many rows of each ``day``, at even distances, called by the day and their place in it."""
    days = table.groupby("day")
    place, many = days.cumcount(), days["day"].transform("size")
    # The place in the timetable, from 0 to per_day, rises by a whole number at each flight that is taken.
    taken = (place * per_day // many) != ((place - 1) * per_day // many)
    chosen = table[taken].copy()
    names = chosen["day"].map("{:%m%d}".format) + "-" + chosen.groupby("day").cumcount().astype(str)
    return chosen.set_index(names).drop(columns="time_hour")
