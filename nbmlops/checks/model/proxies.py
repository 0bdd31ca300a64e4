"""Columns that give a sensitive column away, though the model may never see that column itself.

The association is Cramér's V of the column, cut into parts, and the groups: ``√(χ² / (n · min(r - 1, c - 1)))``, 0
without any and 1 when one gives the other away (Cramér 1946).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.model.parts import parts_of
from nbmlops.checks.records import Outcome

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["association", "proxies"]

_STRONG = 0.3
_RISK = 0.01
_BINS = 10


def association(first: Any, second: Any) -> tuple[float, float]:
    """Cramér's V of two columns of codes, and the chance of as much when there is none.

    Codes are whole numbers from 0, shape ``(n,)``.
    """
    import numpy as np
    from scipy.stats import chi2

    width = int(second.max()) + 1
    counts = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width).reshape(-1, width)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    rows, columns = counts.shape
    if min(rows, columns) < 2:
        return 0.0, 1.0
    total = counts.sum()
    expected = counts.sum(axis=1)[:, None] * counts.sum(axis=0)[None, :] / total
    statistic = float(((counts - expected) ** 2 / expected).sum())
    strength = (statistic / (total * (min(rows, columns) - 1))) ** 0.5
    return strength, float(chi2.sf(statistic, (rows - 1) * (columns - 1)))


def proxies(table: pd.DataFrame, sensitive: str, target: str) -> Outcome:
    """Warn of columns with a V of 0.3 or more that chance does not explain (Bonferroni over the columns)."""
    groups = parts_of(table[sensitive]).codes
    others = [name for name in table.columns if name not in (sensitive, target)]
    found = sorted(
        ((*association(parts_of(table[name], _BINS).codes, groups), str(name)) for name in others),
        key=lambda each: -each[0],
    )
    strong = [each for each in found if each[0] >= _STRONG and each[1] * len(found) <= _RISK]
    told = f"{strong[0][2]} {strong[0][0]:.2f}" if strong else f"{found[0][0]:.2f} at most" if found else "no column"
    cells = [(name, strength, chance) for strength, chance, name in found]
    return Outcome(
        check="proxies",
        column=sensitive,
        status="warned" if strong else "passed",
        figure=told,
        bound=f"< {_STRONG:g}",
        detail=f"Cramér's V; they tell the group: {', '.join(each[2] for each in strong[:5])}" if strong else "",
        evidence=(TableEvidence.of(("column", "Cramér's V", "by chance"), cells, f"what tells {sensitive}"),),
        number=found[0][0] if found else None,
    )
