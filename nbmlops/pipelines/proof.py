"""Are two runs of a pipeline the same? Data and models by digest, metrics within a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping

from nbmlops.checks.records import Outcome
from nbmlops.core.digests import short

__all__ = ["TOLERANCE", "compare"]

TOLERANCE = 1e-9
"""Relative difference up to which two metrics count as equal."""

Outputs = Mapping[tuple[str, str], str]


def compare(
    before: Outputs,
    after: Outputs,
    metrics_before: Mapping[str, float],
    metrics_after: Mapping[str, float],
    tolerance: float = TOLERANCE,
) -> list[Outcome]:
    """Compare what two runs wrote and logged.

    Parameters
    ----------
    before, after : mapping
        (kind, name) -> digest of what each run wrote.
    metrics_before, metrics_after : mapping
        Last value of each metric.
    tolerance : float
        Relative difference up to which two metrics are near.

    Returns
    -------
    list of Outcome
        One for each output and each metric of either run; ``warned`` for a metric that is near and not the same.
    """
    outcomes = [_output(key, before.get(key), after.get(key)) for key in sorted({*before, *after})]
    names = sorted({*metrics_before, *metrics_after})
    pairs = ((name, metrics_before.get(name), metrics_after.get(name)) for name in names)
    return outcomes + [_metric(*pair, tolerance) for pair in pairs]


def _output(key: tuple[str, str], before: str | None, after: str | None) -> Outcome:
    kind, name = key
    figure = short(after) if after else "not written"
    bound = f"= {short(before)}" if before else "not written"
    same = before == after
    detail = (
        ""
        if same
        else f"the {kind} {name} is not the same again: look for an unset seed, the clock, or an outside source"
    )
    return Outcome(f"{kind} {name} is reproduced", None, "passed" if same else "failed", figure, bound, detail, ())


def _metric(name: str, before: float | None, after: float | None, tolerance: float) -> Outcome:
    check = f"metric {name} is reproduced"
    if before is None or after is None:
        missing = "in the proof" if after is None else "in the run it is compared with"
        return Outcome(check, None, "failed", _shown(after), f"= {_shown(before)}", f"not logged {missing}", ())
    if before == after or (math.isnan(before) and math.isnan(after)):
        return Outcome(check, None, "passed", _shown(after), f"= {_shown(before)}", "", ())
    near, detail = math.isclose(before, after, rel_tol=tolerance), f"differs by {after - before:+.3g}"
    return Outcome(check, None, "warned" if near else "failed", _shown(after), f"= {_shown(before)}", detail, ())


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
