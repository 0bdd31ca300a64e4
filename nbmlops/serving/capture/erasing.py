"""Takes rows out of what was captured: requests, their labels, and what profiles of hours tell of them.

A captured row goes when it meets the condition. Where it has not all columns of the condition, it goes when a text in
it holds one of the values; an input that is kept as a hash is compared with the hashes of the values. Labels go with
the rows that they are of, and by their own keys. The order makes it safe to cut off anywhere: labels first, for which
rows are needed to find them, then the profile of an hour, then its rows, by which it is known that there is still
something to do. Each file is put in the place of the old one as a whole.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data.erasable import Reached, Sought
from nbmlops.profiling.document import write as write_profile
from nbmlops.serving.capture.batches import KEPT
from nbmlops.serving.capture.folding import HOUR_FILE, fold
from nbmlops.serving.capture.hours import Hour, hour_of, read_hour, write_hour
from nbmlops.serving.capture.label_files import ID
from nbmlops.serving.capture.policy import hash_key, hashed
from nbmlops.serving.capture.requests import INPUT
from nbmlops.serving.capture.segments import Place, is_closed, read_segment

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.serving.capture.reading import Captured
    from nbmlops.store.redaction import Redaction

__all__ = ["CapturedRequests"]

_PATIENCE = 5.0
"""Seconds within which a process that answers lets go of its log when it is asked to."""


class CapturedRequests:
    """What was captured of the deployments of a workspace, as a place that an erasure reaches.

    Parameters
    ----------
    captured : Captured
        What was captured.
    refuse : callable
        Raises `RefusedError` when what was captured of a deployment may not change.
    patience : float
        Seconds that a process which answers has to let go of its log.
    """

    def __init__(self, captured: Captured, refuse: Callable[[str], None], patience: float = _PATIENCE) -> None:
        self._captured = captured
        self._refuse = refuse
        self._patience = patience

    def find(self, sought: Sought) -> list[Reached]:
        """Count rows and labels that would go."""
        found: list[Reached] = []
        for place in self._places():
            judge = _Judge(sought, hash_key(place.root))
            gone = [table.filter(judge.gone(table)) for table in _tables(place)]
            ids = {name for table in gone for name in table.column(ID).to_pylist()}
            rows = sum(table.num_rows for table in gone)
            labels = sum(int(judge.labels_gone(table, ids).sum()) for _, table in _label_tables(place))
            if rows or labels or any(judge.is_told(read_hour(path)) for path in _hour_files(place)):
                self._refuse(place.deployment)
            found += _told(place, rows, labels)
        return found

    def erase(self, sought: Sought) -> list[Reached]:
        """Take them out."""
        self.find(sought)  # refused is refused before anything changes
        found: list[Reached] = []
        for place in self._places():
            judge = _Judge(sought, hash_key(place.root))
            held = self._rolled(place)
            fold(place)
            with place.locked():
                rows, labels = _take_out(place, judge)
            found += _told(place, rows, labels)
            if any(judge.gone(table).any() for table in map(read_segment, held) if table is not None):
                what = f"the log of an endpoint of {place.deployment} that answers and does not let go"
                found.append(Reached(what, 0, (f"{what}: stop it, and erase again",)))
        return found

    def settle(self) -> None:
        """Nothing: each file was put in the place of the old one as a whole."""

    def _places(self) -> Iterator[Place]:
        for name in self._captured.deployments():
            yield self._captured.place(name)

    def _rolled(self, place: Place) -> list[Path]:
        """Ask whoever answers to let go of its log; the segments that are held still."""
        held = [path for path in place.segments() if not is_closed(path)]
        if held:
            place.ask_to_roll()
        until = time.monotonic() + self._patience
        while held and time.monotonic() < until:
            time.sleep(0.05)
            held = [path for path in held if path.exists() and not is_closed(path)]
        return held


def _told(place: Place, rows: int, labels: int) -> list[Reached]:
    counts = {"captured requests": rows, "labels": labels}
    return [Reached(f"{what} of {place.deployment}", count) for what, count in counts.items() if count]


class _Judge:
    """Tells which rows and labels go."""

    def __init__(self, sought: Sought, key: bytes) -> None:
        self._condition = sought.condition
        self._literals = sought.literals
        self._redaction: Redaction = sought.literals.redaction()
        self._hashes = {
            column: dict(zip(hashed(values, key), values, strict=True))
            for column, values in sought.literals.by_column.items()
        }

    def gone(self, table: pa.Table) -> np.ndarray:
        """For each captured row whether it goes."""
        import pyarrow as pa

        names = [name.removeprefix(INPUT) for name in table.column_names if name.startswith(INPUT)]
        if self._condition.missing(names):
            return self._holding(table)
        plain = pa.table({name: self._clear(name, table.column(INPUT + name)) for name in names})
        try:
            return self._condition.holds(self._condition.on(plain.schema), plain, "captured requests")
        except InvalidError:  # kept in another type, as a hash of a number is: its values are looked for instead
            return self._holding(table)

    def _clear(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """A column in which the hashes of the values that are sought are those values again."""
        import pyarrow as pa

        known = {digest: value for digest, value in self._hashes.get(name, {}).items() if isinstance(value, str)}
        if not known or not pa.types.is_string(column.type):
            return column
        return pa.chunked_array([[known.get(value, value) for value in column.to_pylist()]], pa.string())

    def _holding(self, table: pa.Table) -> np.ndarray:
        """Rows of which a text holds one of the values, or is the hash of one."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        found = np.zeros(table.num_rows, bool)
        for name in table.column_names:
            column = table.column(name)
            if name in {ID, "_role", "_worker"} or not pa.types.is_string(column.type):
                continue
            own = self._hashes.get(name.removeprefix(INPUT), {})
            values = [value for value in pc.unique(column).to_pylist() if value is not None]
            dirty = [value for value in values if value in own or self._redaction.is_in(value)]
            if dirty:
                found |= pc.is_in(column, pa.array(dirty, pa.string())).to_numpy(zero_copy_only=False)
        return found

    def labels_gone(self, table: pa.Table, ids: set[str]) -> np.ndarray:
        """For each label whether it goes: with its row, by its key, or as it holds a value itself."""
        import numpy as np

        texts = [str(value) for value in table.column("label").to_pylist()]
        pairs = zip(table.column("by").to_pylist(), table.column("key").to_pylist(), texts, strict=True)
        return np.array([self._label_goes(by, key, label, ids) for by, key, label in pairs], bool)

    def _label_goes(self, by: str, key: str, label: str, ids: set[str]) -> bool:
        if by == ID and key in ids:
            return True
        hashes = self._hashes.get(by, {})
        if len(self._condition.columns) == 1 and hashes and key in {str(value) for value in hashes.values()}:
            return True  # nothing else is asked of the row but this key
        return key in hashes or self._redaction.is_in(key) or self._redaction.is_in(label)

    def is_told(self, hour: Hour) -> bool:
        """Whether the profile of an hour holds one of the values, as text or in a sketch."""
        if hour.profile is None or not self._redaction:
            return False
        said = write_profile(hour.profile)
        if self._redaction.is_in(said.decode()):
            return True
        return any(self._redaction.is_in_stream(io.BytesIO(blob)) for blob in _blobs(json.loads(said)))


def _blobs(document: Any) -> Iterator[bytes]:
    """The bytes that texts of a document stand for in Base64."""
    if isinstance(document, str):
        try:
            yield base64.b64decode(document, validate=True)
        except binascii.Error:
            return
    elif isinstance(document, dict):
        for value in document.values():
            yield from _blobs(value)
    elif isinstance(document, list):
        for value in document:
            yield from _blobs(value)


def _tables(place: Place) -> Iterator[pa.Table]:
    """All rows that are kept, of the log and of the hours; those whose folding was cut off once only."""
    import pyarrow.parquet as pq

    logs = {path.stem: read_segment(path) for path in place.segments()}
    yield from (table.filter(table.column(KEPT)) for table in logs.values() if table is not None)
    for path in sorted(place.hours.glob("*/*/*.parquet")):
        if path.stem not in logs:
            yield pq.read_table(path)


def _hour_files(place: Place) -> list[Path]:
    return sorted(place.hours.glob(f"*/*/{HOUR_FILE}"))


def _label_tables(place: Place) -> Iterator[tuple[Path, pa.Table]]:
    import pyarrow.parquet as pq

    for path in sorted(place.labels.glob("*.parquet")):
        yield path, pq.read_table(path)


def _take_out(place: Place, judge: _Judge) -> tuple[int, int]:
    """Rewrite labels, profiles and rows, in this order; how many of each went."""
    import pyarrow.parquet as pq

    homes = sorted(path for path in place.hours.glob("*/*") if path.is_dir())
    ids: set[str] = set()
    for home in homes:
        for path in home.glob("*.parquet"):
            table = pq.read_table(path)
            ids.update(table.filter(judge.gone(table)).column(ID).to_pylist())
    labels = 0
    for path, table in _label_tables(place):
        labels += _rewrite(path, table, judge.labels_gone(table, ids))
    return sum(_clear_home(home, judge) for home in homes), labels


def _clear_home(home: Path, judge: _Judge) -> int:
    """Take rows out of an hour, and of its profile; how many there were."""
    import pyarrow.parquet as pq

    parts = {path: pq.read_table(path) for path in sorted(home.glob("*.parquet"))}
    gone = {path: judge.gone(table) for path, table in parts.items()}
    count = sum(int(each.sum()) for each in gone.values())
    target = home / HOUR_FILE
    hour = read_hour(target) if target.exists() else None
    if hour is not None and (count or judge.is_told(hour)):
        kept = [table.filter(~gone[path]) for path, table in parts.items()]
        write_hour(_profiled_anew(hour, kept, count), target)
    for path, table in parts.items():
        _rewrite(path, table, gone[path])
    return count


def _profiled_anew(hour: Hour, kept: list[pa.Table], gone: int) -> Hour:
    """An hour with the profile of the rows that stay; without one when not all of its rows were kept."""
    import pyarrow as pa

    profile = hour.profile
    left = sum(table.num_rows for table in kept)
    if profile is None or profile.rows == left:  # cut off between the profile and the rows
        return hour
    if profile.rows != left + gone or not left:
        return replace(hour, profile=None)
    whole = pa.concat_tables(kept, promote_options="permissive")
    return replace(hour, profile=hour_of(whole, hour.start, hour.version, hour.role, "").profile)


def _rewrite(path: Path, table: pa.Table, gone: np.ndarray) -> int:
    """Put a file without some of its rows in its place; how many they were."""
    import pyarrow.parquet as pq

    count = int(gone.sum())
    if not count:
        return 0
    if count == table.num_rows:
        path.unlink()
        return count
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table.filter(~gone), part, compression="zstd")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    return count
