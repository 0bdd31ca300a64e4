"""Whether groups are treated alike: selection rates, error rates, and which columns give the group away.

With TPR and FPR the shares of positive answers among the rows whose truth is positive and negative:
demographic parity difference is the largest selection rate less the smallest; equalised odds difference is the
larger of the same differences of TPR and of FPR (Hardt et al. 2016; as in fairlearn, which gives equal figures).

The largest less the smallest of several rates is above 0 by chance. So the interval is the basic bootstrap one,
which takes that off (Davison & Hinkley 1997, 5.2.1); near 0 that is not enough, and a gap fails only when groups
that are dealt to the rows at random (for equalised odds: to rows of the same truth) seldom give as large a one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.model.case import Asked, Case
from nbmlops.checks.model.parts import Parts, parts_of
from nbmlops.checks.model.proxies import proxies
from nbmlops.checks.models import resampled
from nbmlops.checks.records import Outcome, Status
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["Rates", "gaps", "judge", "rates"]

_SEED = 20_240_229
_ROWS = 5_000
_DEALS = 199


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates by group, each of shape ``(k, groups)`` for k weightings of the rows; NaN where a group has no such row.

    `rows` counts each group's rows.
    """

    rows: Array
    selection: Array
    true_positive: Array
    false_positive: Array

    @property
    def parity(self) -> Array:
        """Demographic parity differences, shape ``(k,)``."""
        return _range(self.selection)

    @property
    def odds(self) -> Array:
        """Equalised odds differences, shape ``(k,)``."""
        import numpy as np

        differences: Array = np.maximum(_range(self.true_positive), _range(self.false_positive))
        return differences


def _range(values: Array) -> Array:
    import numpy as np

    there = np.isfinite(values)
    high = np.where(there, values, -np.inf).max(axis=1)
    low = np.where(there, values, np.inf).min(axis=1)
    found: Array = np.where(there.any(axis=1), high - low, 0)
    return found


def rates(true: Any, given: Any, codes: Any, weights: Array) -> Rates:
    """Rates by group.

    Parameters
    ----------
    true, given : ndarray of bool, shape (n,)
        Whether the truth, and the answer, is the second class.
    codes : ndarray of int, shape (n,)
        The group of each row, from 0.
    weights : ndarray of shape (k, n)
        Weightings of the rows.
    """
    import numpy as np

    groups = (codes[:, None] == np.arange(codes.max() + 1)[None, :]).astype(np.float64)

    def share(among: Any) -> Array:
        inside = weights @ (groups * among[:, None])
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Array = (weights @ (groups * (among * given)[:, None])) / inside
        return found

    every = np.ones(len(codes))
    return Rates(weights @ groups, share(every), share(true.astype(float)), share(1.0 - true))


def judge(case: Case) -> Iterator[Outcome]:
    """Judge the groups of the sensitive column, for more than two classes each class against the others.

    Raises
    ------
    InvalidError
        When the model is no classifier, or the column has one group.
    """
    import numpy as np

    if case.classes is None:
        raise InvalidError(f"fairness needs a classifier, and {type(case.model).__name__} is none")
    sensitive = str(case.asked.sensitive)
    groups = parts_of(case.table[sensitive])
    if len(np.unique(groups.codes)) < 2:
        raise InvalidError(f"{sensitive} has one group only", hint="name a column with groups")
    _ = case.known
    truth, labels = np.asarray(case.table[case.target]), case.labels
    wanted = case.classes[1:] if len(case.classes) == 2 else case.classes
    for value in wanted:
        of = "" if len(wanted) == 1 else f" of {value}"
        yield from gaps(case.asked, truth == value, labels == value, groups, of)
    yield proxies(case.table, sensitive, case.target)


def gaps(asked: Asked, true: Any, given: Any, groups: Parts, of: str = "") -> Iterator[Outcome]:
    """Judge the differences between groups of the rows.

    Parameters
    ----------
    asked : Asked
        The sensitive column, the bound and the risk.
    true, given : ndarray of bool, shape (n,)
        Whether the truth, and the answer, is the class.
    groups : Parts
        The groups of the rows.
    of : str
        Which class, where there are several.
    """
    import numpy as np

    whole = rates(true, given, groups.codes, np.ones((1, len(true))))
    random = np.random.default_rng(_SEED)
    total = len(true)
    taken = np.sort(random.choice(total, _ROWS, replace=False)) if total > _ROWS else np.arange(total)
    parts = true[taken], given[taken], groups.codes[taken]
    centre = rates(*parts, np.ones((1, len(taken))))
    drawn = [rates(*parts, weights) for weights in resampled(random, len(taken))]
    cells = zip(
        groups.names, *(getattr(whole, each)[0] for each in ("rows", "selection", "true_positive", "false_positive")),
        strict=False,
    )  # fmt: skip
    table = TableEvidence.of(("group", "rows", "selection rate", "TPR", "FPR"), cells, f"rates by group{of}")
    chance = _by_chance(*parts, random)
    for name, figure in (("demographic parity difference", "parity"), ("equalised odds difference", "odds")):
        gap = float(getattr(whole, figure)[0])
        spread = np.concatenate([getattr(each, figure) for each in drawn]) - getattr(centre, figure)[0]
        scale = (len(taken) / total) ** 0.5
        spread *= scale
        usual = float(np.quantile(chance[figure], 1 - asked.risk)) * scale
        ends = np.quantile(spread, [1 - asked.risk, asked.risk])
        low, high = (min(max(gap - float(end), 0.0), 1.0) for end in ends)
        smallest = f"the smallest group has {int(whole.rows.min()):,} rows"
        yield _outcome(asked, f"{name}{of}", gap, (low, high, usual), table, smallest)


def _by_chance(true: Any, given: Any, codes: Any, random: np.random.Generator) -> dict[str, Array]:
    """Differences when groups are dealt to the rows at random, each of shape ``(199,)``."""
    import numpy as np

    found: dict[str, list[float]] = {"parity": [], "odds": []}
    once = np.ones((1, len(true)))
    strata = [np.flatnonzero(true), np.flatnonzero(~true)]
    for _ in range(_DEALS):
        found["parity"].append(float(rates(true, given, random.permutation(codes), once).parity[0]))
        dealt = codes.copy()
        for rows in strata:
            dealt[rows] = random.permutation(codes[rows])
        found["odds"].append(float(rates(true, given, dealt, once).odds[0]))
    return {name: np.array(values) for name, values in found.items()}


def _outcome(
    asked: Asked, name: str, gap: float, ends: tuple[float, float, float], table: TableEvidence, smallest: str
) -> Outcome:
    bound = asked.fairness
    shown = ends[0] > bound and gap > ends[2]
    status: Status = "failed" if shown else "warned" if gap > bound else "passed"
    unsure = "; the rows do not show that it is above the bound" if status == "warned" else ""
    return Outcome(
        check=name,
        column=asked.sensitive,
        status=status,
        figure=f"{gap:.4f}",
        bound=f"≤ {bound:g}",
        detail=f"{100 - 200 * asked.risk:.4g}% interval {ends[0]:.4f} to {ends[1]:.4f}, "
        f"up to {ends[2]:.4f} by chance; {smallest}{unsure}",
        evidence=(table,),
        number=gap,
    )
