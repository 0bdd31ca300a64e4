"""How often the verdict on drift is wrong: false alarms by batch and kind of column, among many columns, and misses.

``python benchmarks/calibration.py`` prints the table of ``docs/drift.md``, with ``--times 500`` from so many draws a
cell. Beside it stand the rules of Evidently on the same draws.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from nbmlops.checks.drift.evidently import chosen
from nbmlops.checks.drift.samples import Sample
from nbmlops.checks.drift.verdict import ALPHA, RATE, adjusted, compare_categories, compare_numbers

REFERENCE = 5_000
BATCHES = (50, 100, 200, 500, 5_000)
KINDS: dict[str, tuple[str, Callable[[Any, int], Any]]] = {
    "normal": ("numbers", lambda seed, size: seed.normal(size=size)),
    "skewed (log-normal)": ("numbers", lambda seed, size: seed.lognormal(size=size)),
    "20 levels": ("categories", lambda seed, size: seed.integers(0, 20, size)),
    "binary": ("categories", lambda seed, size: (seed.random(size) < 0.3).astype(int)),
}


def _compared(kind: str, before: Any, after: Any) -> tuple[float, bool]:
    """The p-value of ours, and whether Evidently's rules call it drift."""
    samples: Any
    if kind == "numbers":
        before, after = np.sort(before), np.sort(after)
        samples = (Sample(kind, each, 0, len(each)) for each in (before, after))  # type: ignore[arg-type]
        return compare_numbers(before, after).p, chosen(*samples)[2]
    counts = [np.bincount(each, minlength=20) for each in (before, after)]
    levels = [{str(place): int(count) for place, count in enumerate(each) if count} for each in counts]
    samples = (Sample("categories", each, 0, sum(each.values())) for each in levels)
    return compare_categories(*counts).p, chosen(*samples)[2]


def main() -> int:
    """Print the table, and give 0 when false alarms are where they should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=2_000, help="draws for each cell")
    times = parser.parse_args().times
    print(f"| column | {' | '.join(f'{size:,} rows' for size in BATCHES)} | Evidently's rules at 50 / 5,000 |")
    print("|---|---|---|---|---|---|---|")
    good = True
    for name, (kind, draw) in KINDS.items():
        ours, theirs = [], []
        for size in BATCHES:
            seed = np.random.default_rng([size, *name.encode()])
            found = [_compared(kind, draw(seed, REFERENCE), draw(seed, size)) for _ in range(times)]
            ours.append(float(np.mean([p <= ALPHA for p, _ in found])))
            theirs.append(float(np.mean([drifted for _, drifted in found])))
        # What so few draws leave open, two standard errors, is allowed on each side.
        slack = 2 * (0.01 / times) ** 0.5
        good &= all(0.005 - slack <= share <= 0.02 + slack for share in ours)
        print(f"| {name} | {' | '.join(f'{share:.2%}' for share in ours)} | {theirs[0]:.0%} / {theirs[-1]:.0%} |")
    seed = np.random.default_rng(1)
    tables, alarmed = max(20, times // 5), 0
    for _ in range(tables):
        pairs = [[np.sort(seed.normal(size=size)) for size in (REFERENCE, 200)] for _ in range(200)]
        values = [compare_numbers(*pair).p for pair in pairs]
        rates = adjusted(values)
        alarmed += any(p <= ALPHA and rate <= RATE for p, rate in zip(values, rates, strict=True))
    good &= alarmed / tables <= 0.06 + 2 * (0.05 / tables) ** 0.5
    print(f"\nAny alarm among 200 columns without drift: {alarmed / tables:.1%} of {tables:,} tables (at most 6 %).")
    for far in (0.5, 0.55, 0.6):
        moved = [(np.sort(seed.normal(size=REFERENCE)), np.sort(seed.normal(far, 1, 50))) for _ in range(times)]
        found_it = float(np.mean([compare_numbers(*pair).p <= ALPHA for pair in moved]))
        print(f"A normal column that moves by {far} standard deviations, seen in 50 rows: found in {found_it:.1%}.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
