"""An hour of one version: how many requests, how they went, what they held; merged from parts and from replicas.

Kept as JSON, one file for each hour, version, role and set of columns, replaced as a whole. It lists the segments that
are in it, so that one whose folding was cut off is not counted twice.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import CorruptError
from nbmlops.profiling.document import read as read_profile
from nbmlops.profiling.document import write as write_profile
from nbmlops.profiling.records import Profile
from nbmlops.profiling.sketches import merge_quantiles, quantile_sketch
from nbmlops.serving.capture.effort import Effort, effort_of

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.serving.capture.requests import Role

__all__ = ["Hour", "hour_of", "hour_start", "read_hour", "write_hour"]

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Hour:
    """What one version answered in one hour.

    Attributes
    ----------
    start : datetime
        The begin of the hour, UTC.
    version : int
        The number of the version.
    role : {"served", "shadow"}
        Whether its answers were heard.
    rows, requests, errors : int
        Rows; requests; requests that were refused or failed: of a status of 400 and more.
    profile : Profile or None
        Of inputs and answers of all rows; None when they have no columns.
    latency : bytes
        The KLL sketch of the milliseconds that each request took.
    segments : tuple of str
        Segments of the log that are in it.
    effort : Effort or None
        What the answers cost; None of hours that were kept before that was noted.
    """

    start: datetime
    version: int
    role: Role
    rows: int
    requests: int
    errors: int
    profile: Profile | None
    latency: bytes
    segments: tuple[str, ...] = ()
    effort: Effort | None = None

    def latency_ms(self, share: float) -> float:
        """Milliseconds within which a share of the requests was answered."""
        import datasketches

        sketch = datasketches.kll_doubles_sketch.deserialize(self.latency)
        return float("nan") if sketch.is_empty() else float(sketch.get_quantile(share))

    def merge(self, other: Hour) -> Hour:
        """Of the requests of both; the version, role and begin are this one's."""
        profiles = [one for one in (self.profile, other.profile) if one is not None]
        efforts = [one for one in (self.effort, other.effort) if one is not None]
        return replace(
            self,
            rows=self.rows + other.rows,
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            profile=Profile.merged(profiles) if profiles else None,
            latency=merge_quantiles(self.latency, other.latency),
            segments=tuple(dict.fromkeys((*self.segments, *other.segments))),
            effort=reduce(Effort.merge, efforts) if efforts else None,
        )


def hour_start(at: datetime) -> datetime:
    """The begin of the hour of a time, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_of(table: pa.Table, start: datetime, version: int, role: Role, segment: str) -> Hour:
    """The hour of rows of one version and role."""
    import numpy as np
    import pyarrow.compute as pc

    from nbmlops.profiling.personal.masking import masked_profile
    from nbmlops.profiling.profiler import profile_in_turn

    ids = table.column("_id")
    firsts = table.filter(pc.or_(pc.ends_with(ids, "#0"), pc.invert(pc.match_substring(ids, "#"))))
    latencies = firsts.column("_latency_ms").to_numpy().astype(np.float64)
    bad = pc.sum(pc.greater_equal(firsts.column("_status"), 400)).as_py() or 0
    columns = [name for name in table.column_names if not name.startswith("_")]
    profile = masked_profile(profile_in_turn([table.select(columns)], lambda: None)) if columns else None
    counts = table.num_rows, firsts.num_rows, int(bad)
    effort = effort_of(table, firsts)
    return Hour(start, version, role, *counts, profile, quantile_sketch(latencies), (segment,), effort)


def read_hour(path: Path) -> Hour:
    """Read what `write_hour` wrote.

    Raises
    ------
    CorruptError
        When it is damaged.
    """
    try:
        said = json.loads(path.read_bytes())
        own: dict[str, Any] = {key: said[key] for key in ("version", "role", "rows", "requests", "errors")}
        profile = None if said["profile"] is None else read_profile(said["profile"].encode())
        effort = said.get("effort")
        return Hour(
            datetime.fromisoformat(said["start"]),
            **own,
            profile=profile,
            latency=base64.b64decode(said["latency"]),
            segments=tuple(said["segments"]),
            effort=None if effort is None else Effort.from_json(effort),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptError(f"{path} is damaged: {error}", hint="delete it: its rows, where kept, stay") from error


def write_hour(hour: Hour, path: Path) -> None:
    """Put an hour in the place of what was there."""
    said = {
        "format": FORMAT,
        "start": hour.start.isoformat(),
        **{key: getattr(hour, key) for key in ("version", "role", "rows", "requests", "errors")},
        "profile": None if hour.profile is None else write_profile(hour.profile).decode(),
        "latency": base64.b64encode(hour.latency).decode(),
        "segments": list(hour.segments),
        "effort": None if hour.effort is None else hour.effort.to_json(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
