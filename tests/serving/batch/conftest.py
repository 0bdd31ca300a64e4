"""A project with a model of flights, and more flights than it was trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from nbmlops import Workspace

CARRIERS = ["UA", "AA", "B6"]
NUMBERS = ["dep_delay", "distance"]


def flights(rows: int, seed: int = 0) -> pd.DataFrame:
    """Flights with a number each, which is no input of the model."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "flight": np.arange(rows),
            "carrier": pd.Categorical(random.choice(CARRIERS, rows), CARRIERS),
            "dep_delay": random.normal(10, 30, rows),
            "distance": random.integers(100, 3_000, rows),
        }
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("scored")) as workspace:
        train = flights(2_000)
        inputs = train.drop(columns="flight")
        late = np.where(train["dep_delay"] > 15, "late", "on time")
        columns = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), ["carrier"]))
        model = make_pipeline(columns, LogisticRegression()).fit(inputs, late)
        workspace.model.save(model, "delay", example=inputs.head(50))
        workspace.model.promote("delay")
        workspace.data.save(flights(300_000, 1), "flights")
        yield workspace
