"""Write what NannyML estimates without labels; run with Python of an environment of their own.

``pip install nannyml==0.13.1 "pandas<3" statsmodels``, then
``NML_DISABLE_USAGE_LOGGING=1 python tests/oracles/nannyml_estimates.py > tests/monitoring/estimation/goldens.json``.
"""

import importlib.metadata
import json
import sys
from pathlib import Path

import nannyml
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "monitoring" / "estimation"))

import rows as made

CLASSIFIER = {"accuracy", "precision", "recall", "specificity", "f1", "roc_auc"}
REGRESSOR = {"mae", "mse", "rmse"}
SIZE = 1_000


def told(estimator: object, analysis: pd.DataFrame, metrics: set[str]) -> list[dict]:
    found = estimator.estimate(analysis).filter(period="analysis").to_df()
    return [
        {
            metric: {key: float(row[metric, key]) for key in ("value", "sampling_error")}
            | {end: float(row[metric, f"{end}_confidence_boundary"]) for end in ("lower", "upper")}
            for metric in sorted(metrics)
        }
        for _, row in found.iterrows()
    ]


def classifier(boast: float) -> dict:
    reference = pd.DataFrame(made.classified(1, 5_000, boast=boast))
    analysis = pd.DataFrame(made.classified(2, 3 * SIZE, shift=0.7, boast=boast))
    estimator = nannyml.CBPE(
        metrics=sorted(CLASSIFIER),
        y_true="true",
        y_pred="answered",
        y_pred_proba="said",
        problem_type="classification_binary",
        chunk_size=SIZE,
    )
    estimator.fit(reference)
    chunks = told(estimator, analysis.drop(columns="true"), CLASSIFIER)
    return {"calibrates": bool(estimator.needs_calibration), "chunks": chunks}


def regressor() -> list[dict]:
    reference = pd.DataFrame(made.measured(3, 5_000))
    analysis = pd.DataFrame(made.measured(4, 3 * SIZE, from_=0.4))
    estimator = nannyml.DLE(
        metrics=sorted(REGRESSOR),
        feature_column_names=["first", "second"],
        y_true="true",
        y_pred="answered",
        chunk_size=SIZE,
        hyperparameters={"verbose": -1},  # the default ones; it writes nothing where the goldens go
    )
    estimator.fit(reference)
    return told(estimator, analysis.drop(columns="true"), REGRESSOR)


def main() -> None:
    named = ("nannyml", "lightgbm", "scikit-learn", "numpy", "pandas")
    goldens = {
        "versions": {name: importlib.metadata.version(name) for name in named},
        "honest": classifier(1.0),
        "boasting": classifier(2.5),
        "regressor": regressor(),
    }
    json.dump(goldens, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
