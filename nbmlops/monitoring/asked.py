"""What a person asks of a monitor, checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_known, check_one_of
from nbmlops.core.spans import parse_span
from nbmlops.monitoring.kinds.quality import known_metrics
from nbmlops.monitoring.own_code import written
from nbmlops.monitoring.records import Severity

__all__ = ["Asked", "Better"]

Better = Literal["high", "low"]
_SHORTEST = timedelta(hours=1)
_TAKES = MappingProxyType(
    {
        "calibration": frozenset({"bound", "column"}),
        "dependencies": frozenset[str](),
        "drift": frozenset({"reference"}),
        "fairness": frozenset({"bound", "column"}),
        "invariants": frozenset({"reference"}),
        "metric": frozenset({"bound", "code", "better"}),
        "performance": frozenset({"bound"}),
        "pipeline": frozenset({"bound", "reference"}),
        "quality": frozenset({"bound", "column", "metric"}),
        "skew": frozenset({"bound", "code", "features", "key", "reference"}),
        "stability": frozenset({"bound"}),
        "staleness": frozenset({"bound"}),
    }
)
"""Which rules each kind has, beside its window, severity and owner."""
_NEEDS = MappingProxyType({"fairness": ("column",), "metric": ("code", "bound")})
_RULES = ("code", "key", "column", "better", "features")
_NO_SUCH = MappingProxyType(
    {
        "reference": "no reference to choose: it knows its own",
        "bound": "no bound, but its own verdict",
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The rules of a monitor.

    Attributes
    ----------
    reference : str or None
        A version of data, ``before`` for the window before, the file of a suite, or a pipeline; see `Monitor`.
    window : str
        How far back it looks; at least an hour, as what is kept of all rows is kept by the hour.
    bound : float or None
        From where on it fails: of ``performance`` the share by which time, memory and errors may rise, of
        ``quality`` and ``metric`` the figure, of ``stability`` the share of saturated answers, of ``staleness`` and
        ``pipeline`` days, of ``fairness`` the largest difference between groups, of ``skew`` the share of rows that may
        differ, of ``calibration`` the largest expected calibration error.
    metric : str or None
        Of ``quality``: accuracy by default.
    severity : {"fail", "warn"}
        What becomes of a bound that is not kept.
    owner : str or None
        Who is asked; whoever adds it by default.
    code : str, callable or None
        Of ``skew`` and ``metric``: a function, as ``features.py:make``, ``training.ipynb:make`` (of a cell) or
        ``package.module:make``.
    key : str or None
        Of ``skew``: the input by which rows are found again; by default they come in the order in which they went.
    column : str or None
        Of ``fairness``: the input whose groups are to be treated alike; of ``quality`` and
        ``calibration``: one by whose parts it is judged as well.
    better : {"high", "low"} or None
        Of ``metric``: which figures are better; high ones by default.
    features : bool or None
        Of ``skew``: whether the features of the model's training set are made again, as they were known at each
        request, instead of by a function.
    """

    reference: str | None = None
    window: str = "1d"
    bound: float | None = None
    metric: str | None = None
    severity: Severity = "fail"
    owner: str | None = None
    code: str | Callable[..., Any] | None = None
    key: str | None = None
    column: str | None = None
    better: Better | None = None
    features: bool | None = None

    @classmethod
    def of(cls, kind: str, given: dict[str, Any]) -> Self:
        """Read keywords.

        Raises
        ------
        InvalidError
            When one is unknown or missing, its value is none, or the kind has no such rule.
        """
        check_known(cls, given, "a monitor has no")
        asked = cls(**{**given, "features": given.get("features") or None})
        check_one_of("severity", asked.severity, get_args(Severity))
        if parse_span(asked.window) < _SHORTEST:
            raise InvalidError(f"a window of {asked.window} is too short", hint="--window 1h at least")
        for rule in ("reference", "bound", "metric", *_RULES):
            if getattr(asked, rule) is not None and rule not in _TAKES[kind]:
                words = _NO_SUCH.get(rule, f"no {rule}")
                raise InvalidError(f"a monitor of {kind} has {words}", hint=f"leave --{rule} out")
        for rule in _NEEDS.get(kind, ()):
            if getattr(asked, rule) is None:
                raise InvalidError(f"a monitor of {kind} needs a {rule}", hint=f"add --{rule}: {_WHAT[rule]}")
        if kind == "skew":
            asked._refuse_both_or_none()
        if asked.metric is not None:
            check_one_of("metric", asked.metric, known_metrics())
        if asked.better is not None:
            check_one_of("better", asked.better, get_args(Better))
        asked._refuse_bound(kind)
        return asked

    def _refuse_both_or_none(self) -> None:
        if self.features and (self.code or self.key or self.reference):
            raise InvalidError(
                "the features of a model are known by themselves", hint="leave --code, --key and --reference out"
            )
        if not self.features and self.code is None:
            raise InvalidError(
                "a monitor of skew needs a code",
                hint=f"add --code: {_WHAT['code']}; or --features of a feature service",
            )

    def _refuse_bound(self, kind: str) -> None:
        if self.bound is None:
            return
        if not math.isfinite(self.bound) or (self.bound < 0 and kind != "metric"):
            raise InvalidError(f"{self.bound} is no bound", hint="a number that is not negative, such as 0.2")
        if kind in {"calibration", "fairness", "skew", "stability"} and self.bound > 1:
            raise InvalidError(f"{self.bound} is no bound of {kind}: it is a share", hint="a share such as 0.1")

    def values(self, actor: str) -> dict[str, Any]:
        """As the catalog keeps them."""
        rules = {rule: getattr(self, rule) for rule in _RULES if getattr(self, rule) is not None}
        if "code" in rules:
            rules["code"] = written(rules["code"])
        return {
            "reference": self.reference,
            "window": int(parse_span(self.window).total_seconds()),
            "bound": self.bound,
            "metric": self.metric,
            "severity": self.severity,
            "owner": self.owner or actor,
            "rules": rules,
        }


_WHAT = MappingProxyType(
    {
        "code": "a function, as features.py:make or training.ipynb:make",
        "bound": "a number that it may not be beyond",
        "column": "an input whose groups are to be treated alike",
    }
)
