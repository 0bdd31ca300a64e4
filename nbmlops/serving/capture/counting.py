"""How many requests each version had: from the hours that are folded, and from the log, without profiling it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbmlops.profiling.sketches import merge_quantiles, quantile_sketch
from nbmlops.serving.records import Traffic

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.serving.capture.hours import Hour
    from nbmlops.serving.capture.requests import Role

__all__ = ["tallied"]


class _Tally:
    """Adds up what versions answered."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, Role], list[int]] = {}
        self._latencies: dict[tuple[int, Role], bytes] = {}

    def add(self, key: tuple[int, Role], counts: Iterable[int], latency: bytes) -> None:
        """Add rows, requests and errors, and a sketch of milliseconds."""
        known = self._counts.get(key, (0, 0, 0))
        self._counts[key] = [a + b for a, b in zip(known, counts, strict=True)]
        before = self._latencies.get(key)
        self._latencies[key] = latency if before is None else merge_quantiles(before, latency)

    def add_hour(self, hour: Hour) -> None:
        """Add an hour that is folded."""
        self.add((hour.version, hour.role), (hour.rows, hour.requests, hour.errors), hour.latency)

    def add_log(self, table: pa.Table) -> None:
        """Add rows of the log."""
        import numpy as np
        import polars as pl

        own = table.select(["_id", "_version", "_role", "_status", "_latency_ms"])
        first = ~pl.col("_id").str.contains("#", literal=True) | pl.col("_id").str.ends_with("#0")
        frame = pl.DataFrame(own).with_columns(first.alias("first"))
        for (version, role), rows in frame.group_by("_version", "_role"):
            requests = rows.filter(pl.col("first"))
            bad = int((requests["_status"] >= 400).sum())
            latency = quantile_sketch(requests["_latency_ms"].to_numpy().astype(np.float64))
            self.add((int(version), role), (rows.height, requests.height, bad), latency)

    def traffic(self) -> tuple[Traffic, ...]:
        """What was added, by role and version."""
        return tuple(
            Traffic(version, role, rows, requests, errors, _p95(self._latencies[version, role]))
            for (version, role), (rows, requests, errors) in sorted(
                self._counts.items(), key=lambda item: (item[0][1], item[0][0])
            )
        )


def _p95(sketch: bytes) -> float:
    import datasketches

    read = datasketches.kll_doubles_sketch.deserialize(sketch)
    return float("nan") if read.is_empty() else float(read.get_quantile(0.95))


def tallied(hours: Iterable[Hour], logs: Iterable[pa.Table]) -> tuple[Traffic, ...]:
    """What versions answered in some hours and in some of the log."""
    tally = _Tally()
    for hour in hours:
        tally.add_hour(hour)
    for table in logs:
        tally.add_log(table)
    return tally.traffic()
