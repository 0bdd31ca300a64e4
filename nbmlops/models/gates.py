"""What a promotion of a model must pass, as read from ``pyproject.toml``.

::

    [tool.nbmlops.gates.delay]
    holdout = "delays_holdout"   # a table of data that no training has seen
    target = "late"              # its column with the truth
    train = "delays_train"       # the rows that it learnt from, for the checks that need them
    metric = "roc_auc"
    floor = 0.6                  # the worst figure that may pass; for a loss: ceiling
    tolerance = 0.002            # how much worse than the present champion it may be
    risk = 0.025                 # it must be shown to be no worse, with this chance of an error at most
    checks = ["baseline", "slices", "fairness", "calibration"]  # more model checks that it must pass
    slices = ["carrier"]         # columns whose parts must not be weak
    sensitive = "sex"            # the column whose groups must be treated alike
    fairness = 0.1               # the largest difference between groups
    calibration = 0.05           # the largest calibration error
    suites = ["checks/delays.suite"]  # files with suites that the held-out table must pass
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any, Self

from nbmlops.checks.model.case import Asked
from nbmlops.checks.model.named import CHECKS
from nbmlops.checks.models import METRICS, Metric
from nbmlops.checks.suite import Suite
from nbmlops.core.digests import of_json
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.refs import Ref

__all__ = ["Gate", "example"]

_KEYS = {
    **dict.fromkeys(("holdout", "target", "metric", "sensitive", "train"), str),
    **dict.fromkeys(("floor", "ceiling", "tolerance", "risk", "fairness", "calibration"), float),
    **dict.fromkeys(("checks", "slices", "suites"), list),
}
_KINDS = {str: "text", float: "a number", list: 'a list of texts, such as ["baseline"]'}
_ASKED = ("slices", "sensitive", "fairness", "calibration")
_REQUIRED = ("holdout", "target", "metric")


def example(name: str) -> str:
    """Lines that give a model a gate, to be edited."""
    return (
        f'add to pyproject.toml:\n[tool.nbmlops.gates.{name}]\nholdout = "{name}_holdout"\ntarget = "outcome"\n'
        'metric = "roc_auc"\nfloor = 0.6\ntolerance = 0.002'
    )


@dataclass(frozen=True, slots=True)
class Gate:
    """What a model must reach on held-out data before an alias moves to it.

    Parameters
    ----------
    name : str
        The model's name.
    holdout : str
        Reference of the held-out table.
    target : str
        Column of the table with the truth.
    metric : str
        One of `nbmlops.checks.models.METRICS`.
    bound : float or None
        The worst figure that may pass: a floor for a score, a ceiling for a loss.
    tolerance : float
        How much worse than the version at the alias it may be, in the metric's own unit, from 0.
    risk : float or None
        With a risk, the candidate must be shown to be no worse, by the interval that leaves out so much on each
        side; without one the difference itself decides.
    checks : tuple of str
        Names of more model checks, of `nbmlops.checks.model.named.CHECKS`.
    asked : tuple of (str, value)
        What these checks ask, by the fields of `nbmlops.checks.model.case.Asked`.
    suites : tuple of (str, str)
        Suites that the held-out table must pass: path of the file and its text.
    train : str or None
        Reference of the rows that models of this name learn from, for the checks that need them.
    """

    name: str
    holdout: str
    target: str
    metric: str
    bound: float | None = None
    tolerance: float = 0.0
    risk: float | None = None
    checks: tuple[str, ...] = ()
    asked: tuple[tuple[str, Any], ...] = ()
    suites: tuple[tuple[str, str], ...] = ()
    train: str | None = None

    @classmethod
    def parse(cls, name: str, table: Mapping[str, Any], root: Path | None = None) -> Self:
        """Read a gate from the table ``[tool.nbmlops.gates.NAME]``, and its suites from files below `root`.

        Raises
        ------
        InvalidError
            When a key is unknown, missing or of the wrong type, or a check or a suite is not there.
        """
        where = f"[tool.nbmlops.gates.{name}] in pyproject.toml"
        values = {key: _value(where, key, value) for key, value in table.items()}
        for key in _REQUIRED:
            if key not in values:
                raise InvalidError(f"{where} lacks {key}", hint=example(name))
        metric = METRICS.get(values["metric"])
        if metric is None:
            raise InvalidError(
                f"{where} names an unknown metric {values['metric']!r}",
                hint=nearest(values["metric"], METRICS) or f"the metrics are {', '.join(METRICS)}",
            )
        right, wrong = ("floor", "ceiling") if metric.higher_is_better else ("ceiling", "floor")
        if wrong in values:
            better = "higher" if metric.higher_is_better else "lower"
            raise InvalidError(
                f"{where} gives {metric.name} a {wrong}, but its {better} values are better",
                hint=f"{right} = {values[wrong]}",
            )
        if values.get("tolerance", 0.0) < 0:
            raise InvalidError(f"{where} has a tolerance below 0", hint="tolerance = 0.002")
        for key in ("holdout", "train"):
            if key in values:
                Ref.parse(values[key])
        return cls(
            name=name,
            holdout=values["holdout"],
            target=values["target"],
            metric=metric.name,
            bound=values.get(right),
            tolerance=values.get("tolerance", 0.0),
            risk=values.get("risk"),
            checks=_checks(where, values),
            asked=tuple(sorted((key, values[key]) for key in _ASKED if key in values)),
            suites=tuple((each, _read(where, root, each)) for each in values.get("suites", ())),
            train=values.get("train"),
        )

    @property
    def measure(self) -> Metric:
        """The metric itself."""
        return METRICS[self.metric]

    @property
    def digest(self) -> str:
        """Digest of the policy: two gates that ask for the same have the same."""
        return of_json(asdict(self))


def _checks(where: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    chosen: tuple[str, ...] = values.get("checks", ())
    # What is asked of slices and groups is asked: nobody names a column for a check that is not meant.
    meant = [("slices", "slices"), ("sensitive", "fairness"), ("fairness", "fairness"), ("calibration", "calibration")]
    for key, check in meant:
        if key in values and check not in chosen:
            chosen = (*chosen, check)
    for check in chosen:
        if check not in CHECKS:
            raise InvalidError(
                f"{where} names an unknown check {check!r}",
                hint=nearest(check, CHECKS) or f"the checks are {', '.join(CHECKS)}",
            )
    if "overfit" in chosen and "train" not in values:
        raise InvalidError(f"{where} asks for overfit and names no training rows", hint='train = "DATA"')
    if "fairness" in chosen and "sensitive" not in values:
        raise InvalidError(f"{where} asks for fairness and names no groups", hint='sensitive = "COLUMN"')
    try:
        Asked.of({key: values[key] for key in (*_ASKED, "risk") if key in values})
    except InvalidError as error:
        raise InvalidError(f"{where}: {error.message}", hint=error.hint) from None
    return chosen


def _read(where: str, root: Path | None, name: str) -> str:
    path = (root or Path()) / name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"{where} names a suite {name!r} that cannot be read: {error}") from None
    if not len(Suite.parse(text, name)):
        raise InvalidError(f"{where} names a suite {name!r} that has no check")
    return text


def _value(where: str, key: str, value: Any) -> Any:
    kind = _KEYS.get(key)
    if kind is None:
        raise InvalidError(
            f"{where} has an unknown key {key!r}", hint=nearest(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
        )
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and not isnan(value):
        return float(value)
    wrong = not isinstance(value, kind) or (isinstance(value, list) and not all(isinstance(x, str) for x in value))
    if wrong or isinstance(value, float):
        raise InvalidError(f"{where} has {key} = {value!r}", hint=f"{key} is {_KINDS[kind]}")
    return tuple(value) if kind is list else value
