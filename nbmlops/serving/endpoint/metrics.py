"""Figures of all workers of an endpoint, for Prometheus.

Each worker writes its own to files in a folder that they share, and whichever is asked adds them up: a worker that was
killed is still counted. `prometheus_client` decides when it is imported whether it does so, by an environment variable.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.serving.capture.log import CaptureCounts
    from nbmlops.serving.endpoint.served import Served

__all__ = ["FOLDER", "Metrics", "forget"]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the folder, set for a worker before it starts."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 10_000)


class Metrics:
    """What one worker counts.

    Parameters
    ----------
    model : str
        The model's name, a label of each figure.
    """

    def __init__(self, model: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        registry = CollectorRegistry()
        self._model = model
        self._requests = Counter(
            "nbmlops_requests",
            "Requests that were answered.",
            ["model", "route", "status", "version"],
            registry=registry,
        )
        self._seconds = Histogram(
            "nbmlops_request_seconds", "From the head of a request to its answer.", ["model"], buckets=_SECONDS,
            registry=registry,
        ).labels(model)  # fmt: skip
        self._batches = Histogram(
            "nbmlops_batch_rows", "Rows that were predicted together.", ["model"], buckets=_ROWS, registry=registry
        ).labels(model)
        self._rows = Counter("nbmlops_rows", "Rows that were predicted.", ["model", "version"], registry=registry)
        self._version = Gauge(
            "nbmlops_model_version", "The number of the version that answers.", ["model"],
            multiprocess_mode="livemax", registry=registry,
        ).labels(model)  # fmt: skip
        self._behind = Gauge(
            "nbmlops_reload_failing", "1 while the alias is on what does not open, or the catalog is away.", ["model"],
            multiprocess_mode="livemax", registry=registry,
        ).labels(model)  # fmt: skip
        self._missing = Gauge(
            "nbmlops_version_missing", "1 while a version with a share or in shadow does not open.", ["model", "ref"],
            multiprocess_mode="livemax", registry=registry,
        )  # fmt: skip
        self._shadow_rows = Counter(
            "nbmlops_shadow_rows", "Rows that shadows were asked, or that were left out.",
            ["model", "version", "outcome"], registry=registry,
        )  # fmt: skip
        self._captured = Counter(
            "nbmlops_captured_rows", "What became of rows that were to be captured.", ["model", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._counted: dict[str, int] = {}
        self._ever_missing: set[str] = set()
        # Looking labels up takes longer than counting.
        self._known: dict[tuple[Any, ...], Any] = {}

    def answered(self, route: str, status: int, version: int | None, seconds: float | None = None) -> None:
        """Count a request."""
        key = (route, status, version)
        counter = self._known.get(key)
        if counter is None:
            counter = self._requests.labels(self._model, route, str(status), "" if version is None else str(version))
            self._known[key] = counter
        counter.inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def predicted(self, served: Served, _requests: int, rows: int) -> None:
        """Count a batch."""
        counter = self._known.get((served.version,))
        if counter is None:
            counter = self._known[served.version,] = self._rows.labels(self._model, str(served.version))
        counter.inc(rows)
        self._batches.observe(rows)

    def looked(self, version: int, good: bool) -> None:
        """Say which version answers, and whether it is the one that should."""
        self._version.set(version)
        self._behind.set(0 if good else 1)

    def missing(self, refs: Iterable[str]) -> None:
        """Say which versions that have a share, or are in shadow, do not answer."""
        now = set(refs)
        self._ever_missing |= now
        for ref in self._ever_missing:
            self._missing.labels(self._model, ref).set(ref in now)

    def shadowed(self, served: Served, rows: int, asked: bool) -> None:
        """Count rows of a shadow."""
        outcome = "asked" if asked else "dropped"
        self._shadow_rows.labels(self._model, str(served.version), outcome).inc(rows)

    def captured(self, counts: CaptureCounts) -> None:
        """Count what was captured since this was last asked."""
        for outcome in ("written", "dropped", "failed"):
            whole = getattr(counts, outcome)
            self._captured.labels(self._model, outcome).inc(whole - self._counted.get(outcome, 0))
            self._counted[outcome] = whole

    @staticmethod
    def text() -> tuple[bytes, str]:
        """The figures of all workers, and their content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST


def forget(folder: Path, pid: int) -> None:
    """Take a worker that has ended out of what is true of live ones; what it counted stays."""
    for path in folder.glob(f"gauge_live*_{pid}.db"):
        path.unlink(missing_ok=True)
