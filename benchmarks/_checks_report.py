"""How large a report of 200 columns is, each with an outcome and a chart of 30 bars before and after.

Bound: 100 kB of HTML. Evidently 0.7.23 writes 17.9 MB for the drift of 200 columns.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from nbmlops.checks.evidence import BarsEvidence
from nbmlops.checks.junit import junit_xml
from nbmlops.checks.records import Outcome, Report, Status
from nbmlops.checks.report_page import report_page
from nbmlops.core.digests import canonical_json

COLUMNS, ROWS, BARS, BOUND = 200, 5_000, 30, 100_000


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
        "HTML": len(report_page(report).encode()),
        "JSON": len(canonical_json(report.to_json())),
        "JUnit": len(junit_xml(report)),
    }


def main() -> None:
    """Print the sizes, and hold the page to its bound."""
    report = report_of()
    found = sizes(report)
    pictures = report_page(report).count("<svg")
    print(f"a report of {COLUMNS} columns with {pictures} pictures")
    for form, size in found.items():
        print(f"    {form:<6} {size:>8,} bytes")
    assert found["HTML"] <= BOUND, f"the page has {found['HTML']:,} bytes, more than {BOUND:,}"


if __name__ == "__main__":
    main()
