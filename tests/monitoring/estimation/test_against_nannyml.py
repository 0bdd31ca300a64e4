"""Estimates are those of NannyML, on rows that both make alike."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbmlops.monitoring.estimation.confidence import METRICS, ConfidenceEstimator
from nbmlops.monitoring.estimation.direct_loss import LOSSES, LossEstimator

GOLDENS = json.loads(Path(__file__).with_name("goldens.json").read_text())
SIZE = 1_000
_spec = importlib.util.spec_from_file_location("rows", Path(__file__).with_name("rows.py"))
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


def chunks(rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: column[at : at + SIZE] for name, column in rows.items()} for at in range(0, 3 * SIZE, SIZE)]


@pytest.mark.parametrize(("name", "boast"), [("honest", 1.0), ("boasting", 2.5)])
def test_confidence_based_estimates_equal_those_of_nannyml(name: str, boast: float) -> None:
    reference = made.classified(1, 5_000, boast=boast)
    estimator = ConfidenceEstimator.fit(**reference)
    assert (estimator.calibration.isotonic is not None) == GOLDENS[name]["calibrates"]
    analysis = made.classified(2, 3 * SIZE, shift=0.7, boast=boast)
    for part, golden in zip(chunks(analysis), GOLDENS[name]["chunks"], strict=True):
        found = estimator.estimate(part["said"], part["answered"])
        for metric in METRICS:
            own = found[metric]
            assert own.value == pytest.approx(golden[metric]["value"], abs=1e-6)
            assert own.error == pytest.approx(golden[metric]["sampling_error"], abs=1e-6)
            assert own.low == pytest.approx(golden[metric]["lower"], abs=1e-6)
            assert own.high == pytest.approx(golden[metric]["upper"], abs=1e-6)


def test_direct_loss_estimates_equal_those_of_nannyml_with_the_regressor_that_it_learns_by() -> None:
    from lightgbm import LGBMRegressor

    def inputs(rows: dict[str, Any]) -> pd.DataFrame:
        return pd.DataFrame({name: rows[name] for name in ("first", "second")})

    reference = made.measured(3, 5_000)
    estimator = LossEstimator.fit(
        inputs(reference), reference["true"], reference["answered"], estimator=LGBMRegressor(verbose=-1)
    )
    for part, golden in zip(chunks(made.measured(4, 3 * SIZE, from_=0.4)), GOLDENS["regressor"], strict=True):
        found = estimator.estimate(inputs(part), part["answered"])
        for metric in LOSSES:
            own = found[metric]
            assert own.value == pytest.approx(golden[metric]["value"], abs=1e-6)
            assert own.error == pytest.approx(golden[metric]["sampling_error"], abs=1e-6)
            assert own.low == pytest.approx(golden[metric]["lower"], abs=1e-6)


def test_by_default_the_loss_of_rows_is_within_the_interval_of_its_estimate() -> None:
    reference = pd.DataFrame(made.measured(3, 5_000))
    estimator = LossEstimator.fit(reference[["first", "second"]], reference["true"], reference["answered"])
    before = estimator.reference("mae")
    for part in chunks(made.measured(4, 3 * SIZE, from_=0.4)):
        frame = pd.DataFrame(part)
        found = estimator.estimate(frame, frame["answered"], ["mae"])["mae"]
        assert found.low < float(np.abs(frame["true"] - frame["answered"]).mean()) < found.high
        assert found.value > before.value + 0.1
