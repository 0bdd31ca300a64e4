"""What a promotion of a model must pass, as read from ``pyproject.toml``.

::

    [tool.nbmlops.gates.delay]
    holdout = "delays_holdout"   # a table of data that no training has seen
    target = "late"              # its column with the truth
    metric = "roc_auc"
    floor = 0.6                  # the worst figure that may pass; for a loss: ceiling
    tolerance = 0.002            # how much worse than the present champion it may be
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any, Self

from nbmlops.checks.models import METRICS, Metric
from nbmlops.core.digests import of_json
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.refs import Ref

__all__ = ["Gate", "example"]

_KEYS = {"holdout": str, "target": str, "metric": str, "floor": float, "ceiling": float, "tolerance": float}
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
    """

    name: str
    holdout: str
    target: str
    metric: str
    bound: float | None = None
    tolerance: float = 0.0

    @classmethod
    def parse(cls, name: str, table: Mapping[str, Any]) -> Self:
        """Read a gate from the table ``[tool.nbmlops.gates.NAME]``.

        Raises
        ------
        InvalidError
            When a key is unknown, missing or of the wrong type.
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
        Ref.parse(values["holdout"])
        return cls(
            name=name,
            holdout=values["holdout"],
            target=values["target"],
            metric=metric.name,
            bound=values.get(right),
            tolerance=values.get("tolerance", 0.0),
        )

    @property
    def measure(self) -> Metric:
        """The metric itself."""
        return METRICS[self.metric]

    @property
    def digest(self) -> str:
        """Digest of the policy: two gates that ask for the same have the same."""
        return of_json(asdict(self))


def _value(where: str, key: str, value: Any) -> Any:
    kind = _KEYS.get(key)
    if kind is None:
        raise InvalidError(
            f"{where} has an unknown key {key!r}", hint=nearest(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
        )
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and not isnan(value):
        return float(value)
    if not isinstance(value, kind) or isinstance(value, float):
        raise InvalidError(f"{where} has {key} = {value!r}", hint=f"{key} is {'a number' if kind is float else 'text'}")
    return value
