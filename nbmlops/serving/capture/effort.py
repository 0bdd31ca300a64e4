"""What the answers of an hour cost: how long workers were busy with them, and how much memory each held.

A worker is busy while it has at least one request, so requests that it answers at the same time count once. Its
resident memory is noted with each batch of the log; the least of an hour is kept, which garbage and a large request
do not raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[np.float64]

__all__ = ["Effort", "effort_of"]


@dataclass(frozen=True, slots=True)
class Effort:
    """What answers cost.

    Attributes
    ----------
    requests, rows : int
        That were answered, with a status below 400.
    busy_seconds : float
        How long workers had at least one of these requests, added up over workers.
    memory : mapping of str to int
        By worker, the least resident memory that it had, in bytes; those that did not tell are left out.
    """

    requests: int
    rows: int
    busy_seconds: float
    memory: Mapping[str, int] = field(default_factory=dict)

    def merge(self, other: Effort) -> Effort:
        """Of the answers of both."""
        least = {**self.memory}
        for worker, size in other.memory.items():
            least[worker] = min(size, least.get(worker, size))
        busy = self.busy_seconds + other.busy_seconds
        return Effort(self.requests + other.requests, self.rows + other.rows, busy, least)

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "requests": self.requests,
            "rows": self.rows,
            "busy_seconds": self.busy_seconds,
            "memory": dict(self.memory),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(said["requests"], said["rows"], said["busy_seconds"], dict(said["memory"]))


def effort_of(table: pa.Table, firsts: pa.Table) -> Effort:
    """The effort of captured rows, of which `firsts` are the first of each request."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = int(pc.sum(pc.less(table.column("_status"), 400)).as_py() or 0)
    # Texts cost more than all else here, and a segment is of one worker.
    workers = pc.dictionary_encode(firsts.column("_worker")).combine_chunks()
    codes, good = workers.indices.to_numpy(), firsts.column("_status").to_numpy() < 400
    begins = firsts.column("_at").cast(pa.int64()).to_numpy().astype(np.float64)
    lengths = 1e3 * firsts.column("_latency_ms").to_numpy().astype(np.float64)
    busy = 0.0
    for code in range(len(workers.dictionary)):
        own = good & (codes == code)
        busy += _together(begins[own], lengths[own]) / 1e6
    return Effort(int(good.sum()), rows, busy, _least(table))


def _together(begins: Array, lengths: Array) -> float:
    """How long at least one of some intervals lasted."""
    import numpy as np

    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], (begins + lengths)[order]
    # Each adds what lies behind the latest end so far.
    covered = np.concatenate([[-np.inf], np.maximum.accumulate(ends)[:-1]])
    return float(np.maximum(0.0, ends - np.maximum(begins, covered)).sum())


def _least(table: pa.Table) -> dict[str, int]:
    """The least memory of each worker; what was captured before it was noted has none."""
    if "_memory" not in table.column_names:
        return {}
    known = table.select(["_worker", "_memory"]).drop_null()
    told = known.group_by("_worker").aggregate([("_memory", "min")]).to_pylist()
    return {one["_worker"]: one["_memory_min"] for one in told}
