"""Clocks of replicas that differ: rows that come from the future, and workers whose rows are older than their files.

Each replica's clock says the hour of its rows. A row ahead of now is of a clock that is ahead. One that is behind is
told by its file: a worker writes within half a second of a request, so what it wrote last is as old as its file.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome
from nbmlops.render.units import count, duration
from nbmlops.serving.capture.segments import read_segment

if TYPE_CHECKING:
    from nbmlops.monitoring.watching import Watched

__all__ = ["SLACK", "clocks"]

SLACK = timedelta(minutes=5)
"""Differences below it put no row into an hour that it does not belong to, but for few."""


def clocks(watched: Watched) -> list[Outcome]:
    """An outcome for clocks that are ahead, one for those that are behind; none where all agree."""
    return [] if watched.replayed else [*_ahead(watched), *_behind(watched)]


def _ahead(watched: Watched) -> list[Outcome]:
    import polars as pl

    limit = watched.until + SLACK
    rows = watched.captured.rows(watched.monitor.deployment, limit, columns=("_at", "_worker"))
    found = rows.group_by("_worker").agg(pl.len().alias("rows"), pl.col("_at").max().alias("last")).collect()
    if found.is_empty():
        return []
    by = max(found["last"].to_list()) - watched.until
    figure = f"{count(int(found['rows'].sum()), 'row')} up to {duration(by.total_seconds())} ahead of now"
    workers = ", ".join(sorted(map(str, found["_worker"].to_list()))[:5])
    told = f"of {workers}; they are in no window before their time has come"
    return [Outcome("clocks", None, "warned", figure, "none", told, number=by.total_seconds())]


def _behind(watched: Watched) -> list[Outcome]:
    late: dict[str, timedelta] = {}
    for path in watched.captured.place(watched.monitor.deployment).segments():
        table = read_segment(path)
        if table is None or not table.num_rows:
            continue
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        by = written - max(table.column("_at").to_pylist())
        worker = str(table.column("_worker")[0])
        if by > SLACK:
            late[worker] = max(by, late.get(worker, by))
    if not late:
        return []
    most = max(late.values())
    figure = f"{count(len(late), 'worker')} up to {duration(most.total_seconds())} behind"
    told = f"{', '.join(sorted(late)[:5])}; what they wrote is older than its file"
    return [Outcome("clocks", None, "warned", figure, "none", told, number=most.total_seconds())]
