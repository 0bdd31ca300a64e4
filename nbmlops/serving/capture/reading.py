"""Reads what was captured: rows, hours and labels, folded or not, the same for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.serving.capture.batches import KEPT
from nbmlops.serving.capture.counting import tallied
from nbmlops.serving.capture.folding import HOUR_FILE, fold, folder_hour, hours_in
from nbmlops.serving.capture.hours import Hour, hour_start, read_hour
from nbmlops.serving.capture.label_files import joined, newest_labels
from nbmlops.serving.capture.requests import own_schema
from nbmlops.serving.capture.segments import Place, read_segment

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from nbmlops.serving.records import Traffic

__all__ = ["Captured"]


class Captured:
    """What was captured in one workspace.

    Parameters
    ----------
    root : Path
        The folder of all of it: ``.nbmlops/capture``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, deployment: str) -> Place:
        """The folder of a deployment."""
        return Place(self.root, deployment)

    def deployments(self) -> list[str]:
        """Deployments of which something was captured, by name."""
        return sorted(path.name for path in self.root.iterdir() if path.is_dir()) if self.root.is_dir() else []

    def fold(self, deployment: str) -> int:
        """Fold what is closed; how many segments that were."""
        return fold(self.place(deployment))

    def rows(
        self,
        deployment: str,
        since: datetime | None = None,
        until: datetime | None = None,
        version: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """The rows that are kept, of the times from `since` to before `until`.

        Columns are ``_id``, ``_at``, ``_version``, ``_role``, ``_key``, ``_latency_ms``, ``_status``, ``_worker``, each
        input as ``in:NAME``, each answer as ``out:NAME``. Where versions differ in their columns, nulls stand.
        """
        import polars as pl

        place = self.place(deployment)
        logs = list(_logs(place))
        known = {name for name, _ in logs}
        frames = [pl.LazyFrame(schema=pl.DataFrame(own_schema().empty_table()).schema)]
        for _, table in logs:
            kept = table.filter(table.column(KEPT)).drop_columns([KEPT])
            frames.append(pl.DataFrame(kept).lazy())
        for folder in _folders(place, since, until):
            files = [path for path in sorted(folder.glob("*/*.parquet")) if path.stem not in known]
            frames += [pl.scan_parquet(path) for path in files]
        found = pl.concat(frames, how="diagonal_relaxed")
        if since is not None:
            found = found.filter(pl.col("_at") >= since)
        if until is not None:
            found = found.filter(pl.col("_at") < until)
        if version is not None:
            found = found.filter(pl.col("_version") == version)
        return found if columns is None else found.select(columns)

    def hours(
        self,
        deployment: str,
        since: datetime | None = None,
        until: datetime | None = None,
        version: int | None = None,
        role: str | None = "served",
    ) -> list[Hour]:
        """The hours that touch the times from `since` to before `until`, by begin and version.

        An hour is there once for each version and role, and again where the columns that were kept of it changed.
        """
        self.fold(deployment)
        place = self.place(deployment)
        found: dict[Path, Hour] = {}
        open_ = list(_logs(place))
        for folder in _folders(place, since, until):
            for path in folder.glob(f"*/{HOUR_FILE}"):
                found[path.parent] = read_hour(path)
        for name, table in open_:
            for home, hour, _ in hours_in(place, table, name):
                known = found.get(home)
                if _touches(hour.start, since, until) and (known is None or name not in known.segments):
                    found[home] = hour if known is None else known.merge(hour)
        wanted = [
            hour
            for hour in found.values()
            if (version is None or hour.version == version) and (role is None or hour.role == role)
        ]
        return sorted(wanted, key=lambda hour: (hour.start, hour.version, hour.role))

    def traffic(self, deployment: str, since: datetime | None = None) -> tuple[Traffic, ...]:
        """What each version answered since the begin of the hour of a time, by role and version."""
        import pyarrow.compute as pc

        place = self.place(deployment)
        with place.locked():  # what is folded meanwhile would be in both or in none
            folders = _folders(place, since, None)
            hours = [read_hour(path) for folder in folders for path in folder.glob(f"*/{HOUR_FILE}")]
            folded = {name for hour in hours for name in hour.segments}
            logs = [table for name, table in _logs(place) if name not in folded]
        if since is not None:
            logs = [table.filter(pc.field("_at") >= hour_start(since)) for table in logs]
        return tallied(hours, logs)

    def labels(self, deployment: str, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
        """The newest label of each key: ``by`` (the column of the key), ``key``, ``label``, ``at``, ``arrived_at``."""
        return newest_labels(self.place(deployment), since, until)

    def labelled(
        self,
        deployment: str,
        since: datetime | None = None,
        until: datetime | None = None,
        version: int | None = None,
        *,
        known: datetime | None = None,
    ) -> pl.LazyFrame:
        """Rows of these times that have a label (known by then), with ``label``, ``at`` and ``arrived_at``."""
        return joined(self.rows(deployment, since, until, version), self.labels(deployment, until=known))


def _logs(place: Place) -> Iterator[tuple[str, pa.Table]]:
    for path in place.segments():
        table = read_segment(path)
        if table is not None:
            yield path.stem, table


def _touches(start: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or start >= hour_start(since)) and (until is None or start < until)


def _folders(place: Place, since: datetime | None, until: datetime | None) -> list[Path]:
    if not place.hours.is_dir():
        return []
    return [folder for folder in sorted(place.hours.iterdir()) if _touches(folder_hour(folder)[0], since, until)]
