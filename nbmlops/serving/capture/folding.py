"""Closed segments become hours: a profile of all rows, and a Parquet file of those that are kept.

Whoever comes first folds, under a lock on the deployment's folder. A segment's log is removed last. When folding was
cut off it is done again, and adds nothing to what has it already: its Parquet file has its name, and the profile lists
it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import instant
from nbmlops.core.digests import of_json
from nbmlops.serving.capture.batches import KEPT
from nbmlops.serving.capture.hours import Hour, hour_of, read_hour, write_hour
from nbmlops.serving.capture.segments import Place, is_closed, read_segment

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["HOUR_FILE", "fold", "folder_hour", "hours_in"]

HOUR_FILE = "hour.json"
_HOUR = 3_600_000_000
_FORM = "%Y%m%dT%H"


def fold(place: Place) -> int:
    """Fold all closed segments of a deployment; how many there were."""
    if not any(is_closed(path) for path in place.segments()):
        return 0
    done = 0
    with place.locked():
        for path in place.segments():
            if is_closed(path):
                done += 1
                _fold(place, path)
    return done


def _fold(place: Place, path: Path) -> None:
    table, name = read_segment(path), path.stem
    if table is not None:
        for home, hour, rows in hours_in(place, table, name):
            _keep_rows(home, name, rows)
            target = home / HOUR_FILE
            known = read_hour(target) if target.exists() else None
            if known is None or name not in known.segments:
                write_hour(hour if known is None else known.merge(hour), target)
    path.unlink()


def hours_in(place: Place, table: pa.Table, segment: str) -> Iterator[tuple[Path, Hour, pa.Table]]:
    """The hours of a segment's rows: the folder of each, its figures, and its rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = of_json([[field.name, str(field.type)] for field in table.schema if not field.name.startswith("_")])[:8]
    numbers = table.column("_at").cast(pa.int64()).to_numpy() // _HOUR
    for number in np.unique(numbers):
        start = instant(int(number) * _HOUR)
        some = table.filter(pa.array(numbers == number))
        for group in some.group_by(["_version", "_role"]).aggregate([]).to_pylist():
            version, role = group["_version"], group["_role"]
            one = pc.and_(pc.equal(some.column("_version"), version), pc.equal(some.column("_role"), role))
            rows = some.filter(one)
            home = place.hours / start.strftime(_FORM) / f"v{version}-{role}-{kinds}"
            yield home, hour_of(rows, start, version, role, segment), rows


def folder_hour(folder: Path) -> tuple[datetime, datetime]:
    """Begin and end of the hour that a folder of ``hours/`` is of."""
    start = datetime.strptime(folder.name, _FORM).replace(tzinfo=UTC)
    return start, start + timedelta(hours=1)


def _keep_rows(home: Path, name: str, rows: Any) -> None:
    import pyarrow.parquet as pq

    kept = rows.filter(rows.column(KEPT)).drop_columns([KEPT])
    if not kept.num_rows:
        return
    home.mkdir(parents=True, exist_ok=True)
    part = home / f"{name}.part"
    pq.write_table(kept, part, compression="zstd")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(home / f"{name}.parquet")
