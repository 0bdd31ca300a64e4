"""A workspace with flights in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path) as made:
        yield made


def flights(rows: int = 400, *, seed: int = 0) -> pd.DataFrame:
    """Departures of three carriers over ninety days, in the order of their times, no two at once."""
    random = np.random.default_rng(seed)
    seconds = np.sort(random.choice(86_400 * 90, rows, replace=False))
    return pd.DataFrame(
        {
            "carrier": random.choice(["AA", "DL", "UA"], rows),
            "dep_time": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "dep_delay": random.normal(10, 5, rows).round(3),
            "distance": random.integers(100, 3_000, rows),
            "air_time": random.integers(30, 300, rows),
        }
    )


@pytest.fixture
def saved(workspace: Workspace) -> Workspace:
    workspace.data.save(flights(), "flights")
    return workspace
