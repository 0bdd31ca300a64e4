"""How large a report of 200 columns is, each with an outcome and a chart of 30 bars before and after.

Bound: 100 kB of HTML. Evidently 0.7.23 writes 17.9 MB for the drift of 200 columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from _bounds import Row

from nbmlops.checks.evidence import BarsEvidence
from nbmlops.checks.junit import junit_xml
from nbmlops.checks.records import Outcome, Report, Status
from nbmlops.core.digests import canonical_json
from nbmlops.render.standalone import standalone

if TYPE_CHECKING:
    from _bench import Bench

COLUMNS, ROWS, BARS, BOUND = 200, 5_000, 30, 100_000
PEER = 17_900_000


def report_of(columns: int = COLUMNS) -> Report:
    """Give a report on so many columns of random numbers, every tenth of which has moved."""
    random = np.random.default_rng(2013)
    outcomes = []
    for place in range(columns):
        moved = place % 10 == 0
        before, after = random.normal(size=ROWS), random.normal(0.5 * moved, size=ROWS)
        edges = np.histogram_bin_edges(np.concatenate([before, after]), BARS)
        step = float(after.mean() - before.mean())
        name = f"column_{place:03}"
        counts = [np.histogram(each, edges)[0] for each in (before, after)]
        bars = BarsEvidence.of(name, counts[0], counts[1], f"mean {step:+.3f}")
        figure = f"{abs(step):.4f} of a standard deviation"
        status: Status = "failed" if moved else "passed"
        outcomes.append(Outcome("mean", name, status, figure, "≤ 0.1", evidence=(bars,), number=abs(step)))
    return Report(31, "drift", "data", "wide@v2", tuple(outcomes), datetime(2026, 7, 1, tzinfo=UTC))


def sizes(report: Report) -> dict[str, int]:
    """Give the bytes that a report takes in each form."""
    return {
        "HTML": len(standalone(report, "report").encode()),
        "JSON": len(canonical_json(report.to_json())),
        "JUnit": len(junit_xml(report)),
    }


def report(_bench: Bench) -> Iterator[Row]:
    """Give the row of the page's size; its peer's is what was measured once, and is not measured here."""
    judged = report_of()
    found, pictures = sizes(judged), standalone(judged, "report").count("<svg")
    print(f"    {pictures} pictures; " + ", ".join(f"{form} {size:,} bytes" for form, size in found.items()))
    met = found["HTML"] <= BOUND and pictures == COLUMNS
    yield Row(
        f"report of {COLUMNS} columns, HTML",
        f"{PEER / 1e6:.1f} MB (Evidently, measured before)",
        f"{found['HTML'] / 1e3:.1f} kB",
        f"{PEER / found['HTML']:.0f}x",
        f"<= {BOUND / 1e3:.0f} kB",
        met,
    )
