"""What is erased leaves remotes wherever they lie, also behind a network that fails."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nbmlops.store.remote import Remote
from nbmlops.store.remote_records import RemoteRecords
from nbmlops.workspace import Workspace
from tests.contracts.fault_proxy import FaultProxy, Faults
from tests.data.test_erase import MARKER, flights, in_packs, places_of, without


def said_at(place: str) -> bytes:
    """All that is said at a place beside its packs."""
    records = Remote(place).records
    assert isinstance(records, RemoteRecords)
    files = records._files
    return b"".join(
        path.encode() + files.fetch(f"{top}/{path}")
        for top in ("versions", "lineage", "erased")
        for path in files.find(top)
    )


def found_at(place: str) -> list[str]:
    return in_packs(MARKER.encode(), Remote(place).folder) + ["a record"] * (MARKER.encode() in said_at(place))


def condition(tmp_path: Path) -> Path:
    path = tmp_path / "where.txt"
    path.write_text(f"tail = '{MARKER}'")
    return path


def test_a_marker_is_nowhere_afterwards(place: str, tmp_path: Path) -> None:
    frame = flights(8_000)
    with Workspace.init(tmp_path / "ann") as ann, Workspace.init(tmp_path / "ben") as ben:
        ann.data.save(frame, "t", message=MARKER)
        ann.data.save(ann.data.load("t").sort_values("delay"), "t")
        ann.data.push(to=place)
        assert found_at(place)
        done = ann.data.erase("t", where_file=condition(tmp_path), yes=True, remotes=[place])
        assert done.state == "done"
        assert found_at(place) == []
        ben.data.pull(from_=place)
        pd.testing.assert_frame_equal(ben.data.load("t@v1"), without(frame, anew=True))
        assert ben.store.verify(full=True).ok
        assert ann.data.push(to=place).bytes_sent == 0


def test_a_purge_that_breaks_off_is_completed(bucket: str, proxy: FaultProxy, tmp_path: Path) -> None:
    place = f"{bucket}/prefix"
    frame = flights(8_000)
    with Workspace.init(tmp_path / "ann") as ann, Workspace.init(tmp_path / "ben") as ben:
        ann.data.save(frame, "t", message=MARKER)
        ann.data.save(frame.sort_values("delay"), "t")
        ann.data.push(to=place)
        proxy.counts.clear()
        proxy.faults = Faults(errors=1.0, after=8)
        done = ann.data.erase("t", where_file=condition(tmp_path), yes=True, remotes=[place])
        assert done.state == "pending"
        assert not ann.doctor().ok
        proxy.counts.clear()
        proxy.faults = Faults(errors=1.0, after=16)
        assert ann.data.erase(resume=True).state == "pending"
        proxy.faults = Faults()
        assert ann.data.erase(resume=True).state == "done"
        assert found_at(place) == []
        assert places_of(MARKER, ann.marker.root) == []
        ben.data.pull(from_=place)
        pd.testing.assert_frame_equal(ben.data.load("t@v1"), without(frame, anew=True))
        assert ben.store.verify(full=True).ok
