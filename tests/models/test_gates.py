"""Gates are read from tables, and every mistake is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbmlops.core.errors import InvalidError
from nbmlops.models.gates import Gate, example

TABLE = {"holdout": "delays_holdout", "target": "late", "metric": "roc_auc", "floor": 0.6, "tolerance": 0.002}


def test_a_gate_is_read() -> None:
    gate = Gate.parse("delay", TABLE)
    assert gate == Gate("delay", "delays_holdout", "late", "roc_auc", 0.6, 0.002)
    assert gate.measure.higher_is_better


def test_a_loss_has_a_ceiling() -> None:
    gate = Gate.parse("delay", {"holdout": "h", "target": "late", "metric": "brier", "ceiling": 1})
    assert (gate.bound, gate.tolerance) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        ({"flor": 0.6}, "unknown key 'flor'", "did you mean floor"),
        ({"metric": "rocauc"}, "unknown metric 'rocauc'", "roc_auc"),
        ({"metric": "zzz"}, "unknown metric 'zzz'", "the metrics are"),
        ({"metric": "brier"}, "gives brier a floor, but its lower values are better", "ceiling = 0.6"),
        ({"ceiling": 0.6}, "gives roc_auc a ceiling, but its higher values are better", "floor = 0.6"),
        ({"tolerance": -1}, "tolerance below 0", "tolerance"),
        ({"floor": "high"}, "floor = 'high'", "a number"),
        ({"floor": True}, "floor = True", "a number"),
        ({"floor": float("nan")}, "floor = nan", "a number"),
        ({"target": 3}, "target = 3", "text"),
        ({"risk": 0.7}, "the risk is 0.7", "0.025"),
        ({"fairness": 2.0, "sensitive": "sex"}, "bound of fairness is 2", ""),
        ({"checks": ["fairnes"]}, "unknown check 'fairnes'", "fairness"),
        ({"checks": "baseline"}, "checks = 'baseline'", "a list of texts"),
        ({"checks": [1]}, "checks = ", "a list of texts"),
        ({"checks": ["fairness"]}, "names no groups", "sensitive"),
        ({"suites": ["none.suite"]}, "suite 'none.suite' that cannot be read", ""),
        ({"holdout": "a/b"}, "not a reference", "name@v3"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(InvalidError, match=message) as refused:
        Gate.parse("delay", {**TABLE, **change})
    assert hint in str(refused.value.hint or "")


@pytest.mark.parametrize("key", ["holdout", "target", "metric"])
def test_what_is_missing_is_named(key: str) -> None:
    with pytest.raises(InvalidError, match=f"lacks {key}"):
        Gate.parse("delay", {name: value for name, value in TABLE.items() if name != key})


def test_the_digest_tells_policies_apart() -> None:
    same = Gate.parse("delay", dict(reversed(TABLE.items())))
    other = Gate.parse("delay", {**TABLE, "floor": 0.61})
    assert Gate.parse("delay", TABLE).digest == same.digest != other.digest


def test_the_example_is_a_gate_that_parses() -> None:
    import tomllib

    lines = example("delay").partition("\n")[2]
    Gate.parse("delay", tomllib.loads(lines)["tool"]["nbmlops"]["gates"]["delay"])


def test_a_gate_names_model_checks_and_what_they_ask() -> None:
    gate = Gate.parse("delay", {**TABLE, "risk": 0.05, "checks": ["baseline"], "slices": ["carrier"]})
    assert (gate.risk, gate.checks, gate.asked) == (0.05, ("baseline", "slices"), (("slices", ("carrier",)),))
    assert gate.digest != Gate.parse("delay", TABLE).digest


def test_a_gate_names_the_rows_that_its_models_learnt_from() -> None:
    gate = Gate.parse("delay", {**TABLE, "train": "delays_train", "checks": ["overfit"]})
    assert gate.train == "delays_train"
    with pytest.raises(InvalidError, match="asks for overfit and names no training rows"):
        Gate.parse("delay", {**TABLE, "checks": ["overfit"]})
    with pytest.raises(InvalidError, match="delays train"):
        Gate.parse("delay", {**TABLE, "train": "delays train"})


def test_a_suite_is_read_from_its_file_and_its_text_is_part_of_the_policy(tmp_path: Path) -> None:
    (tmp_path / "a.suite").write_text("late: boolean")
    table = {**TABLE, "suites": ["a.suite"]}
    gate = Gate.parse("delay", table, tmp_path)
    assert gate.suites == (("a.suite", "late: boolean"),)
    (tmp_path / "a.suite").write_text("late: boolean, nulls < 1%")
    assert Gate.parse("delay", table, tmp_path).digest != gate.digest
    (tmp_path / "a.suite").write_text("")
    with pytest.raises(InvalidError, match="has no check"):
        Gate.parse("delay", table, tmp_path)
