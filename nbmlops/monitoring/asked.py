"""What a person asks of a monitor, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, get_args

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_known, check_one_of
from nbmlops.core.spans import parse_span
from nbmlops.monitoring.kinds.quality import known_metrics
from nbmlops.monitoring.records import Severity

__all__ = ["Asked"]

_SHORTEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """The rules of a monitor.

    Attributes
    ----------
    reference : str or None
        A version of data, ``before`` for the window before, or the file of a suite; see `Monitor`.
    window : str
        How far back it looks; at least an hour, as what is kept of all rows is kept by the hour.
    bound : float or None
        From where on it fails: of ``performance`` the share by which latency may rise, of ``quality`` the metric, of
        ``stability`` the share of saturated answers, of ``staleness`` days. ``drift`` and ``invariants`` have none.
    metric : str or None
        Of ``quality``: accuracy by default.
    severity : {"fail", "warn"}
        What becomes of a bound that is not kept.
    owner : str or None
        Who is asked; whoever adds it by default.
    """

    reference: str | None = None
    window: str = "1d"
    bound: float | None = None
    metric: str | None = None
    severity: Severity = "fail"
    owner: str | None = None

    @classmethod
    def of(cls, kind: str, given: dict[str, Any]) -> Self:
        """Read keywords.

        Raises
        ------
        InvalidError
            When one is unknown, its value is none, or the kind has no such rule.
        """
        check_known(cls, given, "a monitor has no")
        asked = cls(**given)
        check_one_of("severity", asked.severity, get_args(Severity))
        if parse_span(asked.window) < _SHORTEST:
            raise InvalidError(f"a window of {asked.window} is too short", hint="--window 1h at least")
        if asked.metric is not None:
            if kind != "quality":
                raise InvalidError(f"a monitor of {kind} has no metric", hint="leave --metric out")
            check_one_of("metric", asked.metric, known_metrics())
        if asked.bound is not None:
            if kind in {"drift", "invariants"}:
                raise InvalidError(f"a monitor of {kind} has no bound, but its own verdict", hint="leave --bound out")
            if not math.isfinite(asked.bound) or asked.bound < 0:
                raise InvalidError(f"{asked.bound} is no bound", hint="a number that is not negative, such as 0.2")
        if asked.reference is not None and kind not in {"drift", "invariants"}:
            raise InvalidError(
                f"a monitor of {kind} has no reference to choose: it knows its own", hint="leave --reference out"
            )
        return asked

    def values(self, actor: str) -> dict[str, Any]:
        """As the catalog keeps them."""
        return {
            "reference": self.reference,
            "window": int(parse_span(self.window).total_seconds()),
            "bound": self.bound,
            "metric": self.metric,
            "severity": self.severity,
            "owner": self.owner or actor,
        }
